//! CLIP's network for pictures: a class token and the patches through a transformer.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::{config::ClipConfig, transformer::Transformer};
use crate::{
    layer::{Conv2d, LayerNorm, normal},
    tower::patches::embed_patches,
};

#[derive(Module, Debug)]
pub struct Vision {
    /// `[width]`
    class_embedding: Param<Tensor<1>>,
    /// `[1 + patches, width]`
    positional_embedding: Param<Tensor<2>>,
    /// `[width, embed]`
    proj: Param<Tensor<2>>,
    conv1: Conv2d,
    ln_pre: LayerNorm,
    transformer: Transformer,
    ln_post: LayerNorm,
}

impl Vision {
    pub fn new(config: &ClipConfig, device: &Device) -> Self {
        let (width, patch) = (config.vision_width, config.vision_patch_size);
        let side = config.image_resolution / patch;
        let deviation = 1.0 / (width as f32).sqrt();
        Self {
            class_embedding: normal([width], deviation, device),
            positional_embedding: normal([1 + side * side, width], deviation, device),
            proj: normal([width, config.embed_dim], deviation, device),
            conv1: Conv2d::new(3, width, patch, patch, 0, 1, false, device),
            ln_pre: LayerNorm::new(width, 1e-5, device),
            transformer: Transformer::new(width, config.vision_layers, config.vision_heads, device),
            ln_post: LayerNorm::new(width, 1e-5, device),
        }
    }

    /// # Shapes
    /// - image `[B, 3, resolution, resolution]`
    /// - output `[B, embed]`
    pub fn forward(&self, image: Tensor<4>) -> Tensor<2> {
        let batch = image.dims()[0];
        let patches = embed_patches(image, self.conv1.weight.val(), None);
        let width = patches.dims()[2];
        let class = self
            .class_embedding
            .val()
            .reshape([1, 1, width])
            .expand([batch, 1, width]);
        let tokens = Tensor::cat(vec![class, patches], 1) + self.positional_embedding.val().unsqueeze();
        let tokens = self.transformer.forward(self.ln_pre.forward(tokens), false);
        let class = self.ln_post.forward(tokens.narrow(1, 0, 1));
        class.reshape([batch, width]).matmul(self.proj.val())
    }
}

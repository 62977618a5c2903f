//! DINOv2's vision transformer without registers (ViT-B/14 as published), whose class tokens guide the restorer.
//!
//! Layer norm eps 1e-6, exact GELU, LayerScale. Any picture size that is a multiple of the patch: the position table is
//! resized.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use super::{
    patches::embed_patches,
    resize::{Filter, resize_by},
};
use crate::{
    kernel::{Activation, token_attention},
    layer::{Conv2d, LayerNorm, Linear, constant, normal},
    weights::{Checkpoint, WeightsError, load},
};

/// The published code adds this to the wished number of patches before it takes the scale.
const INTERPOLATION_OFFSET: f64 = 0.1;

/// Sizes; the default is ViT-B/14.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dinov2Config {
    /// Side of the pictures for which the position table was learned.
    pub img_size: usize,
    pub patch_size: usize,
    pub embed_dim: usize,
    pub depth: usize,
    pub num_heads: usize,
    pub mlp_ratio: usize,
}

impl Default for Dinov2Config {
    fn default() -> Self {
        Self {
            img_size: 518,
            patch_size: 14,
            embed_dim: 768,
            depth: 12,
            num_heads: 12,
            mlp_ratio: 4,
        }
    }
}

impl Dinov2Config {
    /// The sizes that a published checkpoint has (64 channels a head); ViT-B/14's where it does not tell.
    pub fn from_checkpoint(checkpoint: &Checkpoint) -> Self {
        let usual = Self::default();
        let shape = |key: &str, rank: usize| {
            let array = checkpoint.tensors.get(key);
            array
                .filter(|array| array.shape.len() == rank)
                .map(|array| &array.shape)
        };
        let patch = shape("patch_embed.proj.weight", 4);
        let patch_size = patch.map_or(usual.patch_size, |shape| shape[2]);
        let embed_dim = patch.map_or(usual.embed_dim, |shape| shape[0]);
        let positions = shape("pos_embed", 3).map(|shape| shape[1].saturating_sub(1).isqrt() * patch_size);
        let depth = (0..).take_while(|n| checkpoint.tensors.contains_key(&format!("blocks.{n}.norm1.weight")));
        Self {
            img_size: positions.unwrap_or(usual.img_size),
            patch_size,
            embed_dim,
            depth: Some(depth.count()).filter(|depth| *depth > 0).unwrap_or(usual.depth),
            num_heads: (embed_dim / 64).max(1),
            mlp_ratio: usual.mlp_ratio,
        }
    }
}

/// The network, with the published keys.
#[derive(Module, Debug)]
pub struct Dinov2 {
    /// `[1, 1, width]`
    cls_token: Param<Tensor<3>>,
    /// `[1, 1 + patches, width]`
    pos_embed: Param<Tensor<3>>,
    /// `[1, width]`: of the pretraining, takes no part here.
    mask_token: Param<Tensor<2>>,
    patch_embed: PatchEmbed,
    blocks: Vec<Block>,
    norm: LayerNorm,
    patch_size: usize,
}

#[derive(Module, Debug)]
struct PatchEmbed {
    proj: Conv2d,
}

#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attn: Attention,
    ls1: LayerScale,
    norm2: LayerNorm,
    mlp: Mlp,
    ls2: LayerScale,
}

#[derive(Module, Debug)]
struct Attention {
    qkv: Linear,
    proj: Linear,
    heads: usize,
}

#[derive(Module, Debug)]
struct LayerScale {
    gamma: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Dinov2 {
    pub fn new(config: &Dinov2Config, device: &Device) -> Self {
        let width = config.embed_dim;
        let side = config.img_size / config.patch_size;
        let proj = Conv2d::new(3, width, config.patch_size, config.patch_size, 0, 1, true, device);
        Self {
            cls_token: normal([1, 1, width], 1e-6, device),
            pos_embed: normal([1, 1 + side * side, width], 0.02, device),
            mask_token: constant([1, width], 0.0, device),
            patch_embed: PatchEmbed { proj },
            blocks: (0..config.depth).map(|_| Block::new(config, device)).collect(),
            norm: LayerNorm::new(width, 1e-6, device),
            patch_size: config.patch_size,
        }
    }

    /// A published network of any width and depth.
    pub fn from_checkpoint(checkpoint: &Checkpoint, origin: &str, device: &Device) -> Result<Self, WeightsError> {
        let config = Dinov2Config::from_checkpoint(checkpoint);
        load(Self::new(&config, device), checkpoint, origin)
    }

    /// No weight takes part in a backward pass; gradients still reach the input.
    pub fn frozen(self) -> Self {
        self.no_grad()
    }

    /// Width of a token, and so of the features that it gives.
    pub fn width(&self) -> usize {
        self.pos_embed.lazy_shape()[2]
    }

    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// The class token behind each of these blocks (0 is the first), after the final norm.
    ///
    /// # Shapes
    /// - x `[B, 3, H, W]`, H and W multiples of the patch, see [`super::input::dino_input`]
    /// - each `[B, width]`
    pub fn cls_tokens(&self, x: Tensor<4>, blocks: &[usize]) -> Vec<Tensor<2>> {
        let hidden = self.hidden(x, blocks).into_iter();
        hidden
            .map(|tokens| self.normalised(tokens.narrow(1, 0, 1)).squeeze_dim(1))
            .collect()
    }

    /// All tokens behind each of these blocks, before the final norm; nothing behind the last one is computed.
    ///
    /// # Shapes
    /// - each `[B, 1 + patches, width]`
    ///
    /// # Panics
    /// If there is no such block.
    pub fn hidden(&self, x: Tensor<4>, blocks: &[usize]) -> Vec<Tensor<3>> {
        let depth = blocks.iter().max().map_or(0, |last| last + 1);
        assert!(
            depth <= self.blocks.len(),
            "DINOv2 has {} blocks, not {depth}",
            self.blocks.len()
        );
        let mut found: Vec<Option<Tensor<3>>> = vec![None; blocks.len()];
        let mut tokens = self.embed(x);
        for (index, block) in self.blocks[..depth].iter().enumerate() {
            tokens = block.forward(tokens);
            for (wanted, found) in blocks.iter().zip(&mut found) {
                if *wanted == index {
                    *found = Some(tokens.clone());
                }
            }
        }
        found.into_iter().flatten().collect()
    }

    /// The final norm.
    pub fn normalised(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.norm.forward(tokens)
    }

    /// Positions of the class token and of `rows` x `columns` patches, `[1, 1 + rows * columns, width]`.
    pub fn positions(&self, rows: usize, columns: usize) -> Tensor<3> {
        let table = self.pos_embed.val();
        let [_, count, width] = table.dims();
        let side = (count - 1).isqrt();
        if (rows, columns) == (side, side) {
            return table;
        }
        let class = table.clone().narrow(1, 0, 1);
        let patches = table.narrow(1, 1, count - 1);
        let patches = patches.reshape([1, side, side, width]).permute([0, 3, 1, 2]);
        let step = |patches: usize| side as f64 / (patches as f64 + INTERPOLATION_OFFSET);
        let steps = [step(rows), step(columns)];
        let patches = resize_by(patches, [rows, columns], steps, Filter::Bicubic, false);
        let patches = patches.reshape([1, width, rows * columns]).swap_dims(1, 2);
        Tensor::cat(vec![class, patches], 1)
    }

    fn embed(&self, x: Tensor<4>) -> Tensor<3> {
        let [batch, _, height, width] = x.dims();
        let proj = &self.patch_embed.proj;
        let patches = embed_patches(x, proj.weight.val(), proj.bias.as_ref().map(Param::val));
        let class = self.cls_token.val();
        let features = class.dims()[2];
        let tokens = Tensor::cat(vec![class.expand([batch, 1, features]), patches], 1);
        tokens + self.positions(height / self.patch_size, width / self.patch_size)
    }
}

impl Block {
    fn new(config: &Dinov2Config, device: &Device) -> Self {
        let width = config.embed_dim;
        let hidden = width * config.mlp_ratio;
        let scale = || LayerScale {
            gamma: constant([width], 1.0, device),
        };
        Self {
            norm1: LayerNorm::new(width, 1e-6, device),
            attn: Attention {
                qkv: Linear::new(width, 3 * width, true, device),
                proj: Linear::new(width, width, true, device),
                heads: config.num_heads,
            },
            ls1: scale(),
            norm2: LayerNorm::new(width, 1e-6, device),
            mlp: Mlp {
                fc1: Linear::new(width, hidden, true, device),
                fc2: Linear::new(hidden, width, true, device),
            },
            ls2: scale(),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let qkv = self.attn.qkv.forward(self.norm1.forward(x.clone()));
        let seen = token_attention(qkv, self.attn.heads, false);
        let x = x + self.ls1.forward(self.attn.proj.forward(seen));
        let hidden = self.mlp.fc1.activated(self.norm2.forward(x.clone()), Activation::Gelu);
        x + self.ls2.forward(self.mlp.fc2.forward(hidden))
    }
}

impl LayerScale {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        x * self.gamma.val().unsqueeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_size_has_its_parameters() {
        let dino = Dinov2::new(&Dinov2Config::default(), &Device::flex());
        assert_eq!(dino.num_params(), 86_580_480);
    }

    #[test]
    fn sizes_are_read_from_a_checkpoint() {
        let config = Dinov2Config {
            img_size: 56,
            embed_dim: 128,
            num_heads: 2,
            depth: 3,
            ..Dinov2Config::default()
        };
        let checkpoint = Checkpoint::from_module(&Dinov2::new(&config, &Device::flex()));
        assert_eq!(Dinov2Config::from_checkpoint(&checkpoint), config);
        assert_eq!(
            Dinov2Config::from_checkpoint(&Checkpoint::default()),
            Dinov2Config::default()
        );
    }
}

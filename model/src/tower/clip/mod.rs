//! OpenAI's CLIP: one network for pictures, one for texts, features that can be compared.
//!
//! QuickGELU, layer norm eps 1e-5. The text network sees only what stands before a token, so what follows the end
//! token has no effect, and prompts of N learned tokens need N + 2 positions.

mod config;
mod text;
mod tokenizer;
mod transformer;
mod vision;

use burn::{
    module::{Module, Param},
    tensor::{Device, Int, Tensor},
};

pub use config::ClipConfig;
pub use tokenizer::{END, START, sentence, tokens};

use self::{transformer::Transformer, vision::Vision};
use crate::{
    layer::{LayerNorm, constant, normal},
    weights::{Checkpoint, WeightsError, load},
};

/// The network, with the published keys.
#[derive(Module, Debug)]
pub struct Clip {
    visual: Vision,
    transformer: Transformer,
    token_embedding: Embedding,
    /// `[context, width]`
    positional_embedding: Param<Tensor<2>>,
    ln_final: LayerNorm,
    /// `[width, embed]`
    text_projection: Param<Tensor<2>>,
    /// Logarithm of the learned factor of cosine similarities, `[1]`.
    logit_scale: Param<Tensor<1>>,
    resolution: usize,
}

#[derive(Module, Debug)]
struct Embedding {
    /// `[vocabulary, width]`
    weight: Param<Tensor<2>>,
}

impl Clip {
    pub fn new(config: &ClipConfig, device: &Device) -> Self {
        let width = config.transformer_width;
        let weight = normal([config.vocab_size, width], 0.02, device);
        Self {
            visual: Vision::new(config, device),
            transformer: Transformer::new(width, config.transformer_layers, config.transformer_heads, device),
            token_embedding: Embedding { weight },
            positional_embedding: normal([config.context_length, width], 0.01, device),
            ln_final: LayerNorm::new(width, 1e-5, device),
            text_projection: normal([width, config.embed_dim], 1.0 / (width as f32).sqrt(), device),
            logit_scale: constant([1], (1.0_f32 / 0.07).ln(), device),
            resolution: config.image_resolution,
        }
    }

    /// A published network of any size. What OpenAI's archives hold beside the weights (three numbers, the mask of the
    /// text network) is passed over.
    pub fn from_checkpoint(mut checkpoint: Checkpoint, origin: &str, device: &Device) -> Result<Self, WeightsError> {
        for beside in ["input_resolution", "context_length", "vocab_size"] {
            checkpoint.tensors.remove(beside);
        }
        checkpoint.tensors.retain(|key, _| !key.ends_with("attn_mask"));
        let config = ClipConfig::from_checkpoint(&checkpoint);
        load(Self::new(&config, device), &checkpoint, origin)
    }

    /// No weight takes part in a backward pass; gradients still reach pictures and prompts.
    pub fn frozen(self) -> Self {
        self.no_grad()
    }

    /// Side of the pictures that it takes, see [`super::input::clip_input`].
    pub fn resolution(&self) -> usize {
        self.resolution
    }

    /// Width of a token, and so of a learned prompt token.
    pub fn token_width(&self) -> usize {
        self.positional_embedding.lazy_shape()[1]
    }

    /// Width of the features that pictures and texts share.
    pub fn feature_width(&self) -> usize {
        self.text_projection.lazy_shape()[1]
    }

    /// The learned factor of cosine similarities.
    pub fn scale(&self) -> Tensor<1> {
        self.logit_scale.val().exp()
    }

    /// Features of pictures, not normalised.
    ///
    /// # Shapes
    /// - image `[B, 3, resolution, resolution]`
    /// - output `[B, embed]`
    pub fn encode_image(&self, image: Tensor<4>) -> Tensor<2> {
        self.visual.forward(image)
    }

    /// Features of texts, not normalised: those at each row's largest id, which is the end token.
    ///
    /// # Shapes
    /// - ids `[P, T]`, T at most the context length; rows as [`sentence`] gives them
    /// - output `[P, embed]`
    pub fn encode_text(&self, ids: Tensor<2, Int>) -> Tensor<2> {
        self.text_features(ids)
    }

    /// Features of learned prompts, not normalised: start token, context, end token.
    ///
    /// # Shapes
    /// - context `[P, N, width]`, N at most the context length less 2
    /// - output `[P, embed]`
    pub fn encode_prompts(&self, context: Tensor<3>) -> Tensor<2> {
        self.prompt_features(context)
    }

    /// The learned vector of a token, `[width]`.
    ///
    /// # Panics
    /// If the vocabulary has no such token.
    pub fn token_embedding(&self, id: usize) -> Tensor<1> {
        let table = self.token_embedding.weight.val();
        let size = table.dims()[0];
        assert!(id < size, "a vocabulary of {size} has no token {id}");
        table.narrow(0, id, 1).squeeze_dim(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> ClipConfig {
        ClipConfig {
            embed_dim: 24,
            image_resolution: 32,
            vision_layers: 1,
            vision_width: 64,
            vision_heads: 1,
            vision_patch_size: 16,
            context_length: 10,
            vocab_size: 50,
            transformer_width: 64,
            transformer_heads: 1,
            transformer_layers: 2,
        }
    }

    fn rows(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_into_vec_as().unwrap()
    }

    #[test]
    fn the_published_size_has_its_parameters() {
        let clip = Clip::new(&ClipConfig::default(), &Device::flex());
        assert_eq!(clip.num_params(), 151_277_313);
    }

    #[test]
    fn sizes_are_read_from_a_checkpoint() {
        let checkpoint = Checkpoint::from_module(&Clip::new(&tiny(), &Device::flex()));
        assert_eq!(ClipConfig::from_checkpoint(&checkpoint), tiny());
        assert_eq!(
            ClipConfig::from_checkpoint(&Checkpoint::default()),
            ClipConfig::default()
        );
    }

    #[test]
    fn a_prompt_of_a_texts_own_tokens_gives_the_texts_features() {
        let device = Device::flex();
        let clip = Clip::new(&tiny(), &device);
        let ids = Tensor::<2, Int>::from_data([[48, 7, 11, 49, 0, 0, 0, 0, 0, 0]], &device);
        let words = [7, 11].map(|id| clip.token_embedding(id)).to_vec();
        let context = Tensor::stack::<2>(words, 0).unsqueeze::<3>();
        let (text, prompt) = (rows(clip.encode_text(ids)), rows(clip.encode_prompts(context)));
        let widest = text.iter().zip(&prompt).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(widest < 1e-5, "{widest}");
    }

    #[test]
    fn a_frozen_tower_gives_the_picture_its_gradient_and_keeps_none() {
        let device = Device::flex().autodiff();
        let clip = Clip::new(&tiny(), &device).frozen();
        let image = Tensor::<4>::ones([1, 3, 32, 32], &device).require_grad();
        let gradients = clip.encode_image(image.clone()).sum().backward();
        assert!(image.grad(&gradients).is_some());
        assert!(crate::weights::gradient(&clip, &gradients, "visual.proj").is_none());
    }
}

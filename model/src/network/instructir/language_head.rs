//! What InstructIR learns of language: a sentence's embedding (of a frozen sentence encoder, mean pooled) becomes the
//! instruction that the network follows, and a guess of the degradation that it speaks of.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::layer::Linear;

#[derive(Module, Debug)]
pub struct LanguageHead {
    fc1: Linear,
    fc2: Linear,
}

impl LanguageHead {
    /// Published: 384 to 256, and 7 kinds of degradation.
    pub fn new(sentence_dim: usize, text_dim: usize, kinds: usize, device: &Device) -> Self {
        Self {
            fc1: Linear::new(sentence_dim, text_dim, true, device),
            fc2: Linear::new(text_dim, kinds, true, device),
        }
    }

    /// Sentences `[B, sentence_dim]` to instructions of length 1 `[B, text_dim]` and logits `[B, kinds]`.
    pub fn forward(&self, sentences: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let embedding = self.fc1.forward(sentences);
        let length = embedding.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-12);
        let embedding = embedding / length;
        (embedding.clone(), self.fc2.forward(embedding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_head_has_its_published_size() {
        let head = LanguageHead::new(384, 256, 7, &Device::flex());
        assert_eq!(head.num_params(), 100_359);
        let (instruction, logits) = head.forward(Tensor::ones([2, 384], &Device::flex()));
        assert_eq!((instruction.dims(), logits.dims()), ([2, 256], [2, 7]));
    }
}

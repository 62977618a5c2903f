//! Losses: functions of tensors that give one number, `[1]`.
//!
//! | loss | where |
//! | --- | --- |
//! | [`l1`], [`charbonnier`], [`edge`], [`fft_l1`] | reconstruction: the first term of eq. 13, and the peers' recipes |
//! | [`prompt_cross_entropy`] | eq. 1, learning the prompts |
//! | [`clip_aware`] | eq. 9 |
//! | [`difficulty_adaptive`] | eqs. 10 and 11 |
//! | [`contrastive`] | eq. 12 |

mod charbonnier;
mod clip_aware;
pub mod contrastive;
pub mod difficulty_adaptive;
mod edge;
mod fft_l1;
mod l1;
mod prompt_cross_entropy;
mod similarity;

pub use charbonnier::charbonnier;
pub use clip_aware::clip_aware;
pub use edge::edge;
pub use fft_l1::fft_l1;
pub use l1::l1;
pub use prompt_cross_entropy::prompt_cross_entropy;
pub use similarity::{cosine, quality_logits};

#[cfg(test)]
mod testing {
    use burn::tensor::Tensor;

    pub fn scalar(loss: Tensor<1>) -> f32 {
        assert_eq!(loss.dims(), [1]);
        loss.into_scalar()
    }
}

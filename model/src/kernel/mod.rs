//! The operations that take nearly all of a step's time, each with a backward pass of its own on the CPU.
//!
//! Every function takes and gives plain Burn tensors. On another device than the CPU it falls back to Burn's operations.

pub mod plain;

mod allocation;
mod attention_matrices;
mod bands;
mod dispatch;
mod gaussian;
mod matrix;
mod operation;
mod product;
mod rectangle;
mod registers;
mod sums;
mod threads;
mod transpose;
mod widened;

mod adamw;
mod channel_attention;
mod deformable_columns;
mod dense3x3;
mod depthwise3x3;
mod feed_forward;
mod gated_depthwise3x3;
mod gelu_gate;
mod global_mean;
mod l1;
mod layer_norm;
mod modulate;
mod norm_pointwise;
mod norm_pointwise_depthwise3x3;
mod pixel_shuffle;
mod pointwise;
mod scaled_residual;
mod selective_scan;
mod simple_gate;

mod linear;
mod max_pool2x2;
mod rectified3x3;
mod token_attention;
mod token_norm;

#[cfg(test)]
mod agreement;

pub use adamw::{AdamwStep, Learned, adamw, global_norm};
pub use allocation::{LineAllocator, tune_allocation};
pub use channel_attention::{channel_attention, channel_attention_q_kv, channel_attention_qkv};
pub use deformable_columns::deformable_columns;
pub use dense3x3::dense3x3;
pub use depthwise3x3::depthwise3x3;
pub use feed_forward::{FeedForward, feed_forward};
pub use gated_depthwise3x3::{gated_depthwise3x3, simple_gated_depthwise3x3};
pub use gelu_gate::gelu_gate;
pub use global_mean::global_mean;
pub use l1::l1;
pub use layer_norm::layer_norm;
pub use linear::{Activation, linear};
pub use max_pool2x2::max_pool2x2;
pub use modulate::modulate;
pub use norm_pointwise::norm_pointwise;
pub use norm_pointwise_depthwise3x3::norm_pointwise_depthwise3x3;
pub use operation::is_on_cpu;
pub use pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
pub use pointwise::{pointwise, pointwise_onto};
pub use rectified3x3::rectified3x3;
pub use scaled_residual::scaled_residual;
pub use selective_scan::selective_scan;
pub use simple_gate::simple_gate;
pub use threads::among_workers;
pub use token_attention::token_attention;
pub use token_norm::token_norm;

//! The learned layers that networks and towers are made of, under PyTorch's own key names and layouts.
//!
//! A field is called what the key is called (`weight`, `bias`) and a weight lies as in a published checkpoint
//! (`[out, in]` of a linear layer), so loading needs no renaming and no transposing (see [`crate::weights`]).

mod batch_norm;
mod conv;
mod gap;
mod in_f32;
mod init;
mod layer_norm;
mod linear;
mod sequence;

pub use batch_norm::{BatchNorm, Statistics};
pub use conv::Conv2d;
pub use gap::Gap;
pub use in_f32::{in_f32, is_half};
pub use init::{between, constant, initial, normal, uniform};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use sequence::Sequence;

//! The learned layers that networks and towers are made of, under PyTorch's own key names and layouts.
//!
//! A field is called what the key is called (`weight`, `bias`) and a weight lies as in a published checkpoint
//! (`[out, in]` of a linear layer), so loading needs no renaming and no transposing (see [`crate::weights`]).

mod conv;
mod init;
mod layer_norm;
mod linear;

pub use conv::Conv2d;
pub use init::{constant, normal, uniform};
pub use layer_norm::LayerNorm;
pub use linear::Linear;

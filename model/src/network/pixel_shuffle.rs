//! Trading pixels for channels and back: a matter of the kernels.

pub use crate::kernel::{pixel_shuffle, pixel_unshuffle};

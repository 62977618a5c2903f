//! The frozen pretrained encoders: CLIP (the perceiver's eye and ear), DINOv2 (guides the restorer), VGG-16
//! (perceptual loss); and AlexNet, which only LPIPS looks through.
//!
//! Each is built from a configuration, takes weights by [`crate::weights::load`] under the published keys, and is made
//! `frozen()`: no gradient of a weight is computed, while gradients still flow through it to the picture.
//! [`input`] turns pictures in \[0, 1\] into what each tower was trained on; [`stand_in`] makes small seeded
//! towers for experiments without the published weights.

pub mod alexnet;
pub mod clip;
pub mod dinov2;
pub mod input;
mod patches;
pub mod resize;
pub mod stand_in;
pub mod vgg16;

pub use alexnet::AlexNet;
pub use clip::{Clip, ClipConfig};
pub use dinov2::{Dinov2, Dinov2Config};
pub use vgg16::{Vgg16, Vgg16Config};

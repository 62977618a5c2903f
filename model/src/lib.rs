//! What is learned: kernels, networks, frozen towers, losses, metrics and one training loop a stage.
//!
//! This crate knows no datasets, no database and no files but weights. Pictures are `[batch, 3, height, width]`
//! tensors of f32 in \[0, 1\]. See `docs/architecture.md`.

// No panic is reachable by a user.
#![warn(clippy::unwrap_used)]

pub mod device;
pub mod kernel;
pub mod layer;
pub mod loss;
pub mod metric;
pub mod network;
pub mod tower;
pub mod train;
pub mod weights;

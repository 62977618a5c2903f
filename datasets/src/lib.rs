//! What pictures: the catalogue of datasets, the layouts people have them in, pairing, degradations and batches.
//!
//! This crate knows no tensors, no database and no experiments; pictures are 8-bit RGB or f32 buffers. See
//! `docs/data-layouts.md` for the layouts and `docs/architecture.md` for where this room stands in the house.

// No panic is reachable by a user.
#![warn(clippy::unwrap_used)]

pub mod batch;
pub mod catalogue;
pub mod degradation;
pub mod layout;
pub mod picture;
pub mod random;
pub mod scan;
pub mod scene;

//! Weights between files and modules, under the names that the published PyTorch code gives them.
//!
//! A module's keys are its field names joined by dots, `Vec` and tuple fields by their indices. So a module with
//! the fields of the original (and [`crate::layer`]'s layers, which lie in memory as PyTorch's do) loads a published
//! checkpoint without any renaming:
//!
//! - `nn.Sequential` with gaps (`0`, `2`, `5`: activations hold no weights) is a `Vec<Option<Layer>>` or a struct
//!   whose fields are called `_0`, `_2`, `_5`: an underscore before a digit is dropped.
//! - PyTorch's scalars (`[]`) are `Tensor<1>` of one element here; either shape loads.
//! - Batch norm's `num_batches_tracked` counters hold nothing that a network needs and are passed over.

mod checkpoint;
mod error;
mod file;
mod format;
mod gradient;
mod keys;
mod load;
mod pytorch;
pub mod recipe;
mod sealed;
mod wrapper;

pub use checkpoint::{Array, Checkpoint};
pub use error::{Mismatch, WeightsError};
pub use gradient::gradient;
pub(crate) use keys::Path as KeyPath;
pub use keys::shapes;
pub use load::{compare, fit, load};
pub use recipe::recipe;
pub use wrapper::Wrapper;

//! One file a family of golden cases, one line here.
//!
//! A handler is a function from a [`case::Case`] to an [`outcome::Outcome`]. For a restoration network it is one call
//! of [`network::compare`], which loads the weights of the case and compares output, gradients and padded output:
//!
//! ```ignore
//! pub fn run(case: &Case) -> Outcome {
//!     let config: RestormerConfig = case.config();
//!     network::compare(case, Restormer::new(&config, &case.device), Restormer::forward)
//! }
//! ```
//!
//! Anything else builds its outcome by hand:
//!
//! ```ignore
//! let mut outcome = Outcome::default();
//! outcome.output("loss", loss(case.tensor("__a__"), case.tensor("__b__")), case.array("__loss__"));
//! outcome.value("psnr", psnr, case.number("/values/psnr"), 1e-4);
//! outcome
//! ```

pub mod case;
mod clip;
mod clip_tokenizer;
mod dinov2;
mod losses;
mod metrics;
pub mod network;
pub mod outcome;
mod perceive_ir;
mod resize;
mod restormer;
mod vgg16;

use case::Case;
use outcome::Outcome;

/// What runs the cases of one network, by the beginning of their names.
pub type Handler = (&'static str, fn(&Case) -> Outcome);

/// The longest fitting beginning wins.
pub const HANDLERS: &[Handler] = &[
    ("clip", clip::run),
    ("clip_tokenizer", clip_tokenizer::run),
    ("dinov2", dinov2::run),
    ("losses", losses::run),
    ("metrics", metrics::run),
    ("perceive_ir", perceive_ir::run),
    ("resize", resize::run),
    ("restormer", restormer::run),
    ("vgg16", vgg16::run),
];

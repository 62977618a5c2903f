//! One file a family of golden cases, one line here.
//!
//! A handler is a function from a [`case::Case`] to an [`outcome::Outcome`]. For a restoration network it is one call
//! of [`network::compare`], which loads the weights of the case and compares output, gradients and padded output:
//!
//! ```ignore
//! pub fn run(case: &Case) -> Outcome {
//!     let config: RestormerConfig = case.config();
//!     network::compare(case, 8, Restormer::new(&config, &case.device), Restormer::forward)
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

mod airnet;
mod airnet_train;
pub mod case;
mod clip;
mod clip_tokenizer;
mod deform_conv2d;
mod dinov2;
mod fsnet;
mod instructir;
mod losses;
mod lpips;
mod mambair;
mod metrics;
mod mprnet;
mod nafnet;
pub mod network;
pub mod outcome;
mod perceive_ir;
mod promptir;
mod resize;
mod restormer;
mod selective_scan;
mod training;
mod vgg16;

use case::Case;
use outcome::Outcome;

/// What runs the cases of one network, by the beginning of their names.
pub type Handler = (&'static str, fn(&Case) -> Outcome);

/// The longest fitting beginning wins.
pub const HANDLERS: &[Handler] = &[
    ("airnet", airnet::run),
    ("airnet_train", airnet_train::run),
    ("clip", clip::run),
    ("clip_tokenizer", clip_tokenizer::run),
    ("deform_conv2d", deform_conv2d::run),
    ("dinov2", dinov2::run),
    ("fsnet", fsnet::run),
    ("instructir", instructir::run),
    ("losses", losses::run),
    ("lpips_alex", lpips::alex),
    ("lpips_vgg", lpips::vgg),
    ("mambair", mambair::run),
    ("metrics", metrics::run),
    ("mprnet", mprnet::run),
    ("nafnet", nafnet::run),
    ("perceive_ir", perceive_ir::run),
    ("promptir", promptir::run),
    ("resize", resize::run),
    ("restormer", restormer::run),
    ("selective_scan", selective_scan::run),
    ("training", training::run),
    ("vgg16", vgg16::run),
];

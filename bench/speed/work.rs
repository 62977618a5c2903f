//! A piece of work that both sides do, and what they answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is done, with which network, on what. Both sides get it as JSON.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Work<'a> {
    pub kind: Kind,
    pub network: &'a str,
    pub size: &'a str,
    pub batch: usize,
    pub height: usize,
    pub width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A picture restored, without gradients; each side pads it as its network needs.
    Forward,
    /// Forward, L1, and the gradients of all weights.
    Backward,
    /// The same, clipped by their norm, and a step of AdamW.
    Step,
    /// A step with all four terms of the paper's loss and its towers at full size.
    PaperStep,
}

/// What a side says first.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Ready {
    /// Numbers that the network learns.
    pub parameters: usize,
}

/// What one run took, as the mean of a repetition.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Taken {
    pub seconds: f64,
    /// The largest resident set of the process until now, in bytes.
    pub peak: u64,
    /// Page faults of the whole repetition: few, where freed memory stays in the process.
    pub faults: u64,
}

/// What was computed, by name: pixels of the output, losses, the gradient's norm.
pub type Numbers = BTreeMap<String, f64>;

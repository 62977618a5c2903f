//! Training loops, one a stage: functions of a model, batches, settings and a device.
//!
//! Who calls a loop owns the steps: it asks for one step at a time, so that it can stop, save and tell between any two.
//! What a loop needs to go on as if it had never stopped is a [`state::State`] that saves and loads exactly.

pub mod adamw;
pub mod batch;
pub mod gradients;
pub mod guide;
pub mod identity;
pub mod objective;
pub mod precision;
pub mod prompts;
pub mod restorer;
pub mod schedule;
pub mod state;
pub mod station;

/// A number of a training that is none any more: which, at which step, and what it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{what} became {value} at step {step}")]
pub struct NotFinite {
    /// In words, such as "the loss term l1".
    pub what: String,
    pub step: u64,
    pub value: f32,
}

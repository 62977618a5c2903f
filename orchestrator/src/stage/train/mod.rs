//! Trainings: batches in, journal out; stopped, killed or resumed at any step they come to the same last bit.
//!
//! | file | what |
//! | --- | --- |
//! | `restorer.rs` | the loop of the medium and the restore stage |
//! | `attempt.rs` | what every loop shares: going on from a checkpoint, saving, pausing, giving up |
//! | `course.rs` | what a loop itself has to remember, beside weights and moments |
//! | `validation.rs` | pictures held out, and their PSNR |
//! | `shares.rs` | how much of its time a loop spends waiting and telling |
//! | `divergence.rs` | a loss that explodes |
//! | `folder.rs` | checkpoints on disk: names, order, contents against their hash |
//! | `retention.rs` | which of them are kept |
//! | `keeper.rs` | writing them beside the training |

pub mod attempt;
pub mod course;
mod divergence;
pub mod folder;
mod keeper;
mod restorer;
mod retention;
pub mod shares;
pub mod validation;

use perceive_model::train::{adamw::AdamW, precision, schedule};

pub use restorer::{Epochs, Material, train};

use crate::spec::training::{Precision, Schedule, Training};

/// The optimiser that the settings ask for.
pub fn adamw(training: &Training) -> AdamW {
    AdamW::new(training.weight_decay, training.clip_norm)
}

/// The precision that the settings ask for.
fn precision(precision: Precision) -> precision::Precision {
    match precision {
        Precision::F32 => precision::Precision::F32,
        Precision::Bf16 => precision::Precision::Bf16,
    }
}

/// The schedule that the settings ask for.
pub fn schedule(training: &Training) -> schedule::Schedule {
    schedule::Schedule {
        start: training.learning_rate,
        end: training.final_learning_rate,
        steps: training.steps,
        warm_up: training.warm_up,
        cosine: training.schedule == Schedule::Cosine,
    }
}

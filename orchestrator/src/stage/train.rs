//! The loop around a restorer's training: batches in, journal out, state saved, stopped between any two steps.

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use perceive_datasets::batch::Batches;
use perceive_model::train::{adamw::AdamW, batch::Crops, restorer, schedule};

use super::{Context, Outcome, loader};
use crate::{
    failure::{Exit, Failure},
    journal::Event,
    spec::training::{Schedule, Training},
};

/// Metrics are recorded about so many times in a training.
const RECORDED: u64 = 200;

/// Eq. 10's measurement: every so many steps, on fixed crops.
pub struct Epochs {
    pub steps: u64,
    pub slice: Vec<Crops>,
}

/// The optimiser that the settings ask for.
pub fn adamw(training: &Training) -> AdamW {
    AdamW::new(training.weight_decay, training.clip_norm)
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

/// Trains until the steps are done or the run is asked to stop. Goes on from the state in the work folder, if there is
/// one.
pub fn train(
    context: &mut Context,
    mut training: restorer::Training,
    batches: &Batches,
    settings: &Training,
    seed: u64,
    epochs: Option<&Epochs>,
) -> Result<(restorer::Training, Outcome), Failure> {
    if settings.identity_start {
        training = training.from_identity();
    }
    let state = context.state();
    if state.exists() {
        training = resume(context, training, &state)?;
    }
    let of = settings.steps;
    let from = training.steps();
    context.started(from, of, "steps")?;
    let record_every = (of / RECORDED).max(1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let made = loader::ahead(scope, batches, seed, from..of, &stop);
        let mut waiting = loader::Waiting::default();
        let mut saved = Instant::now();
        for step in from..of {
            if context.should_stop() {
                training.save(&state)?;
                context.tell(Event::Paused { step })?;
                return Ok((training, Outcome::Paused));
            }
            let began = Instant::now();
            if let Some(epochs) = epochs
                && (step.is_multiple_of(epochs.steps))
            {
                let psnr = training.average_psnr(&epochs.slice);
                training.set_average_psnr(psnr);
                context.metric("average_psnr", step, psnr)?;
            }
            let asked = Instant::now();
            let Ok(crops) = made.recv() else {
                return Err(Failure::new(
                    Exit::Unexpected,
                    "the loader stopped before the training did",
                ));
            };
            let waited = asked.elapsed();
            let report = training.step(&crops?).map_err(|broken| not_finite(context, &broken))?;
            waiting.add(waited, began.elapsed());
            let done = step + 1;
            if done.is_multiple_of(record_every) || done == of {
                for (name, value) in &report.values {
                    context.metric(name, done, *value)?;
                }
                context.metric("waiting_share", done, waiting.share())?;
            }
            context.progress(done, of, &report.values[..report.values.len() - 2])?;
            if saved.elapsed() >= Duration::from_secs_f64(settings.save_every.max(1.0)) {
                training.save(&state)?;
                context.tell(Event::Saved { step: done })?;
                saved = Instant::now();
            }
        }
        training.save(&state)?;
        Ok((training, Outcome::Done))
    })
}

fn resume(
    context: &mut Context,
    fresh: restorer::Training,
    state: &std::path::Path,
) -> Result<restorer::Training, Failure> {
    match fresh.clone().resume(state) {
        Ok(resumed) => {
            context.note(format!("goes on from step {}", resumed.steps()))?;
            Ok(resumed)
        }
        Err(error) => {
            context.note(format!("starts again, since the saved state cannot be used: {error}"))?;
            Ok(fresh)
        }
    }
}

fn not_finite(context: &mut Context, broken: &perceive_model::train::NotFinite) -> Failure {
    // The state of the last save is kept as it is; only the telling may fail, and the failure itself says it all.
    let _ = context.note(format!("stopped: {broken}"));
    Failure::new(Exit::Training, broken.to_string())
        .help("the last saved state is kept; lower learning_rate, set clip_norm = 1.0, or lower that term's weight")
}

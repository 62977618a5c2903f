//! The loop around a restorer's training, of the medium and of the restore stage.

use std::{collections::HashMap, time::Instant};

use perceive_datasets::batch::Batches;
use perceive_model::{
    network::Guidance,
    train::{batch::Crops, restorer::Training as Restorer, state},
    weights::{Checkpoint, WeightsError},
};

use super::{
    attempt::{Attempt, Learning},
    course::Score,
    folder::file_name,
    shares::{self, Shares},
    validation::HeldOut,
};
use crate::{
    failure::{Exit, Failure},
    spec::training::{Checkpointing, Training},
    stage::{
        Context, loader,
        restorer::{Configuration, save, save_weights},
    },
};

/// Metrics are recorded about so many times in a training.
const RECORDED: u64 = 200;

/// Where an artefact keeps the networks of its best validations.
const BEST: &str = "best";

/// What a training learns from and is measured on.
pub struct Material {
    pub batches: Batches,
    pub epochs: Option<Epochs>,
    pub held_out: HeldOut,
}

/// Eq. 10's measurement: every so many steps, on fixed crops.
pub struct Epochs {
    pub steps: u64,
    pub slice: Vec<Crops>,
}

/// What the frozen guide says of pictures that stay the same, by their place: it looks at each once.
pub type Seen = HashMap<usize, Option<Guidance>>;

/// A training that came to its end.
pub struct Trained {
    pub training: Restorer,
    attempt: Attempt,
}

/// Trains until the steps are done or further ones are not worth it. Goes on from the newest checkpoint, if there is one.
/// `None`: paused, since the run was asked to stop or has done as many steps as it was allowed.
pub fn train(
    context: &mut Context,
    mut training: Restorer,
    material: &Material,
    settings: &Training,
    seed: u64,
) -> Result<Option<Trained>, Failure> {
    if settings.identity_start {
        training = training.from_identity();
    }
    let precision = super::precision(settings.precision);
    if !precision.is_supported(context.device()) {
        return Err(Failure::new(
            Exit::Spec,
            "this device does not compute in bf16, which precision = \"bf16\" asks for",
        )
        .help("take precision = \"f32\", or another --device"));
    }
    let training = training
        .with_precision(precision)
        .recomputing(settings.checkpointing == Checkpointing::Blocks)
        .accumulating(settings.accumulate)
        .beside(context.others());
    let mut attempt = Attempt::new(context, settings.validation.use_best);
    let mut training = attempt.resume(context, training)?;
    let (from, of) = (training.steps(), settings.steps);
    context.started(from, of, "steps")?;
    let record_every = (of / RECORDED).max(1);
    let whole = std::thread::scope(|scope| {
        let made = loader::ahead(scope, &material.batches, seed, from..of)?;
        let (mut of_held_out, mut of_slice) = (Seen::new(), Seen::new());
        let mut shares = Shares::default();
        loop {
            let step = training.steps();
            if is_validated_at(step, settings) && attempt.course.scores.last().is_none_or(|last| last.step < step) {
                let Some(psnr) = material
                    .held_out
                    .psnr(context, &mut attempt, &mut training, &mut of_held_out)?
                else {
                    break;
                };
                context.metric("validation_psnr", step, psnr)?;
                attempt.validated(context, &training, psnr)?;
            }
            if step >= of || is_enough(&attempt, settings) {
                return Ok(true);
            }
            if attempt.is_over(context, step) {
                break;
            }
            if let Some(epochs) = &material.epochs
                && step.is_multiple_of(epochs.steps)
            {
                let Some(psnr) = average_psnr(context, &mut attempt, &mut training, &epochs.slice, &mut of_slice)?
                else {
                    break;
                };
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
            let (crops, there) = (crops?, Instant::now());
            let stepped = attempt.unless_stopped(context, &mut training, |training| training.step(&crops));
            let report = stepped.map_err(|broken| attempt.not_finite(context, &broken))?;
            let worked = Instant::now();
            let done = report.step;
            if done.is_multiple_of(record_every) || done == of {
                for (name, value) in &report.losses {
                    context.metric(name, done, *value)?;
                }
                context.metric("rate", done, report.rate)?;
                context.metric("gradient_norm", done, report.gradient_norm)?;
                context.metric(shares::WAITING, done, shares.waiting())?;
                context.metric(shares::UPKEEP, done, shares.upkeep())?;
            }
            let waiting = (shares::WAITING, shares.waiting());
            context.progress(done, of, &[&report.losses[..], &[waiting]].concat())?;
            attempt.stepped(context, &training, report.loss)?;
            shares.add(asked, there, worked, Instant::now());
        }
        Ok::<_, Failure>(false)
    })?;
    if !whole {
        attempt.pause(context, &training)?;
        return Ok(None);
    }
    attempt.save_now(context, &training)?;
    end(context, settings, training, attempt).map(Some)
}

/// Takes over the best network, where that is asked for.
fn end(context: &mut Context, settings: &Training, training: Restorer, attempt: Attempt) -> Result<Trained, Failure> {
    let done = training.steps();
    if done < settings.steps {
        let patience = settings.validation.patience;
        context.note(format!(
            "stopped early at step {done}: {patience} validations without improvement"
        ))?;
    }
    let mut trained = Trained { training, attempt };
    if settings.validation.use_best
        && let Some(score) = trained.attempt.best().first()
    {
        let weights = trained.weights_of(score).map_err(|error| {
            Failure::from(error)
                .help("run the same command again: it goes on from a checkpoint that does not need that one")
        })?;
        let origin = trained.attempt.folder.file(score.step).display().to_string();
        trained.training = trained.training.with_weights(&weights, &origin)?;
        context.note(format!(
            "the network is that of step {}, {:.2} dB in validation",
            score.step, score.psnr
        ))?;
    }
    Ok(trained)
}

impl Trained {
    /// Writes the restorer into the artefact, and beside it the networks of the best validations.
    pub fn save(&self, context: &mut Context, configuration: &Configuration) -> Result<(), Failure> {
        save(&context.output(), configuration, self.training.weights())?;
        for score in self.attempt.best() {
            match self.weights_of(&score) {
                Ok(mut weights) => {
                    weights
                        .metadata
                        .insert("validation_psnr".into(), score.psnr.to_string());
                    let path = context.output_folder(BEST)?.join(file_name(score.step));
                    save_weights(&path, configuration, weights)?;
                }
                Err(error) => context.note(format!("best/{} is left out: {error}", file_name(score.step)))?,
            }
        }
        Ok(())
    }

    fn weights_of(&self, score: &Score) -> Result<Checkpoint, WeightsError> {
        self.attempt.folder.read(score.step).map(state::weights_of)
    }
}

/// Validations are every so many steps, and after the last.
fn is_validated_at(step: u64, settings: &Training) -> bool {
    let every = settings.validation.every;
    every > 0 && step > 0 && (step.is_multiple_of(every) || step == settings.steps)
}

/// Whether the patience with this training is at its end.
fn is_enough(attempt: &Attempt, settings: &Training) -> bool {
    let validation = &settings.validation;
    validation.patience > 0 && attempt.course.waited(validation.min_delta) >= validation.patience
}

/// The mean PSNR of the network on fixed crops (eq. 10). `None`: stopped on request.
///
/// # Errors
/// A network that makes NaN or infinity of one.
fn average_psnr(
    context: &mut Context,
    attempt: &mut Attempt,
    training: &mut Restorer,
    slice: &[Crops],
    seen: &mut Seen,
) -> Result<Option<f64>, Failure> {
    let mut each = Vec::new();
    for (place, crops) in slice.iter().enumerate() {
        if context.should_stop() {
            return Ok(None);
        }
        let measured = attempt.unless_stopped(context, training, |training| {
            let guidance = seen
                .entry(place)
                .or_insert_with(|| training.guidance(&training.degraded(crops)));
            training.psnr(crops, guidance.clone())
        });
        each.extend(measured.map_err(|broken| attempt.not_finite(context, &broken))?);
    }
    Ok(Some(each.iter().sum::<f64>() / each.len().max(1) as f64))
}

impl Learning for Restorer {
    fn steps(&self) -> u64 {
        Self::steps(self)
    }

    fn state(&self) -> Box<dyn FnOnce() -> Checkpoint + Send> {
        let state = self.state().clone();
        Box::new(move || state.checkpoint())
    }

    fn resume(self, checkpoint: Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        Self::resume(self, checkpoint, origin)
    }
}

//! One attempt at a training, whatever it trains: it goes on from the newest checkpoint that is whole, saves now and then,
//! pauses when asked to, and gives up when the numbers leave their bounds.

use std::time::{Duration, Instant};

use perceive_model::{
    train::NotFinite,
    weights::{Checkpoint, WeightsError},
};

use super::{
    course::{Course, Score, best},
    folder::Folder,
    keeper::{Keeper, Snapshot},
};
use crate::{
    failure::{Exit, Failure},
    stage::{Context, Outcome},
};

/// Failures that another attempt would only repeat, as programs know them.
const NOT_FINITE: &str = "not-finite";
const DIVERGED: &str = "diverged";

/// A piece of work longer than this is watched over, so that it can be given up.
const LONG: Duration = Duration::from_secs(2);

/// A model in training.
pub trait Learning: Clone {
    /// Steps done.
    fn steps(&self) -> u64;

    /// Reads the state as it is now, from whatever thread, however the training goes on.
    fn state(&self) -> Box<dyn FnOnce() -> Checkpoint + Send>;

    /// Takes up a state; `origin` is what an error calls it.
    fn resume(self, checkpoint: Checkpoint, origin: &str) -> Result<Self, WeightsError>;
}

pub struct Attempt {
    pub folder: Folder,
    pub course: Course,
    keeper: Keeper,
    use_best: bool,
    diverged_above: f64,
    step_limit: Option<u64>,
    /// The step at which this attempt pauses.
    until: Option<u64>,
    /// Whether the last piece of work was long; the first one may be.
    long: bool,
}

impl Attempt {
    /// `use_best`: the training ends with the network of its best validation.
    pub fn new(context: &Context, use_best: bool) -> Self {
        let folder = Folder::of(context.work());
        Self {
            keeper: Keeper::new(folder.clone(), context.upkeep(), use_best),
            folder,
            course: Course::default(),
            use_best,
            diverged_above: context.upkeep().diverged_above,
            step_limit: context.step_limit(),
            until: None,
            long: true,
        }
    }

    /// The training as the newest whole checkpoint left it, or as it is.
    pub fn resume<T: Learning>(&mut self, context: &mut Context, fresh: T) -> Result<T, Failure> {
        self.folder.sweep()?;
        let steps = self.folder.steps()?;
        let (mut resumed, mut passed_over) = (None, Vec::new());
        for step in steps.iter().rev() {
            match self.take_up(*step, fresh.clone()) {
                Ok((training, course)) => {
                    context.note(format!("goes on from step {step}"))?;
                    self.keeper.knows(*step, &course);
                    self.course = course;
                    resumed = Some(training);
                    break;
                }
                Err(error) => {
                    context.note(format!("the checkpoint of step {step} is passed over: {error}"))?;
                    passed_over.push(*step);
                }
            }
        }
        if resumed.is_none() && !steps.is_empty() {
            context.note("starts again, since no checkpoint can be used")?;
        }
        // From here on all that is there can be used.
        passed_over.into_iter().try_for_each(|step| self.folder.remove(step))?;
        let training = resumed.unwrap_or(fresh);
        self.until = self.step_limit.map(|limit| training.steps().saturating_add(limit));
        Ok(training)
    }

    fn take_up<T: Learning>(&self, step: u64, fresh: T) -> Result<(T, Course), WeightsError> {
        let path = self.folder.file(step);
        let damaged = || WeightsError::Damaged {
            path: path.clone(),
            reason: "there is no training state of that step in it".into(),
        };
        let mut checkpoint = self.folder.read(step)?;
        let course = Course::take(&mut checkpoint).ok_or_else(damaged)?;
        let training = fresh.resume(checkpoint, &path.display().to_string())?;
        if training.steps() != step {
            return Err(damaged());
        }
        if self.use_best
            && let Some(best) = best(&course.scores, 1).first()
            && best.step != step
        {
            // Without the best network of that time the end would be another one.
            self.folder.read(best.step)?;
        }
        Ok((training, course))
    }

    /// Whether this attempt is to pause before the next step.
    pub fn is_over(&self, context: &Context, step: u64) -> bool {
        context.should_stop() || self.until.is_some_and(|until| step >= until)
    }

    pub fn pause(&mut self, context: &mut Context, training: &impl Learning) -> Result<Outcome, Failure> {
        self.save_now(context, training)?;
        context.paused(training.steps())
    }

    /// Saves, and waits until it is done.
    pub fn save_now(&mut self, context: &mut Context, training: &impl Learning) -> Result<(), Failure> {
        let snapshot = self.snapshot(training);
        self.keeper.save_now(context, snapshot)
    }

    /// Does a piece of work that tells nothing. Where it is long and somebody wants the run to stop, the training is saved as
    /// it was before, and the process ends.
    pub fn unless_stopped<T: Learning, R>(
        &mut self,
        context: &Context,
        training: &mut T,
        work: impl FnOnce(&mut T) -> R,
    ) -> R {
        let began = Instant::now();
        let done = if self.long {
            let save = self.keeper.emergency(self.snapshot(training));
            context.interruptible(training.steps(), save, || work(training))
        } else {
            work(training)
        };
        self.long = began.elapsed() > LONG;
        done
    }

    /// After every step: its loss is judged, and the state saved if that is due.
    pub fn stepped(&mut self, context: &mut Context, training: &impl Learning, loss: f64) -> Result<(), Failure> {
        if let Some(median) = self.course.beginning.add(loss, self.diverged_above) {
            let what = format!(
                "the training diverged: at step {} the loss is {loss:.4}, more than {} times the median {median:.4} of its beginning",
                training.steps(),
                self.diverged_above
            );
            return Err(self.given_up(context, what, DIVERGED));
        }
        self.keeper.look(context)?;
        if self.keeper.is_due() {
            let snapshot = self.snapshot(training);
            self.keeper.save(context, snapshot)?;
        }
        Ok(())
    }

    /// Takes up a validation. One of the best is saved.
    pub fn validated(&mut self, context: &mut Context, training: &impl Learning, psnr: f64) -> Result<(), Failure> {
        let step = training.steps();
        self.course.scores.push(Score { step, psnr });
        let among_the_best = best(&self.course.scores, self.keeper.best());
        if among_the_best.iter().any(|score| score.step == step) {
            let snapshot = self.snapshot(training);
            self.keeper.save(context, snapshot)?;
        }
        Ok(())
    }

    /// The best validations whose checkpoints are kept, best first.
    pub fn best(&self) -> Vec<Score> {
        best(&self.course.scores, self.keeper.best())
    }

    /// A step that gave no numbers.
    pub fn not_finite(&mut self, context: &mut Context, broken: &NotFinite) -> Failure {
        self.given_up(context, broken.to_string(), NOT_FINITE)
    }

    fn given_up(&mut self, context: &mut Context, what: String, kind: &'static str) -> Failure {
        // The checkpoints stay as they are. Only the telling may fail, and the failure itself says it all.
        let _ = self.keeper.settle(context);
        let _ = context.note(format!("stopped: {what}"));
        Failure::new(Exit::Training, what).kind(kind).help(
            "the last checkpoints are kept (`perceive-ir checkpoints ls`); lower learning_rate, set clip_norm = 1.0, or lower \
             that term's weight",
        )
    }

    fn snapshot(&self, training: &impl Learning) -> Snapshot {
        Snapshot {
            step: training.steps(),
            state: training.state(),
            course: self.course.clone(),
        }
    }
}

//! Writing checkpoints beside the training: the training goes on while a snapshot of it is hashed and written.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use perceive_model::weights::Checkpoint;

use super::{course::Course, folder::Folder, retention::kept};
use crate::{
    failure::{Exit, Failure},
    journal::Event,
    spec::upkeep::Upkeep,
    stage::{Context, watchdog::Save},
};

/// A training at one step.
pub struct Snapshot {
    pub step: u64,
    /// Reads the state, from whatever thread.
    pub state: Box<dyn FnOnce() -> Checkpoint + Send>,
    pub course: Course,
}

/// Which checkpoints stay.
#[derive(Clone, Copy)]
struct Rule {
    last: usize,
    best: usize,
}

struct Writing {
    step: u64,
    thread: JoinHandle<Result<(), Failure>>,
}

/// One training's checkpoints in the making. At most one is being written.
pub struct Keeper {
    folder: Folder,
    rule: Rule,
    every: Duration,
    saved: Instant,
    /// The newest that was saved or is being written, and how many validations it knows.
    newest: Option<(u64, usize)>,
    writing: Arc<Mutex<Option<Writing>>>,
}

impl Keeper {
    /// `use_best`: at least the best checkpoint is kept.
    pub fn new(folder: Folder, upkeep: &Upkeep, use_best: bool) -> Self {
        Self {
            folder,
            rule: Rule {
                last: upkeep.keep_last,
                best: upkeep.keep_best.max(usize::from(use_best)),
            },
            every: Duration::try_from_secs_f64(upkeep.save_every).unwrap_or(Duration::MAX),
            saved: Instant::now(),
            newest: None,
            writing: Arc::default(),
        }
    }

    /// How many of the best are kept.
    pub fn best(&self) -> usize {
        self.rule.best
    }

    /// The checkpoint of `step` is there already.
    pub fn knows(&mut self, step: u64, course: &Course) {
        self.newest = Some((step, course.scores.len()));
    }

    /// Whether it is time to save, and nothing is being written any more.
    pub fn is_due(&self) -> bool {
        self.saved.elapsed() >= self.every && !lock(&self.writing).as_ref().is_some_and(Writing::goes_on)
    }

    /// Saves beside the training. The state is read from the device before this returns.
    pub fn save(&mut self, context: &mut Context, snapshot: Snapshot) -> Result<(), Failure> {
        self.settle(context)?;
        let state = (snapshot.state)();
        let (folder, rule) = (self.folder.clone(), self.rule);
        let Snapshot { step, course, .. } = snapshot;
        self.knows(step, &course);
        self.saved = Instant::now();
        let thread = thread::spawn(move || write(&folder, rule, step, state, &course));
        *lock(&self.writing) = Some(Writing { step, thread });
        Ok(())
    }

    /// Tells what has been written meanwhile.
    pub fn look(&mut self, context: &mut Context) -> Result<(), Failure> {
        if lock(&self.writing).as_ref().is_some_and(|writing| !writing.goes_on()) {
            self.settle(context)?;
        }
        Ok(())
    }

    /// Waits for what is being written.
    pub fn settle(&mut self, context: &mut Context) -> Result<(), Failure> {
        let Some(writing) = lock(&self.writing).take() else {
            return Ok(());
        };
        let step = writing.step;
        writing.end()?;
        context.tell(Event::Saved { step })
    }

    /// Saves, unless this very state is saved already, and waits for it.
    pub fn save_now(&mut self, context: &mut Context, snapshot: Snapshot) -> Result<(), Failure> {
        if self.newest != Some((snapshot.step, snapshot.course.scores.len())) {
            self.save(context, snapshot)?;
        }
        self.settle(context)
    }

    /// What the watchdog does in place of a step that takes too long: the state before it is saved.
    pub fn emergency(&self, snapshot: Snapshot) -> Save {
        let (folder, rule, writing) = (self.folder.clone(), self.rule, Arc::clone(&self.writing));
        let saved = self.newest == Some((snapshot.step, snapshot.course.scores.len()));
        Box::new(move || {
            if let Some(writing) = lock(&writing).take() {
                writing.end()?;
            }
            if saved {
                return Ok(());
            }
            write(&folder, rule, snapshot.step, (snapshot.state)(), &snapshot.course)
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // However the training ended, what is being written may become whole; there is nobody left to tell.
        if let Some(writing) = lock(&self.writing).take() {
            let _ = writing.end();
        }
    }
}

impl Writing {
    fn goes_on(&self) -> bool {
        !self.thread.is_finished()
    }

    fn end(self) -> Result<(), Failure> {
        let broken = |_| {
            Err(Failure::new(
                Exit::Unexpected,
                "the thread that saves the training broke",
            ))
        };
        self.thread.join().unwrap_or_else(broken)
    }
}

fn lock(writing: &Mutex<Option<Writing>>) -> std::sync::MutexGuard<'_, Option<Writing>> {
    writing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes one checkpoint and removes those that are kept no longer.
fn write(folder: &Folder, rule: Rule, step: u64, mut state: Checkpoint, course: &Course) -> Result<(), Failure> {
    course.put(&mut state);
    folder.write(step, state)?;
    let steps = folder.steps()?;
    let kept = kept(&steps, step, &course.scores, rule.last, rule.best);
    let mut gone = steps.into_iter().filter(|step| !kept.contains(step));
    gone.try_for_each(|step| folder.remove(step))
}

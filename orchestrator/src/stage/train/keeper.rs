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
    folder.write(step, &mut state)?;
    let steps = folder.steps()?;
    let kept = kept(&steps, &course.scores, rule.last, rule.best);
    let mut gone = steps.into_iter().filter(|step| !kept.contains(step));
    gone.try_for_each(|step| folder.remove(step))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use burn::tensor::Device;
    use perceive_model::weights::Array;

    use super::*;
    use crate::{home::Home, journal::Journal};

    struct Desk {
        _folder: tempfile::TempDir,
        context: Context,
        journal: std::path::PathBuf,
    }

    fn desk() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let path = home.journal("run");
        let journal = Journal::open(&path).unwrap();
        let context = Context::new(home, "key", Device::flex(), journal, Arc::new(AtomicBool::new(false))).unwrap();
        Desk {
            _folder: folder,
            context,
            journal: path,
        }
    }

    fn upkeep(last: usize) -> Upkeep {
        Upkeep {
            keep_last: last,
            ..Upkeep::default()
        }
    }

    fn snapshot(step: u64) -> Snapshot {
        let state = move || {
            let mut state = Checkpoint::default();
            let (shape, data) = (vec![1], vec![step as f32]);
            state.tensors.insert("a".into(), Array { shape, data });
            state
        };
        Snapshot {
            step,
            state: Box::new(state),
            course: Course::default(),
        }
    }

    #[test]
    fn what_was_saved_is_whole_and_told_once_it_is_on_the_disk() {
        let mut desk = desk();
        let folder = Folder::of(desk.context.work());
        let mut keeper = Keeper::new(folder.clone(), &upkeep(2), false);
        for step in [1, 2, 3] {
            keeper.save(&mut desk.context, snapshot(step)).unwrap();
        }
        keeper.save_now(&mut desk.context, snapshot(4)).unwrap();
        // The same state again needs no second file.
        keeper.save_now(&mut desk.context, snapshot(4)).unwrap();
        assert_eq!(folder.steps().unwrap(), [3, 4]);
        let mut read = folder.read(4).unwrap();
        assert_eq!(Course::take(&mut read), Some(Course::default()));
        assert_eq!(read.tensors["a"].data, [4.0]);
        let told = std::fs::read_to_string(&desk.journal).unwrap();
        assert_eq!(told.matches("\"saved\"").count(), 4, "{told}");
    }

    #[test]
    fn what_is_being_written_becomes_whole_though_the_training_ends() {
        let mut desk = desk();
        let folder = Folder::of(desk.context.work());
        let mut keeper = Keeper::new(folder.clone(), &upkeep(3), false);
        keeper.save(&mut desk.context, snapshot(1)).unwrap();
        drop(keeper);
        assert!(folder.read(1).is_ok());
        // The watchdog saves the state before the step that takes too long.
        let keeper = Keeper::new(folder.clone(), &upkeep(3), false);
        keeper.emergency(snapshot(2))().unwrap();
        assert_eq!(folder.steps().unwrap(), [1, 2]);
    }

    #[test]
    fn a_checkpoint_that_cannot_be_written_fails_the_run_with_the_path() {
        let mut desk = desk();
        let folder = Folder::of(desk.context.work());
        std::fs::write(
            super::super::folder::checkpoints(desk.context.work()),
            "a file in its place",
        )
        .unwrap();
        let mut keeper = Keeper::new(folder, &upkeep(3), false);
        let failed = keeper.save_now(&mut desk.context, snapshot(1)).unwrap_err();
        assert!(failed.to_string().contains("checkpoints"), "{failed}");
    }
}

//! What a running stage has around it: places, device, journal, and the wish to stop.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use burn::tensor::Device;
use serde::{Serialize, de::DeserializeOwned};

use super::{Outcome, train::folder::checkpoints, watchdog::Watchdog};
use crate::{
    disk,
    failure::{Exit, Failure},
    home::Home,
    journal::{Event, Journal},
    spec::upkeep::Upkeep,
};

/// Progress is told at most this often.
const BETWEEN_PROGRESS: Duration = Duration::from_millis(250);

pub struct Context {
    home: Home,
    work: PathBuf,
    device: Device,
    others: Vec<Device>,
    journal: Journal,
    stop: Arc<AtomicBool>,
    watchdog: Watchdog,
    upkeep: Upkeep,
    step_limit: Option<u64>,
    told: Instant,
}

impl Context {
    pub fn new(
        home: Home,
        key: &str,
        device: Device,
        journal: Journal,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let work = home.work_of(key);
        let watchdog = Watchdog::new(Arc::clone(&stop), journal.path());
        let context = Self {
            home,
            work,
            device,
            others: Vec::new(),
            journal,
            stop,
            watchdog,
            upkeep: Upkeep::default(),
            step_limit: None,
            told: Instant::now(),
        };
        create_folder(&context.output())?;
        let output = context.output();
        disk::sweep(&output).map_err(|error| Failure::io(format!("cannot clean {}", output.display()), &error))?;
        Ok(context)
    }

    /// How trainings are looked after, and after how many steps one pauses.
    pub fn look_after(&mut self, upkeep: Upkeep, step_limit: Option<u64>) {
        self.upkeep = upkeep;
        self.step_limit = step_limit;
    }

    pub fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    /// A training pauses after so many steps of this attempt.
    pub fn step_limit(&self) -> Option<u64> {
        self.step_limit
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Other devices that trainings divide their batches with.
    pub fn beside(&mut self, others: Vec<Device>) {
        self.others = others;
    }

    pub fn others(&self) -> &[Device] {
        &self.others
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The artefact in the making: becomes the artefact's folder when the stage is done.
    pub fn output(&self) -> PathBuf {
        output(&self.work)
    }

    /// The folder of what is unfinished, kept until the artefact is whole.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Removes the state of a training: its artefact is whole.
    pub fn forget_state(&self) {
        // What is left over is removed with the rest of the work folder.
        let _ = std::fs::remove_dir_all(checkpoints(&self.work));
    }

    /// The folder of the finished artefact `key`.
    pub fn artefact(&self, key: &str) -> PathBuf {
        self.home.artefact(key)
    }

    /// A folder below the output, made if it is missing.
    pub fn output_folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.output().join(name);
        create_folder(&folder)?;
        Ok(folder)
    }

    /// Whether somebody wants this run to save and stop.
    pub fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Tells that the run stops at `step` because it was asked to.
    pub fn paused(&mut self, step: u64) -> Result<Outcome, Failure> {
        self.tell(Event::Paused { step })?;
        Ok(Outcome::Paused)
    }

    /// Does what may take long without a chance to look at the wish to stop. Where that wish comes and `work` does not
    /// end in time, `save` is called from another thread, the run is told paused at `step`, and the process ends.
    ///
    /// `work` must not tell anything: the journal has one writer.
    pub fn interruptible<T>(
        &self,
        step: u64,
        save: impl FnOnce() -> Result<(), Failure> + Send + 'static,
        work: impl FnOnce() -> T,
    ) -> T {
        self.watchdog.guard(step, Box::new(save), work)
    }

    pub fn tell(&mut self, event: Event) -> Result<(), Failure> {
        self.journal.append(event)
    }

    pub fn note(&mut self, text: impl Into<String>) -> Result<(), Failure> {
        self.tell(Event::Note { text: text.into() })
    }

    pub fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), Failure> {
        self.tell(Event::Metric {
            name: name.into(),
            step,
            value,
        })
    }

    pub fn started(&mut self, step: u64, of: u64, unit: &str) -> Result<(), Failure> {
        self.tell(Event::Started {
            step,
            of,
            unit: unit.into(),
        })
    }

    /// For the progress bar; told now and then, not every time.
    pub fn progress(&mut self, step: u64, of: u64, values: &[(&str, f64)]) -> Result<(), Failure> {
        if self.told.elapsed() < BETWEEN_PROGRESS && step < of {
            return Ok(());
        }
        self.told = Instant::now();
        let values: BTreeMap<String, f64> = values
            .iter()
            .map(|(name, value)| ((*name).to_string(), *value))
            .collect();
        self.tell(Event::Progress { step, of, values })
    }

    /// Works through `items` in parallel, telling progress. `false`: stopped on request with items left, and told so.
    pub fn for_each<T: Sync>(
        &mut self,
        items: &[T],
        unit: &str,
        work: impl Fn(&T) -> Result<(), Failure> + Sync,
    ) -> Result<bool, Failure> {
        use rayon::prelude::*;
        let of = items.len() as u64;
        self.started(0, of, unit)?;
        let done = AtomicU64::new(0);
        for chunk in items.chunks(rayon::current_num_threads() * 8) {
            chunk.par_iter().try_for_each(|item| {
                if self.should_stop() {
                    return Ok(());
                }
                done.fetch_add(1, Ordering::Relaxed);
                work(item)
            })?;
            let done = done.load(Ordering::Relaxed);
            if self.should_stop() && done < of {
                self.paused(done)?;
                return Ok(false);
            }
            self.progress(done, of, &[])?;
        }
        Ok(true)
    }
}

/// The artefact in the making in the work folder `work`.
pub fn output(work: &Path) -> PathBuf {
    work.join("artefact")
}

pub fn create_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| Failure::io(format!("cannot make {}", path.display()), &error))
}

/// Writes JSON under its final name in one go.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec(value).map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?;
    let unfinished = path.with_extension("unfinished");
    let failed = |error| Failure::io(format!("cannot write {}", path.display()), &error);
    let written = std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, path));
    written.map_err(|error| {
        // Half a file is of no use to anybody.
        let _ = std::fs::remove_file(&unfinished);
        failed(error)
    })
}

/// Reads what [`write_json`] wrote.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = std::fs::read(path).map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::new(Exit::Unexpected, format!("{} is damaged: {error}", path.display()))
            .help("remove the folder that it is in and run the experiment again")
    })
}

//! Doing a plan: every job that is not done yet becomes a run, a child process with a journal of its own.
//!
//! The orchestrator alone writes the database. A run that is killed leaves its journal and its saved state; the next
//! orchestrator imports the one and goes on from the other.

mod child;
pub mod worker;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use crate::{
    database::{Database, artefacts::NewArtefact, runs::NewRun, runs::RunState},
    device::DeviceName,
    failure::{Exit, Failure},
    home::Home,
    plan::Node,
    show::{Talk, progress::Progress},
    signals::{self, SIGINT, SIGTERM},
};

/// How often a journal, or a process that is about to end, is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The artefact is whole.
    Cached,
    /// There is saved state to go on from.
    Begun,
    ToDo,
}

impl Standing {
    pub fn of(node: &Node, home: &Home) -> Self {
        if home.artefact(&node.key).exists() {
            Self::Cached
        } else if home.work_of(&node.key).exists() {
            Self::Begun
        } else {
            Self::ToDo
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Begun => "begun",
            Self::ToDo => "to do",
        }
    }
}

/// What runs need beside their jobs.
pub struct Orchestrator<'a> {
    pub home: &'a Home,
    pub database: &'a Database,
    pub device: DeviceName,
    pub seed: u64,
    pub talk: Talk,
    /// How often somebody has asked to stop: once, runs save and stop; twice, they are killed.
    pub asked_to_stop: Arc<AtomicUsize>,
}

impl Orchestrator<'_> {
    /// Counts Ctrl-C and SIGTERM from now on.
    pub fn watch_for_stop() -> Result<Arc<AtomicUsize>, Failure> {
        let asked = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            let counter = Arc::clone(&asked);
            signals::on(signal, move || {
                counter.fetch_add(1, Ordering::SeqCst);
            })?;
        }
        Ok(asked)
    }

    /// Makes every artefact of the plan that is missing, in order, for `case`.
    ///
    /// # Errors
    /// The first run that fails, with its exit code; [`Exit::Interrupted`] when asked to stop.
    pub fn run(&self, nodes: &[Node], case: Option<i64>) -> Result<(), Failure> {
        if let Some(case) = case {
            for node in nodes {
                self.database.use_artefact(case, &node.key)?;
            }
        }
        let cached = nodes
            .iter()
            .filter(|node| Standing::of(node, self.home) == Standing::Cached)
            .count();
        if cached > 0 {
            self.talk
                .say(format!("{cached} of {} jobs are done already", nodes.len()));
        }
        let progress = Progress::new(self.talk);
        for node in nodes {
            if self.home.artefact(&node.key).exists() {
                self.acknowledge(node)?;
                self.record(node)?;
                continue;
            }
            if self.asked_to_stop.load(Ordering::SeqCst) > 0 {
                return Err(interrupted());
            }
            self.one(node, case, &progress)?;
        }
        Ok(())
    }

    /// A whole artefact has a run that is done: its newest, whatever kept that from being recorded (a full disk, a locked
    /// database). What its journal told is imported now.
    fn acknowledge(&self, node: &Node) -> Result<(), Failure> {
        let runs = self.database.runs_of_artefact(&node.key)?;
        if runs.iter().any(|run| run.state == RunState::Done) {
            return Ok(());
        }
        for run in &runs {
            self.database.import(&run.id, &self.home.journal(&run.id))?;
        }
        if let Some(newest) = runs.first() {
            self.database
                .set_state(&newest.id, RunState::Done, Some(Exit::Fine.code()), None)?;
        }
        Ok(())
    }

    fn one(&self, node: &Node, case: Option<i64>, progress: &Progress) -> Result<(), Failure> {
        self.check_inputs(node)?;
        let id = self.database.start_run(&NewRun {
            case,
            stage: node.job.stage().into(),
            label: node.job.label(),
            artefact_key: node.key.clone(),
            seed: self.seed,
            device: self.device.to_string(),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            version: env!("CARGO_PKG_VERSION").into(),
            code_commit: option_env!("PERCEIVE_COMMIT").map(String::from),
            dirty: option_env!("PERCEIVE_DIRTY") == Some("true"),
        })?;
        self.database.record_code(&id)?;
        let ended = child::attend(self, node, &id, progress);
        let (state, code, reason) = match &ended {
            Ok(()) => (RunState::Done, Some(0), None),
            Err(failure) if failure.exit == Exit::Interrupted => (RunState::Paused, Some(failure.exit.code()), None),
            Err(failure) => (RunState::Failed, Some(failure.exit.code()), Some(failure.to_string())),
        };
        let recorded = self.database.set_state(&id, state, code, reason.as_deref());
        // What stopped the run comes first: a full disk, say, may also keep it from being recorded.
        ended?;
        recorded?;
        self.record(node)
    }

    /// Artefacts are kept as long as something stands on them; a hand may still have removed one.
    fn check_inputs(&self, node: &Node) -> Result<(), Failure> {
        let gone = node
            .job
            .inputs()
            .into_iter()
            .map(|key| self.home.artefact(&key))
            .find(|folder| !folder.exists());
        gone.map_or(Ok(()), |folder| {
            let text = format!(
                "{} {} reads {}, which is gone",
                node.job.stage(),
                node.job.label(),
                folder.display()
            );
            Err(Failure::new(Exit::Run, text).help("run the experiment again: it makes what is missing"))
        })
    }

    /// Records an artefact as whole, unless it is recorded already.
    fn record(&self, node: &Node) -> Result<(), Failure> {
        if self.database.artefact(&node.key)?.is_some() {
            return Ok(());
        }
        let bytes = size_of(&self.home.artefact(&node.key));
        let (label, settings) = (node.job.label(), node.job.settings());
        self.database.record_artefact(NewArtefact {
            key: &node.key,
            stage: node.job.stage(),
            label: &label,
            path: &node.key,
            bytes,
            settings: &settings,
        })?;
        Ok(())
    }
}

/// Settles what an earlier orchestrator left behind; only for the holder of the home's lock.
///
/// The workers of an orchestrator that was killed notice it within a second, save and stop. Two workers must not make one
/// artefact, so this waits for them.
pub fn take_over(home: &Home, database: &Database, talk: Talk) -> Result<(), Failure> {
    let mut told = BTreeSet::new();
    loop {
        let orphans = database.running_here()?;
        for run in &orphans {
            if told.insert(run.id.clone()) {
                talk.say(format!(
                    "waiting for {} {} of an earlier command to save and stop",
                    run.stage, run.label
                ));
            }
        }
        if orphans.is_empty() {
            break;
        }
        sleep(BETWEEN_LOOKS);
    }
    for run in database.settle_lost(home)? {
        talk.say(format!(
            "{} {} was left unfinished: it goes on now if it is still needed",
            run.stage, run.label
        ));
    }
    Ok(())
}

/// The failure of a command that was asked to stop.
fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "stopped as asked; everything done so far is kept")
        .help("run the same command again: it goes on where it stopped")
}

/// Bytes of all files below a folder.
fn size_of(folder: &std::path::Path) -> u64 {
    walk(folder).unwrap_or(0)
}

fn walk(folder: &std::path::Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        sum += if kind.is_dir() {
            walk(&entry.path())?
        } else {
            kind.len()
        };
    }
    Ok(sum)
}

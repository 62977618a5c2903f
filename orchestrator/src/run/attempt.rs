//! One attempt at one job from outside: starts the worker, follows its journal, watches it, and tells how it ended.

use std::{
    fs::File,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use super::{
    ending::{self, Cause, Ended, LastWord},
    log,
    story::Story,
    watch::{Limits, Watch},
    worker::{GO, Order},
};
use crate::{
    database::{Database, runs::Ending},
    failure::Failure,
    home::Home,
    plan::Node,
    process,
    show::progress::Bar,
    spec::upkeep::Upkeep,
    stage::context::{create_folder, write_json},
};

/// How often a living run is recorded as alive.
const BETWEEN_BEATS: Duration = Duration::from_secs(5);

/// How often a worker's memory and silence are looked at.
const BETWEEN_WATCHES: Duration = Duration::from_secs(1);

/// How a worker is to work.
#[derive(Clone, Debug)]
pub struct Terms {
    pub device: String,
    /// Threads that it may use; `None`: as many as there are cores.
    pub threads: Option<usize>,
    /// How a training is looked after.
    pub upkeep: Upkeep,
    /// A training takes at most so many steps before it pauses.
    pub step_limit: Option<u64>,
    pub limits: Limits,
}

/// A worker that is at a job.
pub struct Attempt {
    /// The run's id.
    pub id: String,
    child: Child,
    journal: PathBuf,
    work: PathBuf,
    bar: Bar,
    pub story: Story,
    began: Instant,
    beat: Instant,
    watched: Instant,
    watch: Watch,
    killed_before: u64,
    /// Since when it should be stopping, and why.
    stopping: Option<(Instant, Cause, String)>,
    /// What the orchestrator killed it for.
    killed: Option<(Cause, String)>,
}

impl Attempt {
    /// Starts a worker for the run `id`, which is recorded as queued.
    pub fn start(
        home: &Home,
        database: &Database,
        node: &Node,
        id: String,
        terms: &Terms,
        bar: Bar,
    ) -> Result<Self, Failure> {
        let work = home.work_of(&node.key);
        create_folder(&work)?;
        let order = Order {
            job: node.job.clone(),
            key: node.key.clone(),
            run: id.clone(),
            device: terms.device.clone(),
            upkeep: terms.upkeep.clone(),
            step_limit: terms.step_limit,
        };
        let order_path = work.join("order.json");
        write_json(&order_path, &order)?;
        let mut child = spawn(home, &work, &order_path, terms.threads)?;
        database.set_running(&id, child.id())?;
        // The line stays open: the worker takes its end for that of this process.
        if let Some(line) = &mut child.stdin {
            // A worker that has ended already tells by its status how.
            let _ = line.write_all(GO);
        }
        let now = Instant::now();
        Ok(Self {
            journal: home.journal(&id),
            id,
            child,
            work,
            bar,
            story: Story::default(),
            began: now,
            beat: now,
            watched: now,
            watch: Watch::new(terms.limits, now),
            killed_before: process::kills_for_memory(),
            stopping: None,
            killed: None,
        })
    }

    /// Imports what the worker has told, looks after it, and returns how it ended once it has.
    pub fn look(&mut self, database: &Database) -> Result<Option<Ended>, Failure> {
        let ended = self
            .child
            .try_wait()
            .map_err(|error| Failure::io("cannot wait for the worker", &error))?;
        let lines = database.import(&self.id, &self.journal)?;
        if !lines.is_empty() {
            self.watch.heard(Instant::now());
        }
        self.story.follow(lines, &self.bar);
        if let Some(status) = ended {
            return self.ended(database, status).map(Some);
        }
        if self.beat.elapsed() >= BETWEEN_BEATS {
            database.heartbeat(&self.id)?;
            self.beat = Instant::now();
        }
        if self.watched.elapsed() >= BETWEEN_WATCHES {
            self.watched = Instant::now();
            log::keep_short(&self.log());
            if let Some((cause, words)) = self.watch.wrong(process::memory(self.child.id()), Instant::now()) {
                self.kill(cause, words);
            }
        }
        if let Some((since, cause, words)) = &self.stopping
            && since.elapsed() >= self.watch.limits.grace
        {
            let (cause, words) = (*cause, words.clone());
            self.kill(cause, words);
        }
        Ok(None)
    }

    /// Bytes that the worker was seen to hold.
    pub fn memory(&self) -> Option<u64> {
        self.watch.peak()
    }

    /// Asks the worker to save and stop; it is ended when its time of grace is over.
    pub fn stop(&mut self, cause: Cause, words: &str) {
        if self.stopping.is_none() {
            self.stopping = Some((Instant::now(), cause, words.to_string()));
            // It may have ended by itself; then there is nothing to ask.
            let _ = rustix::process::kill_process(self.pid(), rustix::process::Signal::TERM);
        }
    }

    /// Ends the worker at once. Its last saved state and its journal stay.
    pub fn kill(&mut self, cause: Cause, words: String) {
        self.killed.get_or_insert((cause, words));
        // Its children too: it leads a group of its own.
        let _ = rustix::process::kill_process_group(self.pid(), rustix::process::Signal::KILL);
        let _ = self.child.kill();
    }

    fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    fn log(&self) -> PathBuf {
        self.work.join("output.log")
    }

    fn ended(&mut self, database: &Database, status: ExitStatus) -> Result<Ended, Failure> {
        let lines = database.import(&self.id, &self.journal)?;
        self.story.follow(lines, &self.bar);
        let mut word = self.story.last_word.take();
        if word.is_none() && !status.success() {
            word = recorded_word(database, &self.id, status)?;
        }
        let why = self.killed.take().or_else(|| {
            let (_, cause, words) = self.stopping.take()?;
            (cause != Cause::Asked).then_some((cause, words))
        });
        let short = process::kills_for_memory() > self.killed_before;
        let ended = ending::read(status, word, why, short, &self.log());
        self.bar.finish(&match (&ended.failure, ended.cause) {
            (None, _) => format!(
                "done in {:.1} s{}",
                self.began.elapsed().as_secs_f64(),
                self.story.remark()
            ),
            (_, Cause::Asked) => "paused".to_string(),
            (_, Cause::Pruned) => "pruned".to_string(),
            _ => "failed".to_string(),
        });
        let recorded = database.end_run(
            &self.id,
            &Ending {
                state: ended.state(),
                exit_code: ended.code,
                cause: Some(ended.cause.word()),
                reason: ended.failure.as_ref().map(ToString::to_string),
                peak_bytes: self.watch.peak(),
            },
        );
        if ended.failure.is_none() {
            // Only resumable state and logs are left in there.
            let _ = std::fs::remove_dir_all(&self.work);
            recorded?;
        } else if ended
            .failure
            .as_ref()
            .is_some_and(|failure| failure.exit != crate::failure::Exit::Disk)
        {
            // A full disk may also keep the end from being recorded: the run's own words come first then.
            recorded?;
        }
        Ok(ended)
    }
}

impl Drop for Attempt {
    /// A worker that nobody attends any more is asked to save and stop (it would notice by itself, too).
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = rustix::process::kill_process(self.pid(), rustix::process::Signal::TERM);
        }
    }
}

fn spawn(home: &Home, work: &Path, order: &Path, threads: Option<usize>) -> Result<Child, Failure> {
    let failed = |error| Failure::io("cannot start a worker", &error);
    let program = std::env::current_exe().map_err(failed)?;
    // Appending, so that the log can be cut short while the worker writes.
    let path = work.join("output.log");
    let _ = std::fs::remove_file(&path);
    let log = File::options().append(true).create(true).open(path).map_err(failed)?;
    let same = log.try_clone().map_err(failed)?;
    let mut command = Command::new(program);
    command.arg("--home").arg(home.root()).arg("worker").arg(order);
    if let Some(threads) = threads {
        command.env("RAYON_NUM_THREADS", threads.to_string());
    }
    command
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(same)
        // A group of its own: Ctrl-C reaches the orchestrator alone, which then asks the worker to save and stop.
        .process_group(0)
        .spawn()
        .map_err(failed)
}

/// The last word that another command (`runs ls`, say) imported before this process saw it.
fn recorded_word(database: &Database, id: &str, status: ExitStatus) -> Result<Option<LastWord>, Failure> {
    let events = database.events(id)?;
    let failed = events.into_iter().rev().find(|event| event.kind == "failed");
    Ok(failed.zip(status.code()).map(|(event, code)| {
        let told = format!(" (exit code {code})");
        LastWord {
            reason: event.text.trim_end_matches(&told).to_string(),
            code,
            kind: None,
        }
    }))
}

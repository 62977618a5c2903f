//! One run from outside: starts the worker, follows its journal, and tells how it ended.

use std::{
    fs::File,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::Ordering,
    thread::sleep,
    time::{Duration, Instant},
};

use super::{BETWEEN_LOOKS, Orchestrator, interrupted, worker::Order};
use crate::{
    database::Database,
    failure::{Exit, Failure},
    journal::{Event, Line},
    plan::Node,
    show::progress::{Bar, Progress},
    stage::context::{create_folder, write_json},
};

/// How often a living run is recorded as alive.
const BETWEEN_BEATS: Duration = Duration::from_secs(5);

/// Starts the run `id` and stays with it until it ends.
pub fn attend(orchestrator: &Orchestrator, node: &Node, id: &str, progress: &Progress) -> Result<(), Failure> {
    let (home, database) = (orchestrator.home, orchestrator.database);
    let work = home.work_of(&node.key);
    create_folder(&work)?;
    let order = Order {
        job: node.job.clone(),
        run: id.into(),
        device: orchestrator.device.to_string(),
        orchestrator: std::process::id(),
        upkeep: orchestrator.upkeep.clone(),
        step_limit: None,
    };
    let order_path = work.join("order.json");
    write_json(&order_path, &order)?;
    let mut child = start(orchestrator, &work, &order_path)?;
    database.set_running(id, child.id())?;

    let label = format!("{} {}", node.job.stage(), node.job.label());
    let bar = progress.bar(&label, 0, "steps");
    let began = Instant::now();
    let mut beat = Instant::now();
    let mut story = Story::default();
    let mut stops = 0;
    let status = loop {
        let ended = child
            .try_wait()
            .map_err(|error| Failure::io("cannot wait for the worker", &error))?;
        story.follow(database.import(id, &home.journal(id))?, &bar);
        if let Some(status) = ended {
            break status;
        }
        let asked = orchestrator.asked_to_stop.load(Ordering::SeqCst);
        if asked > stops {
            stops = asked;
            stop(&mut child, asked);
            progress.say(if asked == 1 {
                "stopping: saving state (again to stop at once)"
            } else {
                "stopping at once"
            });
        }
        if beat.elapsed() >= BETWEEN_BEATS {
            database.heartbeat(id)?;
            beat = Instant::now();
        }
        sleep(BETWEEN_LOOKS);
    };
    story.follow(database.import(id, &home.journal(id))?, &bar);
    if story.failed.is_none() && !status.success() {
        story.failed = recorded_failure(database, id, status)?;
    }
    let ended = if stops > 1 && !status.success() {
        // Ended at once, as asked: whatever it last said.
        Err(interrupted())
    } else {
        story.ended(status, &work)
    };
    bar.finish(&match &ended {
        Ok(()) => format!("done in {:.1} s{}", began.elapsed().as_secs_f64(), story.remark()),
        Err(failure) if failure.exit == Exit::Interrupted => "paused".to_string(),
        Err(_) => "failed".to_string(),
    });
    if ended.is_ok() {
        // Only resumable state and logs are left in there.
        let _ = std::fs::remove_dir_all(&work);
    }
    ended
}

fn start(orchestrator: &Orchestrator, work: &std::path::Path, order: &std::path::Path) -> Result<Child, Failure> {
    let failed = |error| Failure::io("cannot start a worker", &error);
    let program = std::env::current_exe().map_err(failed)?;
    let log = File::create(work.join("output.log")).map_err(failed)?;
    let same = log.try_clone().map_err(failed)?;
    Command::new(program)
        .arg("--home")
        .arg(orchestrator.home.root())
        .arg("worker")
        .arg(order)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(same)
        // A group of its own: Ctrl-C reaches the orchestrator alone, which then asks the worker to save and stop.
        .process_group(0)
        .spawn()
        .map_err(failed)
}

/// The reason that another command (`runs ls`, say) imported before this process saw it.
fn recorded_failure(database: &Database, id: &str, status: ExitStatus) -> Result<Option<(String, i32)>, Failure> {
    let events = database.events(id)?;
    let failed = events.into_iter().rev().find(|event| event.kind == "failed");
    Ok(failed.zip(status.code()).map(|(event, code)| {
        let told = format!(" (exit code {code})");
        (event.text.trim_end_matches(&told).to_string(), code)
    }))
}

/// Asks the worker to save and stop; the second time, ends it.
fn stop(child: &mut Child, asked: usize) {
    if asked == 1 {
        // SAFETY: sends a signal to a child that has not been waited for, so the id is still its own.
        unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) };
    } else {
        // It may have ended by itself.
        let _ = child.kill();
    }
}

/// What a journal told so far.
#[derive(Default)]
struct Story {
    failed: Option<(String, i32)>,
    notes: Vec<String>,
    psnr: Option<f64>,
}

impl Story {
    fn follow(&mut self, lines: Vec<Line>, bar: &Bar) {
        for line in lines {
            match line.event {
                Event::Started { step, of, .. } => bar.start(step, of),
                Event::Progress { step, values, .. } => {
                    self.psnr = values.get("psnr").copied().or(self.psnr);
                    bar.at(step, &values);
                }
                Event::Note { text } => self.notes.push(text),
                Event::Failed { reason, code, .. } => self.failed = Some((reason, code)),
                Event::Metric { .. }
                | Event::Evaluation { .. }
                | Event::Saved { .. }
                | Event::Paused { .. }
                | Event::Done => {}
            }
        }
    }

    /// What is worth telling beside the time.
    fn remark(&self) -> String {
        let psnr = self.psnr.map(|psnr| format!(", {psnr:.2} dB")).unwrap_or_default();
        let notes = self.notes.iter().map(|note| format!("; {note}")).collect::<String>();
        format!("{psnr}{notes}")
    }

    fn ended(&mut self, status: ExitStatus, work: &std::path::Path) -> Result<(), Failure> {
        // A worker ends well only behind its journal's last word, `Done`.
        if status.success() {
            return Ok(());
        }
        if status.code() == Some(Exit::Interrupted.code()) {
            return Err(interrupted());
        }
        if let Some((reason, code)) = self.failed.take() {
            let (reason, help) = match reason.split_once("\nhint: ") {
                Some((reason, help)) => (reason.to_string(), Some(help.to_string())),
                None => (reason, None),
            };
            let failure = Failure::new(Exit::from_code(code), reason);
            return Err(match help {
                Some(help) => failure.help(help),
                None => failure,
            });
        }
        let log = work.join("output.log");
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if status.code() == Some(Exit::Disk.code()) {
            // Not even the journal could be written.
            let told = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
            let failure = Failure::new(Exit::Disk, told.unwrap_or("cannot write the journal: the disk is full"));
            return Err(failure.help(
                "free some space (`perceive-ir runs rm`) and run the same command again: it goes on where it stopped",
            ));
        }
        let how = match (status.code(), status.signal()) {
            (_, Some(9)) => "was killed (signal 9): by somebody, or for want of memory".to_string(),
            (_, Some(signal)) => format!("was ended by signal {signal}"),
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, None) => "ended".to_string(),
        };
        let last = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .map(|line| format!(": {line}"));
        let failure = Failure::new(Exit::Run, format!("the worker {how}{}", last.unwrap_or_default()));
        Err(failure.help(format!(
            "its output is in {}; run the same command again to go on",
            log.display()
        )))
    }
}

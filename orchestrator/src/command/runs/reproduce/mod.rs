//! `perceive-ir runs reproduce RUN`: does a run's job again beside what it made, and says whether the numbers are equal.
//!
//! The job is what the run's artefact recorded as its settings. It is done in a scratch home, by a worker like any other;
//! the recorded artefact is only read. The reproduction is a run of its own, of no case and of no artefact.

mod difference;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::database::artefacts::Artefact;
use crate::database::runs::{NewRun, Run, RunFilter, RunState};
use crate::database::{Database, DatabaseError};
use crate::device::DeviceGroup;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::journal::{Event, Journal, Line};
use crate::plan::Node;
use crate::provenance::{Code, Origin};
use crate::run::{Manner, Stops, make_one, take_over};
use crate::scratch::Scratch;
use crate::show::{Format, Talk};
use crate::stage::Job;
use difference::Differences;

/// How often a reproduction is recorded as alive, and how soon its end is seen.
const BETWEEN_BEATS: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Letters of the reproduced run's id in the label.
const SHORT: usize = 18;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's id, or its beginning.
    run: String,
    /// Where to compute [default: where the run was computed].
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Say what differs from then, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    drop(Database::open_read_only(home)?);
    let _hold = if args.dry_run { None } else { Some(home.hold()?) };
    let database = Database::open(home)?;
    if !args.dry_run {
        take_over(home, &database, talk)?;
    }
    let run = database.find(&args.run)?;
    let (artefact, job) = made_by(&database, home, &run)?;
    let device: DeviceGroup = args.device.as_deref().unwrap_or(&run.device).parse()?;
    device.open()?;
    let node = Node { key: job.key(), job };
    talk.say(format!("{} {}: {}", run.stage, run.label, artefact.key));
    for changed in changes(&database, &run, &artefact, &node, &device)? {
        talk.say(format!("not as then: {changed}"));
    }
    if args.dry_run {
        return Ok(());
    }
    let scratch = Scratch::open(home, &run.id, &node.job, &database)?;
    let record = Database::open(scratch.home())?;
    let id = begin(&database, &run, &device)?;
    let (manner, stops) = (Manner::plain(device, talk), Stops::listen(None, None)?);
    let key = node.key.clone();
    let ended = while_alive(&database, &id, || {
        make_one(node, run.seed as u64, scratch.home(), &record, &manner, &stops)
    });
    let told = keep_metrics(&database, &record, home, scratch.home(), &id);
    if let Err(failure) = ended {
        let state = if failure.exit == Exit::Interrupted {
            RunState::Paused
        } else {
            RunState::Failed
        };
        database.set_state(&id, state, Some(failure.exit.code()), Some(&failure.to_string()))?;
        return Err(failure);
    }
    told?;

    let attempts = |database: &Database, key: &str| -> Result<Vec<Run>, DatabaseError> {
        let mut runs = database.runs_of_artefact(key)?;
        runs.reverse();
        Ok(runs)
    };
    let mut then = attempts(&database, &artefact.key)?;
    then.retain(|other| other.id <= run.id);
    let now = attempts(&record, &key)?;
    let mut differences = Differences::default();
    differences.of_files(&home.artefact(&artefact.key), &scratch.home().artefact(&key))?;
    differences.of_metrics((&database, &then), (&record, &now))?;
    differences.of_evaluations(
        &database.evaluations_of_artefact(&artefact.key)?,
        &record.evaluations_of_artefact(&key)?,
    );
    drop(record);
    let verdict = differences.verdict();
    let code = if differences.is_empty() {
        Exit::Fine
    } else {
        Exit::Different
    };
    database.set_state(&id, RunState::Done, Some(code.code()), Some(&verdict))?;
    if args.format != Format::Table || !differences.is_empty() {
        differences.table().print(args.format)?;
    }
    if differences.is_empty() {
        scratch.remove()?;
        talk.say(verdict);
        return Ok(());
    }
    let place = scratch.home().root().display().to_string();
    Err(
        Failure::new(Exit::Different, format!("run {}: {verdict}", run.id)).help(format!(
            "what was made this time is in {place}; remove that folder when you have seen it"
        )),
    )
}

/// The artefact that a run made, and its job.
fn made_by(database: &Database, home: &Home, run: &Run) -> Result<(Artefact, Job), Failure> {
    let artefact = database.artefact(&run.artefact_key)?;
    let there = artefact.filter(|artefact| run.state == RunState::Done && home.artefact(&artefact.key).exists());
    let Some(artefact) = there else {
        let text = format!(
            "run {} ({}) has left nothing that could be compared",
            run.id,
            run.state.name()
        );
        return Err(Failure::new(Exit::Unknown, text)
            .help("`perceive-ir runs ls --state done` lists runs that are done; `runs unarchive` brings one back"));
    };
    let job = serde_json::from_str(&artefact.settings).map_err(|error| {
        let text = format!("the job of artefact {} cannot be read: {error}", artefact.key);
        Failure::new(Exit::Database, text).help("it was made by another version of the program: use that one")
    })?;
    Ok((artefact, job))
}

/// What is not as it was when the run was made.
fn changes(
    database: &Database,
    run: &Run,
    artefact: &Artefact,
    node: &Node,
    device: &DeviceGroup,
) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    match database.code_of(&run.id)? {
        Some(code) => found.extend(code.differences(Code::of_this_program())),
        None => found.push(format!("the code was not recorded ({})", run.code())),
    }
    if let Some(origin) = database.origin_of(&run.id)? {
        found.extend(origin.differences(Origin::of_this_process()));
    }
    let machine = crate::database::runs::machine();
    if run.machine != machine {
        found.push(format!("machine: {} then, {machine} now", run.machine));
    }
    if run.device != device.to_string() {
        found.push(format!("device: {} then, {device} now", run.device));
    }
    if node.key != artefact.key {
        found.push(format!(
            "this program makes something else of the same settings ({})",
            node.key
        ));
    }
    Ok(found)
}

/// Records the reproduction as a run of this process.
fn begin(database: &Database, run: &Run, device: &DeviceGroup) -> Result<String, Failure> {
    let code = Code::of_this_program();
    let id = database.start_run(&NewRun {
        case: None,
        stage: run.stage.clone(),
        label: format!("{}, reproduces {}", run.label, run.id.get(..SHORT).unwrap_or(&run.id)),
        // Of its own, so that nobody takes it for the recorded one.
        artefact_key: format!("reproduce-{}", run.id),
        seed: run.seed as u64,
        device: device.to_string(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
        version: code.version.clone(),
        code_commit: code.code_commit.clone(),
        dirty: code.dirty,
        attempt: 1,
    })?;
    database.record_code(&id)?;
    database.set_running(&id, std::process::id())?;
    Ok(id)
}

/// Does something, while the run `id` is recorded as alive.
fn while_alive<T>(database: &Database, id: &str, work: impl FnOnce() -> T) -> T {
    let ended = AtomicBool::new(false);
    scope(|scope| {
        scope.spawn(|| {
            let mut beat = Instant::now();
            while !ended.load(Ordering::Relaxed) {
                if beat.elapsed() >= BETWEEN_BEATS {
                    // A record that is locked for a moment is no reason to stop; the next beat comes.
                    let _ = database.heartbeat(id);
                    beat = Instant::now();
                }
                sleep(BETWEEN_LOOKS);
            }
        });
        let done = work();
        ended.store(true, Ordering::Relaxed);
        done
    })
}

/// The metrics of the last attempt in the scratch home become those of the run `id`. Evaluations belong to artefacts, and
/// this one is not kept.
fn keep_metrics(database: &Database, record: &Database, home: &Home, scratch: &Home, id: &str) -> Result<(), Failure> {
    let latest = RunFilter {
        limit: Some(1),
        ..RunFilter::default()
    };
    let Some(attempt) = record.runs(latest)?.pop() else {
        return Ok(());
    };
    let text = std::fs::read_to_string(scratch.journal(&attempt.id)).unwrap_or_default();
    let mut journal = Journal::open(&home.journal(id))?;
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        if !matches!(line.event, Event::Evaluation { .. } | Event::Progress { .. }) {
            journal.append(line.event)?;
        }
    }
    drop(journal);
    database.import(id, &home.journal(id))?;
    Ok(())
}

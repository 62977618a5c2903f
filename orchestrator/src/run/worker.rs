//! `perceive-ir worker ORDER`: the process of one run. Not for people: the orchestrator starts it.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use perceive_model::kernel::{among_workers, tune_allocation};
use serde::{Deserialize, Serialize};

use super::manifest;
use crate::{
    device::DeviceGroup,
    failure::{Exit, Failure},
    home::Home,
    journal::{Event, Journal},
    signals::{self, SIGINT, SIGTERM},
    spec::upkeep::Upkeep,
    stage::{
        Context, Job, Outcome,
        context::{create_folder, read_json},
    },
};

/// What a worker is told to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub job: Job,
    /// The artefact's key, as the plan has it.
    pub key: String,
    /// The run's id; its journal is named after it.
    pub run: String,
    pub device: String,
    /// How a training is looked after.
    #[serde(default)]
    pub upkeep: Upkeep,
    /// A training pauses after so many steps of this attempt.
    #[serde(default)]
    pub step_limit: Option<u64>,
}

/// What the orchestrator writes to the worker's stdin once the run is recorded as running in this process. It keeps the other
/// end open as long as it lives.
pub const GO: &[u8] = b"go\n";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The order file.
    order: PathBuf,
}

/// Does the job, writing the journal, and leaves the artefact under its final name or not at all.
pub fn run(args: &Args, home: &Home) -> Result<(), Failure> {
    let order: Order = read_json(&args.order)?;
    wait_until_recorded()?;
    let journal = home.journal(&order.run);
    match work(&order, home) {
        Ok(Outcome::Done) => Journal::open(&journal)?.append(Event::Done),
        Ok(Outcome::Paused) => Err(Failure::new(Exit::Interrupted, "stopped as asked; the state is kept")),
        Err(failure) => {
            let reason = failure.with_help();
            Journal::open(&journal)?.append(Event::Failed {
                reason,
                code: failure.exit.code(),
                kind: failure.kind.map(String::from),
            })?;
            Err(failure)
        }
    }
}

/// Waits until this process is in the record: whoever takes over from an orchestrator that was killed waits for the workers
/// that are recorded, and two must never make one artefact.
///
/// # Errors
/// The orchestrator ended first, or could not record the run: nothing was begun.
fn wait_until_recorded() -> Result<(), Failure> {
    let mut told = [0; GO.len()];
    io::stdin().read_exact(&mut told).map_err(|_| {
        let text = "nobody has recorded this run as running: nothing was begun";
        Failure::new(Exit::Interrupted, text).help("workers are started by `perceive-ir run`, not by hand")
    })
}

fn work(order: &Order, home: &Home) -> Result<Outcome, Failure> {
    tune_allocation();
    let key = order.key.clone();
    let stop = stop_flag()?;
    let mut devices = order.device.parse::<DeviceGroup>()?.open()?;
    let others = devices.split_off(1);
    let device = devices.remove(0);
    let mut journal = Journal::open(&home.journal(&order.run))?;
    journal.append(Event::Order {
        stage: order.job.stage().into(),
        label: order.job.label(),
        artefact: key.clone(),
        device: order.device.clone(),
    })?;
    let mut context = Context::new(home.clone(), &key, device, journal, stop)?;
    context.beside(others);
    context.look_after(order.upkeep.clone(), order.step_limit);
    let outcome = among_workers(|| order.job.run(&mut context))?;
    if outcome == Outcome::Done {
        manifest::write(&context.output(), &order.job)?;
        finish(&context.output(), &home.artefact(&key))?;
        context.forget_state();
    }
    Ok(outcome)
}

/// The artefact gets its name in one step; an equal one that is there already may stay.
fn finish(made: &Path, name: &Path) -> Result<(), Failure> {
    if let Some(folder) = name.parent() {
        create_folder(folder)?;
    }
    match std::fs::rename(made, name) {
        Err(_) if name.exists() => Ok(()),
        renamed => renamed.map_err(|error| Failure::io(format!("cannot write {}", name.display()), &error)),
    }
}

/// Raised by SIGTERM or SIGINT, or when the orchestrator is gone.
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let flag = Arc::clone(&stop);
        signals::on(signal, move || flag.store(true, Ordering::Relaxed))?;
    }
    let flag = Arc::clone(&stop);
    std::thread::spawn(move || {
        // Nothing more is told on stdin: it ends when the orchestrator does, however that dies.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        flag.store(true, Ordering::Relaxed);
    });
    Ok(stop)
}

//! `perceive-ir checkpoints rewind RUN STEP`: the next run goes on from that step.
//!
//! What was made of a later state goes with it: later checkpoints, and pictures that the finished training restored.

use std::io::ErrorKind;

use super::artefact_key;
use crate::{
    database::Database,
    failure::{Exit, Failure},
    home::Home,
    show::{Talk, out},
    stage::{context::output, train::folder::Folder},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run's id, or the key of what it makes, or the beginning of one; or a case as experiment/case[#seed][@scale].
    #[arg(value_name = "RUN|CASE|KEY")]
    name: String,
    /// The step of a checkpoint; 0: from the very start.
    step: u64,
    /// Say what would be removed, remove nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    drop(Database::open_read_only(home)?);
    let _hold = home.hold()?;
    let database = Database::open(home)?;
    database.settle_lost(home)?;
    let key = artefact_key(home, &database, &args.name)?;
    if let Some(run) = database
        .runs_of_artefact(&key)?
        .into_iter()
        .find(|run| run.state.is_live())
    {
        let text = format!("run {} is {}", run.id, run.state.name());
        return Err(Failure::new(Exit::Usage, text).help("stop it first; Ctrl-C in its terminal keeps its state"));
    }
    if home.artefact(&key).exists() {
        let text = format!("{key} is whole: there is nothing to go on with");
        return Err(
            Failure::new(Exit::Usage, text).help("`perceive-ir runs rm RUN` removes it, so that it is made anew")
        );
    }
    let work = home.work_of(&key);
    let folder = Folder::of(&work);
    let steps = folder.steps()?;
    if args.step > 0 && !steps.contains(&args.step) {
        let known: Vec<String> = steps.iter().map(u64::to_string).collect();
        let text = format!("{key} has no checkpoint of step {}", args.step);
        let help = if known.is_empty() {
            "it has none at all".to_string()
        } else {
            format!("there are: {}", known.join(", "))
        };
        return Err(Failure::new(Exit::Unknown, text).help(help));
    }
    if args.step > 0 {
        // To go back to a damaged one would be to go back further.
        folder.read(args.step)?;
    }
    let would = if args.dry_run { "would remove" } else { "removed" };
    for step in steps.into_iter().rev().filter(|step| *step > args.step) {
        if !args.dry_run {
            folder.remove(step)?;
        }
        out(&format!("{would} {}\n", folder.file(step).display()))?;
    }
    let made = output(&work);
    if made.exists() {
        if !args.dry_run {
            match std::fs::remove_dir_all(&made) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Failure::io(format!("cannot remove {}", made.display()), &error));
                }
                _ => {}
            }
        }
        out(&format!("{would} {}\n", made.display()))?;
    }
    talk.say(format!("the next run of {key} goes on from step {}", args.step));
    Ok(())
}

//! `perceive-ir checkpoints`: the states that an unfinished training can go on from.

mod ls;
mod rewind;

use clap::Subcommand;

use crate::{
    command::runs::named::Named,
    database::{Database, DatabaseError},
    failure::{Exit, Failure},
    home::Home,
    show::Talk,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List a training's checkpoints, and whether each is whole.
    Ls(ls::Args),
    /// Drop all checkpoints after a step, so that the next run goes on from there.
    Rewind(rewind::Args),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.command {
        Command::Ls(args) => ls::run(args, home, talk),
        Command::Rewind(args) => rewind::run(args, home, talk),
    }
}

/// The artefact that a run makes, or whose key begins with `name`.
fn artefact_key(home: &Home, database: &Database, name: &str) -> Result<String, Failure> {
    if name.contains('/') {
        return Ok(Named::run(database, name)?.artefact_key);
    }
    match database.find(name) {
        Ok(run) => return Ok(run.artefact_key),
        Err(DatabaseError::NoRun(_)) => {}
        Err(other) => return Err(other.into()),
    }
    let keys: Vec<String> = [home.work(), home.artefacts()]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|key| !name.is_empty() && key.starts_with(name))
        .collect();
    match &keys[..] {
        [key] => Ok(key.clone()),
        [key, other] if key == other => Ok(key.clone()),
        [] => {
            let text = format!("there is no run and no artefact '{name}'");
            Err(Failure::new(Exit::Unknown, text).help("`perceive-ir runs ls` lists the runs"))
        }
        _ => {
            let text = format!(
                "'{name}' is the beginning of {} artefacts: {}",
                keys.len(),
                keys.join(", ")
            );
            Err(Failure::new(Exit::Unknown, text).help("give more of it"))
        }
    }
}

//! `perceive-ir runs note RUN TEXT`: what a reader should know of a run.

use crate::database::Database;
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Talk, out};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's id, or its beginning.
    run: String,
    /// The note, in place of the one that is there; "" takes it away; without it, the note is printed.
    text: Option<String>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = Database::open_read_only(home)?;
    let run = database.find(&args.run)?;
    let Some(text) = &args.text else {
        let labels = database.labels()?;
        if let Some(note) = labels.note(&run.id) {
            return out(&format!("{note}\n"));
        }
        talk.say(format!("run {} has no note", run.id));
        return Ok(());
    };
    drop(database);
    Database::open(home)?.note(&run.id, text.trim())?;
    let done = if text.trim().is_empty() {
        "its note is gone"
    } else {
        "noted"
    };
    talk.say(format!("{}: {done}", run.id));
    Ok(())
}

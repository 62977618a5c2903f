//! `perceive-ir runs diff RUN`: how the code that made a run differed from its commit, as a patch that `git apply` takes.

use crate::database::Database;
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Talk, out};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's id, or its beginning.
    run: String,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = Database::open_read_only(home)?;
    let run = database.find(&args.run)?;
    let code = database.code_of(&run.id)?;
    match &code {
        Some(code) if !code.diff.is_empty() => out(&code.diff)?,
        _ => {}
    }
    talk.say(match &code {
        None => format!("the code of run {} was not recorded: {}", run.id, run.code()),
        Some(code) => match (&code.code_commit, code.dirty) {
            (None, _) => {
                "the program that made it was built outside its repository: there is no commit to differ from".into()
            }
            (Some(commit), false) => format!("no changes: the code is commit {commit}"),
            (Some(commit), true) => format!("on top of commit {commit}"),
        },
    });
    Ok(())
}

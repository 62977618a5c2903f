//! `perceive-ir runs`: what was done and how it went, what made it, and making room.

mod archive;
mod compare;
mod diff;
mod files;
mod gc;
mod ls;
pub mod named;
mod note;
mod query;
mod removal;
mod reproduce;
mod rm;
mod show;
mod statement;
mod tag;

use clap::Subcommand;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runs, newest first.
    Ls(ls::Args),
    /// Show one run: settings, command, code, machine, metrics, events.
    Show(show::Args),
    /// Lay runs or cases side by side: settings that differ, metrics, evaluation, pictures.
    Compare(compare::Args),
    /// Ask the record in SQL, read-only.
    Query(query::Args),
    /// Make a run again, and say whether its numbers are equal.
    Reproduce(reproduce::Args),
    /// Print how the code that made a run differed from its commit.
    Diff(diff::Args),
    /// Give a run tags: names to find it by, and to keep it by.
    Tag(tag::Args),
    /// Take tags away from a run.
    Untag(tag::Args),
    /// Write a note to a run, or print it.
    Note(note::Args),
    /// Remove runs, and their artefacts where nothing else stands on them.
    Rm(rm::Args),
    /// Make room: remove what a retention policy does not keep, and what nothing needs.
    Gc(gc::Args),
    /// Write runs with everything that belongs to them into one file.
    Archive(archive::Args),
    /// Put back what an archive holds.
    Unarchive(archive::UnpackArgs),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.command {
        Command::Ls(args) => ls::run(args, home, talk),
        Command::Show(args) => show::run(args, home, talk),
        Command::Compare(args) => compare::run(args, home, talk),
        Command::Query(args) => query::run(args, home, talk),
        Command::Reproduce(args) => reproduce::run(args, home, talk),
        Command::Diff(args) => diff::run(args, home, talk),
        Command::Tag(args) => tag::tag(args, home, talk),
        Command::Untag(args) => tag::untag(args, home, talk),
        Command::Note(args) => note::run(args, home, talk),
        Command::Rm(args) => rm::run(args, home, talk),
        Command::Gc(args) => gc::run(args, home, talk),
        Command::Archive(args) => archive::run(args, home, talk),
        Command::Unarchive(args) => archive::unpack(args, home, talk),
    }
}

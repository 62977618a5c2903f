//! `perceive-ir`: datasets, experiments and restoration from the command line.

// No panic is reachable by a user.
#![warn(clippy::unwrap_used)]

mod command;
mod database;
mod device;
mod disk;
mod failure;
mod hashes;
mod home;
mod journal;
mod number;
mod paper;
mod plan;
mod process;
mod provenance;
mod results;
mod retention;
mod run;
mod scratch;
mod sheet;
mod show;
mod signals;
mod spec;
mod stage;
mod time;
mod weights_store;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use command::Command;
use failure::Exit;
use home::Home;
use show::Talk;

#[global_allocator]
static ALLOCATOR: perceive_model::kernel::LineAllocator = perceive_model::kernel::LineAllocator;

/// Quality-driven all-in-one image restoration: from pictures on disk to a table of results.
#[derive(Debug, Parser)]
#[command(name = "perceive-ir", version, arg_required_else_help = true)]
struct Cli {
    /// The folder that holds the database, artefacts, journals and weights.
    #[arg(
        long,
        global = true,
        env = "PERCEIVE_HOME",
        default_value = "runs",
        value_name = "DIR"
    )]
    home: PathBuf,
    /// Tell every detail.
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Tell nothing but errors.
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    hear_of_full_quotas();
    let cli = Cli::parse();
    let home = Home::at(cli.home);
    match cli.command.run(&home, Talk::new(cli.quiet, cli.verbose)) {
        Ok(()) => Exit::Fine.into(),
        Err(failure) => failure.report(),
    }
}

/// A limit on the size of files (`ulimit -f`) ends a process with a signal; ignored, the write fails like on a full disk.
fn hear_of_full_quotas() {
    // SAFETY: ignoring a signal installs no handler; nothing runs yet that could change it at the same time.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

//! `perceive-ir spec ls`: the experiments that can be run.

use crate::command::planned::Files;
use crate::failure::Failure;
use crate::show::{Cell, Format, Table};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    files: Files,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let file = args.files.open()?;
    let mut table = Table::new(["experiment", "cases", "seeds", "about"]);
    for listed in file.list()? {
        table.push([
            Cell::text(listed.name),
            listed.cases.into(),
            Cell::Whole(listed.seeds.into()),
            Cell::text(listed.about),
        ]);
    }
    table.print(args.format)
}

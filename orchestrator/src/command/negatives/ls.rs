//! `perceive-ir negatives ls`: all proxies in a line each.

use super::made::Made;
use crate::{
    database::Database,
    failure::Failure,
    home::Home,
    show::{Cell, Format, Table, Talk},
    stage::negatives::source::Source,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let columns = [
        "proxy",
        "key",
        "made by",
        "source",
        "made",
        "pictures",
        "average psnr_rgb",
        "odd",
        "state",
        "size",
    ];
    let mut table = Table::new(columns);
    for made in Made::all(&Database::open_read_only(home)?)? {
        let source = made.job.as_ref().map(|job| &job.source);
        let reached = made.reached(home);
        table.push([
            Cell::text(&made.artefact.label),
            Cell::text(&made.artefact.key[..12]),
            Cell::maybe(source.map(Source::kind)),
            Cell::maybe(source.map(Source::title)),
            Cell::Time(made.made_at()),
            reached.map_or(Cell::None, |reached| Cell::from(reached.pictures)),
            reached.map_or(Cell::None, |reached| Cell::Number(reached.average_psnr, 2)),
            Cell::from(made.flaws(home).len()),
            Cell::text(made.state(home, talk, false).word()),
            Cell::Bytes(made.artefact.bytes as u64),
        ]);
    }
    table.list(args.format, talk)
}

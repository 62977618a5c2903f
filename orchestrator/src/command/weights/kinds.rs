//! `perceive-ir weights kinds`: the networks whose weights can be imported.

use crate::failure::Failure;
use crate::show::{Cell, Format, Table};
use crate::weights_store::Kind;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut table = Table::new(["kind", "network", "role", "published"]);
    for kind in Kind::ALL {
        let published = kind.publication.as_ref().map(|publication| publication.url);
        table.push([
            Cell::text(kind.name),
            Cell::text(kind.title),
            Cell::text(kind.role()),
            Cell::maybe(published.or(kind.page)),
        ]);
    }
    table.print(args.format)
}

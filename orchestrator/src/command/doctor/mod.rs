//! `perceive-ir doctor`: what this machine and this home have, what is missing, and what to do about it.
//!
//! It makes nothing and changes nothing but the states of runs whose process is gone. Its exit code is 0 unless
//! something stands in the way of the main job.

mod finding;
mod installed;
mod machine;
mod record;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table, count};
use finding::{Finding, State};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home) -> Result<(), Failure> {
    let mut findings = machine::findings(home.root());
    findings.push(installed::experiments());
    findings.extend(installed::weights(home));
    findings.extend(record::findings(home));
    table(&findings).print(args.format)?;

    let problems: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.state == State::Problem)
        .collect();
    match problems.first() {
        None => Ok(()),
        Some(first) => {
            let names: Vec<&str> = problems.iter().map(|problem| problem.what.as_str()).collect();
            let verb = if problems.len() == 1 { "stands" } else { "stand" };
            let message = format!(
                "{} {verb} in the way: {}",
                count(problems.len(), "problem"),
                names.join(", ")
            );
            Err(Failure::new(first.exit, message).help(first.to_do.clone()))
        }
    }
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(["what", "state", "found", "what to do"]);
    for finding in findings {
        let to_do = Some(finding.to_do.as_str()).filter(|text| !text.is_empty());
        table.push([
            Cell::text(&finding.what),
            Cell::text(finding.state.name()),
            Cell::text(&finding.found),
            Cell::maybe(to_do),
        ]);
    }
    table
}

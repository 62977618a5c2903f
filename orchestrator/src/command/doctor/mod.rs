//! `perceive-ir doctor`: what this machine and this home have, what is missing, and what to do about it.
//!
//! It makes nothing and changes nothing but the states of runs whose process is gone; `--check` reads everything that can
//! be verified, `--repair` mends what can be mended without loss. Its exit code is 0 unless something stands in the way of
//! the main job (then that something's), and with `--check` 7 where the database or an artefact is damaged.

mod check;
mod finding;
mod installed;
mod machine;
mod record;
mod repair;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::{self, Cell, Format, Table, Talk, count};
use finding::{Finding, State};

/// Where what to do begins.
const INDENT: usize = 11;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read the whole database and every file of every artefact, and look for orphans. Exits with 7 if any is damaged.
    #[arg(long, conflicts_with = "repair")]
    check: bool,
    /// Import forgotten journals, record whole artefacts found on disk, forget rows of vanished ones; removes no file.
    #[arg(long)]
    repair: bool,
    /// With --repair: say what would be done, do nothing.
    #[arg(long, requires = "repair")]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    if args.repair {
        return repair::run(home, args.dry_run, talk);
    }
    let findings = if args.check {
        check::findings(home, talk)?
    } else {
        let mut findings = machine::findings(home.root());
        findings.push(installed::experiments());
        findings.extend(installed::weights(home));
        findings.extend(record::findings(home));
        findings
    };
    match args.format {
        Format::Table => show::out(&report(&findings))?,
        format => table(&findings).print(format)?,
    }

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

/// A line for each finding, and indented under it what to do: addresses and commands are too long for columns.
fn report(findings: &[Finding]) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.what.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for Finding {
        what,
        state,
        found,
        to_do,
        ..
    } in findings
    {
        text += &format!("{:<7}  {what:<width$}  {found}\n", state.name());
        for line in to_do.lines() {
            text += &format!("{:INDENT$}{line}\n", "");
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_under_what_was_found() {
        let findings = [
            Finding::ok("threads", "2"),
            Finding::note("weights vgg16", "VGG-16 is missing", "fetch it\nimport it"),
        ];
        let expected = "\
ok       threads        2
note     weights vgg16  VGG-16 is missing
           fetch it
           import it
";
        assert_eq!(report(&findings), expected);
    }
}

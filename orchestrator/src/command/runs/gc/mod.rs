//! `perceive-ir runs gc`: makes room by a retention policy (`retention.rs` decides, this carries it out).

mod stock;
mod work;

use jiff::{Span, SpanRelativeTo};

use crate::database::{Database, now};
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::retention::Policy;
use crate::show::{Format, Talk, bytes, count};
use stock::Stock;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep cases that were used within this time, such as 30d, 12h or 2w.
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Keep the so many newest cases of each experiment.
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Keep the so many best cases of each experiment.
    #[arg(long, value_name = "N")]
    keep_best: Option<usize>,
    /// What best means: this metric's mean over the restored test pictures.
    #[arg(long, value_name = "NAME", default_value = "psnr_rgb")]
    metric: String,
    /// Let go of cases of this experiment only.
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// Say what would be removed, remove nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let policy = args.policy()?;
    drop(Database::open_read_only(home)?);
    let _hold = if args.dry_run { None } else { Some(home.hold()?) };
    let database = Database::open(home)?;
    database.settle_lost(home)?;
    args.check(&database)?;
    let stock = Stock::read(&database, home, &args.metric)?;
    let verdict = policy.verdict(&stock.record, now());
    let (table, sum) = stock.told(&verdict, home);
    if !args.dry_run {
        stock.carry_out(&verdict, &database, home)?;
    }
    table.list(args.format, talk)?;
    let would = if args.dry_run { "would remove" } else { "removed" };
    talk.say(format!(
        "{would} {}, {}, {}, {} of unfinished work, {}: {}",
        count(verdict.cases.len(), "case"),
        count(verdict.runs.len(), "run"),
        count(verdict.artefacts.len(), "artefact"),
        count(verdict.work.len(), "folder"),
        count(verdict.journals.len(), "imported journal"),
        bytes(sum)
    ));
    Ok(())
}

impl Args {
    fn policy(&self) -> Result<Policy, Failure> {
        Ok(Policy {
            experiment: self.experiment.clone(),
            older_than: self.older_than.as_deref().map(milliseconds).transpose()?,
            keep_last: self.keep_last,
            keep_best: self.keep_best,
        })
    }

    /// Names that are not recorded would let go of everything, or of nothing.
    fn check(&self, database: &Database) -> Result<(), Failure> {
        if let Some(name) = &self.experiment {
            let names = database.experiment_names()?;
            if !names.contains(name) {
                return Err(Failure::unknown("experiment", name, names.iter().map(String::as_str)));
            }
        }
        let metrics = database.evaluated_metrics()?;
        if self.keep_best.is_some() && !metrics.is_empty() && !metrics.contains(&self.metric) {
            let known = metrics.iter().map(String::as_str);
            return Err(Failure::unknown("measured metric", &self.metric, known));
        }
        Ok(())
    }
}

/// A span of time as people write it.
fn milliseconds(text: &str) -> Result<i64, Failure> {
    let span = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    match span.map(|duration| duration.as_millis()) {
        Ok(span) if span >= 0 => Ok(i64::try_from(span).unwrap_or(i64::MAX)),
        _ => Err(Failure::new(Exit::Usage, format!("'{text}' is no span of time")).help("such as 30d, 12h or 2w")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_people_write_it() {
        let day = 86_400_000;
        for (text, expected) in [
            ("30d", 30 * day),
            ("12h", day / 2),
            ("2w", 14 * day),
            ("1 day 30m", day + 1_800_000),
        ] {
            assert_eq!(milliseconds(text).unwrap(), expected, "{text}");
        }
        for odd in ["", "soon", "-3d", "30"] {
            assert_eq!(milliseconds(odd).unwrap_err().exit, Exit::Usage, "{odd}");
        }
    }
}

//! `perceive-ir spec show EXPERIMENT`: the settings of its cases as they will be run, each with where it comes from.

use clap::ValueEnum;

use crate::command::planned::Choice;
use crate::failure::{Exit, Failure};
use crate::show;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// An experiment of experiments.toml.
    experiment: String,
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// A file of experiments, one a case, with a comment behind every setting.
    #[default]
    Toml,
    /// A list of cases; every setting is an object of `value` and `from`.
    Json,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let file = args.choice.open()?;
    let outside = args.choice.outside();
    // What is shown is what would be run.
    file.cases(&args.experiment, &outside)?;
    let traced = file.traced(&args.experiment, &outside)?;
    let unexpected = |what: String| Failure::new(Exit::Unexpected, format!("the settings cannot be written: {what}"));
    let text = match args.format {
        Format::Toml => traced.toml().map_err(|error| unexpected(error.to_string()))?,
        Format::Json => format!("{:#}\n", traced.json().map_err(|error| unexpected(error.to_string()))?),
    };
    show::out(&text)
}

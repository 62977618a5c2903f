//! `perceive-ir spec schema`: the JSON Schema of a file of experiments.

use crate::failure::Failure;
use crate::show;
use crate::spec::schema::schema;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_: &Args) -> Result<(), Failure> {
    show::out(&format!("{:#}\n", schema()))
}

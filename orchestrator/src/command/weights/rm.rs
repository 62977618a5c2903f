//! `perceive-ir weights rm NAME`.

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;
use crate::weights_store::WeightsStore;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of installed weights.
    name: String,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    WeightsStore::of(home).remove(&args.name)?;
    talk.say(format!("removed {}", args.name));
    Ok(())
}

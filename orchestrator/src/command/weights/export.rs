//! `perceive-ir weights export RUN FILE`: a trained restorer for PyTorch, and for another home.

use std::path::PathBuf;

use perceive_model::weights::Checkpoint;

use crate::command::model::Model;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::Talk;
use crate::stage::restorer::{self, Configuration};
use crate::weights_store::WeightsStore;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A restore or medium run: its id (or the beginning of it), or an experiment's name for its newest; or imported weights.
    run: String,
    /// The safetensors file to write.
    file: PathBuf,
    /// Replace the file if it is there already.
    #[arg(long)]
    force: bool,
    /// Show what would be written and do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// InstructIR's embeddings of sentences: numbers beside the network, which the published one is given with each picture.
const SENTENCES: &str = "sentences";

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    check_file(args)?;
    let (configuration, mut weights) = read(&Model::found(&args.run, home)?, home)?;
    let sentences = weights.tensors.remove(SENTENCES).is_some();
    let tensors = weights.tensors.len();
    let parameters = configuration.network.parameters();
    let what = format!(
        "{}: {tensors} tensors of a {} with {parameters} parameters",
        args.file.display(),
        configuration.network.name()
    );
    if args.dry_run {
        talk.say(format!("would write {what}"));
        return Ok(());
    }
    restorer::export(&args.file, &configuration, weights)?;
    talk.say(format!("wrote {what}"));
    if sentences {
        talk.say("its embeddings of sentences are left out: the published network is given one with each picture");
    }
    talk.detail(
        "`safetensors.torch.load_file` gives its state dict; the network's settings are in the file's metadata",
    );
    Ok(())
}

fn check_file(args: &Args) -> Result<(), Failure> {
    let file = &args.file;
    if file.extension().is_none_or(|ending| ending != "safetensors") {
        let text = format!(
            "{} does not end in .safetensors, the only format that is written",
            file.display()
        );
        return Err(Failure::new(Exit::Usage, text).help(format!(
            "perceive-ir weights export {} {}",
            args.run,
            file.with_extension("safetensors").display()
        )));
    }
    if file.exists() && !args.force {
        let text = format!("{} is there already", file.display());
        return Err(Failure::new(Exit::Usage, text).help("name another file, or replace it with --force"));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(Failure::new(
            Exit::Usage,
            format!("there is no folder {}", folder.display()),
        )),
        None => Ok(()),
    }
}

fn read(model: &Model, home: &Home) -> Result<(Configuration, Checkpoint), Failure> {
    match model {
        Model::Artefact { folder, .. } => Ok((restorer::configuration(folder)?, restorer::weights(folder)?.weights)),
        Model::Imported(entry) => {
            let configuration = Configuration {
                network: entry.network()?,
                guide: entry.guide.clone(),
            };
            let path = WeightsStore::of(home).find_named(&entry.name)?;
            Ok((configuration, Checkpoint::read(&path)?))
        }
    }
}

//! `perceive-ir weights import KIND FILE`.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;
use crate::weights_store::{Imported, Kind, Source, WeightsStore};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose weights they are: clip-vit-b32, dinov2-vitb14, vgg16, restormer, alexnet, lpips-alex, lpips-vgg, instructions.
    kind: String,
    /// A safetensors file, or a PyTorch checkpoint (.pt, .pth).
    file: PathBuf,
    /// A name of its own: for a trained network, or a tower of another size than the published one.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let kind = Kind::named(&args.kind)?;
    let source = Source {
        kind,
        file: &args.file,
        name: args.name.as_deref(),
    };
    match WeightsStore::of(home).import(source)? {
        Imported::New(entry) => {
            talk.say(format!(
                "installed {} from {}: {} tensors, {} parameters ({})",
                entry.name, entry.source, entry.tensors, entry.parameters, kind.title
            ));
            talk.detail(format!("SHA-256 {}", entry.sha256));
        }
        Imported::Already(entry) => talk.say(format!("{} is already installed from this very file", entry.name)),
    }
    Ok(())
}

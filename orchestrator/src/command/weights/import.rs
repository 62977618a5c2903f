//! `perceive-ir weights import KIND FILE`.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;
use crate::weights_store::{Imported, Kind, Overrides, Source, WeightsStore};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose weights they are, such as clip-vit-b32, restormer or promptir; `weights kinds` lists all.
    kind: String,
    /// A safetensors file, or one of PyTorch's (.pt, .pth, .ckpt, .pkl), as it was published. Nothing in it is run.
    file: PathBuf,
    /// What it is found by [default: the kind's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A setting of the network that no shape tells, such as local=80; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A file of such settings, JSON or TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let kind = Kind::named(&args.kind)?;
    let source = Source {
        kind,
        file: &args.file,
        name: args.name.as_deref(),
        overrides: &Overrides::read(args.config.as_deref(), &args.set)?,
    };
    tell(&WeightsStore::of(home).import(source)?, talk);
    Ok(())
}

/// Says what an import did.
pub(super) fn tell(imported: &Imported, talk: Talk) {
    match imported {
        Imported::New { entry, beside } => {
            let size = entry.size().map_or(String::new(), |size| format!(", {size}"));
            talk.say(format!(
                "installed {} from {}: {} tensors, {} parameters ({}{size})",
                entry.name,
                entry.source,
                entry.tensors,
                entry.parameters,
                entry.title()
            ));
            talk.detail(format!("SHA-256 {}", entry.sha256));
            if !entry.wrapper.is_empty() {
                let wrapper = entry.wrapper.trim_end_matches('.');
                talk.detail(format!(
                    "taken from `{wrapper}`; tensors beside it, which are left out: {beside}"
                ));
            }
        }
        Imported::Already(entry) => talk.say(format!("{} is already installed from this very file", entry.name)),
    }
}

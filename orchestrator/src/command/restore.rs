//! `perceive-ir restore INPUT… -o DIR --model NAME`: one's own pictures through a trained restorer.

use std::path::{Path, PathBuf};

use perceive_datasets::picture::{Picture, is_picture};
use perceive_model::kernel::{among_workers, tune_allocation};
use perceive_model::network::instructir::instructions::speaking_of;

use super::model::Model;
use crate::{
    device::DeviceName,
    failure::{Exit, Failure},
    home::Home,
    show::{Talk, count, progress::Progress},
    stage::{
        context::create_folder,
        restorer::{Restorer, tiled},
    },
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pictures, or folders of pictures.
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// The folder that the restored pictures go to, as PNG under their own names.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// A restore run: its id (or the beginning of it), or an experiment's name for its newest; or imported weights.
    #[arg(long, value_name = "NAME")]
    model: String,
    /// What the pictures suffer from (haze, noise25, …), for a model that follows instructions; others find out themselves.
    #[arg(long, value_name = "NAME")]
    degradation: Option<String>,
    #[arg(long, default_value = "cpu", value_name = "NAME")]
    device: String,
    /// Larger pictures are restored in overlapping tiles of this width and height.
    #[arg(long, default_value_t = 512, value_name = "PIXELS")]
    tile: usize,
    /// Replace pictures that are in the output folder already.
    #[arg(long)]
    force: bool,
    /// Show what would be written and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    if args.tile < 64 {
        return Err(
            Failure::new(Exit::Usage, "--tile: tiles of less than 64 pixels see too little").help("--tile 512"),
        );
    }
    tune_allocation();
    let device = args.device.parse::<DeviceName>()?.open()?;
    let work = work(args)?;
    let model = Model::found(&args.model, home)?;
    if args.dry_run {
        return work
            .iter()
            .try_for_each(|(from, to)| crate::show::out(&format!("{} -> {}\n", from.display(), to.display())));
    }
    let mut restorer = match &model {
        Model::Imported(entry) => Restorer::from_weights(home, &entry.name, &device)?,
        Model::Artefact { folder, .. } => Restorer::open(folder, home, &device)?,
    };
    if let Some(degradation) = &args.degradation {
        restorer = asked_for(restorer, degradation, &args.model)?;
    }
    let bar = Progress::new(talk).bar("restoring", work.len() as u64, "pictures");
    let mut broken = Vec::new();
    for (from, to) in &work {
        match Picture::open(from) {
            Ok(picture) => {
                create_folder(&args.output)?;
                let restored = among_workers(|| tiled(&restorer, &picture, &from.display().to_string(), args.tile))?;
                restored.save_png(to)?;
            }
            Err(error) => broken.push(error.to_string()),
        }
        bar.advance();
    }
    bar.finish(&format!(
        "{} pictures in {}",
        work.len() - broken.len(),
        args.output.display()
    ));
    if broken.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Pictures,
        format!(
            "{} of {} pictures cannot be read: {}",
            broken.len(),
            work.len(),
            broken.join("; ")
        ),
    );
    Err(if broken.len() < work.len() {
        failure.help("the others are restored; save or fetch these anew and restore them alone")
    } else {
        failure.help("nothing was written; PNG, JPEG, BMP, TIFF and WebP are read")
    })
}

/// The restorer, told what the pictures suffer from.
///
/// # Errors
/// Where that means nothing to it.
fn asked_for(restorer: Restorer, degradation: &str, model: &str) -> Result<Restorer, Failure> {
    let known = restorer.degradations();
    if known.is_empty() {
        let text = format!("--degradation: {model} follows no instructions: it finds out itself");
        return Err(Failure::new(Exit::Usage, text).help("leave --degradation out"));
    }
    if speaking_of(degradation, known.iter().copied()).is_none() {
        return Err(Failure::unknown("degradation", degradation, known));
    }
    Ok(restorer.told(degradation))
}

/// What is read and what is written for it.
fn work(args: &Args) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let mut inputs = Vec::new();
    for input in &args.inputs {
        if input.is_dir() {
            warn_of_folders_below(input, "a folder that is named too is restored too");
            inputs.extend(pictures_in(input)?);
        } else if input.exists() {
            inputs.push(input.clone());
        } else {
            return Err(Failure::new(
                Exit::Pictures,
                format!("there is no picture {}", input.display()),
            ));
        }
    }
    if inputs.is_empty() {
        return Err(
            Failure::new(Exit::Pictures, "no pictures to restore: the folders given hold none")
                .help("PNG, JPEG, BMP, TIFF and WebP are read"),
        );
    }
    let mut work: Vec<(PathBuf, PathBuf)> = Vec::new();
    for from in inputs {
        let to = args
            .output
            .join(from.file_stem().unwrap_or_default())
            .with_extension("png");
        if let Some((other, _)) = work.iter().find(|(_, taken)| *taken == to) {
            let text = format!(
                "{} and {} would both become {}",
                other.display(),
                from.display(),
                to.display()
            );
            return Err(Failure::new(Exit::Usage, text).help("restore them into two folders"));
        }
        if to.exists() && !args.force {
            return Err(Failure::new(Exit::Usage, format!("{} is there already", to.display()))
                .help("name another folder with -o, or replace it with --force"));
        }
        work.push((from, to));
    }
    Ok(work)
}

/// The pictures of a folder by their endings, in the order of their names; folders below it are not looked into, which
/// [`warn_of_folders_below`] tells.
pub fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| Failure::io(format!("cannot read {}", folder.display()), &error))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(|path| is_picture(path)).collect();
    found.sort();
    Ok(found)
}

/// Tells how many folders below this one are passed over, and what to do about it.
pub fn warn_of_folders_below(folder: &Path, to_do: &str) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.filter(|entry| entry.path().is_dir()).count();
    if below > 0 {
        let folders = count(below, "folder");
        Talk::warn(format!("passed over {folders} below {}: {to_do}", folder.display()));
    }
}

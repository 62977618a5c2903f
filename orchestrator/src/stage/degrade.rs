//! The degrade stage: the degraded side of clean pictures, as 8-bit PNG, for every later stage to read.

use std::path::{Path, PathBuf, absolute};

use perceive_datasets::{
    degradation::{Degrade as _, Recipe, picture_seed},
    picture::Picture,
};
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage,
    pairs::{self, Listing, Pair, png_name},
};
use crate::failure::Failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Degrade {
    /// The dataset and split that `clean` comes from, for people.
    pub dataset: String,
    pub clean: Listing,
    pub recipe: Recipe,
    pub seed: u64,
}

impl Stage for Degrade {
    const NAME: &'static str = "degrade";
    const VERSION: u32 = 1;

    fn label(&self) -> String {
        format!("{} {}", self.dataset, self.recipe.label())
    }

    fn inputs(&self) -> Vec<String> {
        self.clean.input().into_iter().collect()
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let folder = context.output_folder("degraded")?;
        let clean = self.clean.read(context)?;
        let whole = context.for_each(&clean, "pictures", |pair| {
            let path = folder.join(png_name(&pair.name));
            if !path.exists() {
                let seed = picture_seed(self.seed, &pair.name);
                self.recipe.apply(&Picture::open(&pair.clean)?, seed).save_png(&path)?;
            }
            Ok(())
        })?;
        if !whole {
            return Ok(Outcome::Paused);
        }
        let listed = clean.into_iter().map(|pair| {
            let degraded = Path::new("degraded").join(png_name(&pair.name));
            let clean = self.lasting(context, pair.clean);
            Pair {
                name: pair.name,
                clean,
                degraded,
                border: 0,
            }
        });
        pairs::write(&context.output().join(pairs::FILE), &listed.collect::<Vec<_>>())?;
        Ok(Outcome::Done)
    }
}

impl Degrade {
    /// A clean picture's path that still holds when the home has moved, or when the program runs in another folder.
    fn lasting(&self, context: &Context, clean: PathBuf) -> PathBuf {
        match &self.clean {
            Listing::Artefact(key) => match clean.strip_prefix(context.artefact(key)) {
                Ok(inside) => Path::new("..").join(key).join(inside),
                Err(_) => clean,
            },
            Listing::Index(_) => absolute(&clean).unwrap_or(clean),
        }
    }
}

//! Renders scenes: the clean pictures of an experiment that brings none.

use perceive_datasets::scene;
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage,
    pairs::{self, Pair, png_name},
};
use crate::failure::Failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenes {
    /// `train` or `test`: the two never share a scene.
    pub split: String,
    pub count: usize,
    pub size: usize,
    pub seed: u64,
}

impl Stage for Scenes {
    const NAME: &'static str = "scenes";
    const VERSION: u32 = 1;

    fn label(&self) -> String {
        format!("{} {}", self.count, self.split)
    }

    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let folder = context.output_folder("clean")?;
        // Test scenes are numbered from behind, so that no count of training scenes reaches them.
        let first = if self.split == "train" { 0 } else { 1 << 32 };
        let indices: Vec<u64> = (0..self.count as u64).collect();
        let name = |index: u64| format!("{}-{index:05}", self.split);
        let whole = context.for_each(&indices, "scenes", |index| {
            let path = folder.join(png_name(&name(*index)));
            if !path.exists() {
                scene::render(self.seed, first + index, self.size, self.size).save_png(&path)?;
            }
            Ok(())
        })?;
        if !whole {
            return Ok(Outcome::Paused);
        }
        let listed: Vec<Pair> = indices
            .iter()
            .map(|index| {
                let clean = std::path::Path::new("clean").join(png_name(&name(*index)));
                Pair {
                    name: name(*index),
                    degraded: clean.clone(),
                    clean,
                    border: 0,
                }
            })
            .collect();
        pairs::write(&context.output().join(pairs::FILE), &listed)?;
        Ok(Outcome::Done)
    }
}

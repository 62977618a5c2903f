//! The negatives stage: one frozen proxy restores the degraded training pictures; its outputs are hard or very hard
//! negatives of eq. 11, depending on what the network in training has reached (eq. 10).
//!
//! A proxy is a network of ours, an ONNX file ([`onnx`]), an external command ([`runner`]), or a folder of pictures that
//! were restored elsewhere ([`folder`]); [`source`] says which.

mod call;
pub mod command;
pub mod flaws;
mod folder;
mod misfits;
mod names;
mod onnx;
mod runner;
pub mod source;

use std::{collections::HashMap, path::PathBuf};

use perceive_datasets::picture::Picture;
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage,
    context::read_json,
    loader,
    medium::{EACH, Each, Turn, restore_all},
    pairs::{Pair, Set},
    restorer::Restorer,
};
use crate::{
    failure::{Exit, Failure, own_picture},
    home::Home,
    show::{self, Talk},
    spec::proxy::TIME_LIMIT,
};
use flaws::{Flaw, Flaws};
use folder::Restored;
use runner::Runner;
use source::Source;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Negatives {
    pub proxy: String,
    #[serde(rename = "weights")]
    pub source: Source,
    pub sets: Vec<Set>,
}

impl Stage for Negatives {
    const NAME: &'static str = "negatives";
    const VERSION: u32 = 1;

    fn label(&self) -> String {
        self.proxy.clone()
    }

    fn inputs(&self) -> Vec<String> {
        let mut inputs = Set::inputs(&self.sets);
        if let Source::Medium(key) = &self.source {
            inputs.push(key.clone());
        }
        inputs
    }

    fn essence(&self) -> Self {
        Self {
            source: self.source.essence(),
            ..self.clone()
        }
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let pairs = loader::read(&self.sets, context)?;
        let mut flaws = Flaws::of(&context.output())?;
        let mut maker = self.maker(context, &pairs)?;
        let outcome = restore_all(
            context,
            &self.sets,
            &pairs,
            |_, _| true,
            |context, turn, set, pair| {
                let Some(made) = maker.make(context, turn, set, pair)? else {
                    return Ok(None);
                };
                if let Some(what) = flaws::of(&made.picture, made.is_finite) {
                    flaws.add(Flaw {
                        set: set.label.clone(),
                        picture: pair.name.clone(),
                        what: what.into(),
                    })?;
                }
                Ok(Some(made.picture))
            },
        )?;
        if outcome == Outcome::Done {
            record(context, flaws.all())?;
        }
        Ok(outcome)
    }
}

impl Negatives {
    fn check_unchanged(&self, home: &Home) -> Result<(), Failure> {
        if self.source.now(home, Talk::Quiet)?.essence() == self.source.essence() {
            return Ok(());
        }
        Err(self.source.changed(&self.proxy))
    }

    /// Makes ready what restores the pictures, and holds it against what was planned.
    fn maker<'a>(&'a self, context: &mut Context, pairs: &'a [Vec<Pair>]) -> Result<Maker<'a>, Failure> {
        let (home, device) = (context.home().clone(), context.device().clone());
        Ok(match &self.source {
            Source::Medium(key) => Maker::Network(Box::new(Restorer::open(&context.artefact(key), &home, &device)?)),
            Source::Imported { name, .. } => {
                self.check_unchanged(&home)?;
                Maker::Network(Box::new(Restorer::from_weights(&home, name, &device)?))
            }
            Source::Folder { digest, path } => {
                let restored = Restored::look(path, &home, Talk::Quiet)?;
                if restored.digest != *digest {
                    return Err(self.source.changed(&self.proxy));
                }
                let all = self.sets.iter().zip(pairs);
                let all = all.flat_map(|(set, pairs)| pairs.iter().map(move |pair| (set, pair)));
                let wanted: Vec<(&Set, &Pair)> = all.filter(|(_, pair)| pair.border == 0).collect();
                let fit = restored.fit(&wanted)?;
                if !fit.extra.is_empty() {
                    let extra: Vec<String> = fit.extra.iter().map(|file| file.display().to_string()).collect();
                    let count = show::count(extra.len(), "picture");
                    context.note(format!(
                        "{count} of {} not asked for: {}",
                        path.display(),
                        extra.join(", ")
                    ))?;
                }
                let key = |(set, pair): &(&Set, &Pair)| (set.label.clone(), pair.name.clone());
                Maker::Folder(wanted.iter().map(key).zip(fit.files).collect())
            }
            Source::Command {
                line,
                folder,
                time_limit,
                ..
            } => {
                self.check_unchanged(&home)?;
                Maker::Command(Runner {
                    proxy: &self.proxy,
                    line,
                    folder,
                    time_limit: time_limit.unwrap_or(TIME_LIMIT),
                    sets: &self.sets,
                    pairs,
                    left: HashMap::new(),
                })
            }
            Source::Onnx {
                blake3,
                multiple_of,
                path,
            } => {
                let model = onnx::Model::open(path, *multiple_of)?;
                if model.blake3 != *blake3 {
                    return Err(self.source.changed(&self.proxy));
                }
                Maker::Onnx(Box::new(model))
            }
        })
    }
}

/// What restores the pictures of one job.
enum Maker<'a> {
    Network(Box<Restorer>),
    Onnx(Box<onnx::Model>),
    /// The files by set and picture.
    Folder(HashMap<(String, String), PathBuf>),
    Command(Runner<'a>),
}

struct Made {
    picture: Picture,
    /// Whether all its numbers were, before they became levels.
    is_finite: bool,
}

impl Made {
    /// Of what a network gave, before anything is clipped.
    fn of(planes: &[f32], degraded: &Picture) -> Self {
        Self {
            picture: Picture::from_planes(planes, degraded.width, degraded.height),
            is_finite: planes.iter().all(|value| value.is_finite()),
        }
    }
}

impl Maker<'_> {
    /// One restored picture. `None`: stopped on request.
    fn make(&mut self, context: &mut Context, turn: Turn, set: &Set, pair: &Pair) -> Result<Option<Made>, Failure> {
        let whole = |picture| Made {
            picture,
            is_finite: true,
        };
        Ok(match self {
            Self::Network(restorer) => {
                let degraded = Picture::open(&pair.degraded)?;
                let told = restorer.clone().told(&set.kind);
                let planes = context.interruptible(turn.done, || Ok(()), || told.unclipped(&degraded));
                Some(Made::of(&planes, &degraded))
            }
            Self::Onnx(model) => {
                let degraded = Picture::open(&pair.degraded)?;
                let planes = context.interruptible(turn.done, || Ok(()), || model.planes(&degraded))?;
                Some(Made::of(&planes, &degraded))
            }
            Self::Folder(files) => {
                let file = files.get(&(set.label.clone(), pair.name.clone()));
                let file = file.ok_or_else(|| {
                    Failure::new(Exit::Pictures, format!("there is no restored picture of {}", pair.name))
                })?;
                Some(whole(Picture::open(file).map_err(own_picture)?))
            }
            Self::Command(runner) => runner.picture(context, turn, set, pair)?.map(whole),
        })
    }
}

/// The PSNR of each picture as points of its set's own metric, and a word about those that are odd.
fn record(context: &mut Context, flaws: &[Flaw]) -> Result<(), Failure> {
    let each: Vec<Each> = read_json(&context.output().join(EACH))?;
    let mut steps: HashMap<String, u64> = HashMap::new();
    for (set, _, value) in &each {
        let step = steps.entry(set.clone()).or_default();
        context.metric(&format!("psnr_rgb {set}"), *step, *value)?;
        *step += 1;
    }
    if let Some(first) = flaws.first() {
        context.note(format!(
            "{} of {} pictures are odd, such as {} {}: {}",
            flaws.len(),
            each.len(),
            first.set,
            first.picture,
            first.what
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_networks_negatives_keep_their_text_and_so_their_keys() {
        let job = |source| Negatives {
            proxy: "p".into(),
            source,
            sets: Vec::new(),
        };
        let text = |source| serde_json::to_string(&job(source).essence()).unwrap();
        let medium = text(Source::Medium("ab".into()));
        assert_eq!(medium, r#"{"proxy":"p","weights":{"medium":"ab"},"sets":[]}"#);
        let imported = text(Source::Imported {
            name: "mine".into(),
            blake3: "cd".into(),
        });
        assert!(
            imported.contains(r#""weights":{"imported":{"name":"mine","blake3":"cd"}}"#),
            "{imported}"
        );
    }
}

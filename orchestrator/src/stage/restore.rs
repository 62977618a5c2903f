//! The restore stage: the restorer of Fig. 3 under the loss of eq. 13.

use perceive_model::{
    network::NetworkConfig,
    train::{
        objective::{ClipAware, Contrastive, Objective, Perceptual},
        restorer::Training as Loop,
    },
    weights::Checkpoint,
};
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage, Work,
    context::read_json,
    loader::{self, Apart},
    medium::{REACHED, RESTORED, Reached},
    pairs::{Pair, Set, png_name},
    prompts,
    restorer::Configuration,
    start::StartFrom,
    towers::Tower,
    train::{self, Epochs, Material, validation::HeldOut},
};
use crate::{
    failure::{Exit, Failure},
    spec::{
        restore::{ContrastiveNegatives, Loss},
        training::Training,
    },
    weights_store::WeightsStore,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    pub sets: Vec<Set>,
    pub network: NetworkConfig,
    /// DINOv2, where the network is guided.
    pub guide: Option<Tower>,
    pub loss: Loss,
    pub clip_aware: Option<Perceiver>,
    pub perceptual: Option<Proxies>,
    /// For a network that follows instructions; without them it follows those that it started from, or else stand-ins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Sentences>,
    pub training: Training,
    pub seed: u64,
    /// Weights to start from, of the network or of its backbone; drawn ones without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartFrom>,
}

/// The learned prompts and the CLIP they were learned with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perceiver {
    pub prompts: String,
    pub clip: Tower,
    pub temperature: f64,
}

/// VGG-16 and the artefacts of the proxies, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proxies {
    pub negatives: Vec<String>,
    pub vgg16: Tower,
}

/// The length of AirNet's published queue, for every picture of a batch.
const KEYS_A_PICTURE: usize = 256;

/// Imported sentence embeddings, by name and by the blake3 of their file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentences {
    pub name: String,
    pub blake3: String,
}

impl Sentences {
    /// Their file, held to what was planned with.
    fn find(&self, context: &Context) -> Result<std::path::PathBuf, Failure> {
        WeightsStore::of(context.home()).find_planned(&self.name, |entry| entry.blake3 == self.blake3)
    }
}

impl Stage for Restore {
    const NAME: &'static str = "restore";
    const VERSION: u32 = 2;

    fn label(&self) -> String {
        let on = |name: &str, weight: f64| {
            if weight > 0.0 {
                format!(" + {weight} {name}")
            } else {
                String::new()
            }
        };
        let Loss {
            contrastive,
            clip_aware,
            perceptual,
            ..
        } = self.loss;
        let terms = [
            on("contrastive", contrastive),
            on("clip", clip_aware),
            on("perceptual", perceptual),
        ]
        .concat();
        let followed = match (&self.network, &self.instructions, &self.start) {
            (NetworkConfig::InstructIr(_), _, Some(_)) => " (instructions of its start)",
            (NetworkConfig::InstructIr(_), None, None) => " (stand-in instructions)",
            _ => "",
        };
        format!("{}{followed}: l1{terms}", self.network.name())
    }

    fn inputs(&self) -> Vec<String> {
        let mut inputs = Set::inputs(&self.sets);
        inputs.extend(self.start.iter().filter_map(StartFrom::input));
        inputs.extend(self.clip_aware.iter().map(|perceiver| perceiver.prompts.clone()));
        inputs.extend(
            self.perceptual
                .iter()
                .flat_map(|proxies| proxies.negatives.iter().cloned()),
        );
        inputs
    }

    fn work(&self) -> Work {
        let terms: Vec<&str> = [
            ("contrastive", self.loss.contrastive),
            ("clip", self.loss.clip_aware),
            ("perceptual", self.loss.perceptual),
        ]
        .into_iter()
        .filter_map(|(name, weight)| (weight > 0.0).then_some(name))
        .collect();
        Work::training(Self::NAME, &self.network, &self.training, &terms.join(" "))
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        self.check_devices(1 + context.others().len())?;
        let pairs = loader::read(&self.sets, context)?;
        let folders: Vec<_> = self.perceptual.iter().flat_map(|proxies| &proxies.negatives).collect();
        let folders: Vec<_> = folders
            .into_iter()
            .map(|key| context.artefact(key).join(RESTORED))
            .collect();
        let companions = |set: &Set, pair: &Pair| {
            folders
                .iter()
                .map(|folder| folder.join(set.folder()).join(png_name(&pair.name)))
                .collect()
        };
        let second = self.loss.contrastive > 0.0;
        let apart = match self.loss.contrastive_negatives {
            ContrastiveNegatives::Degradations | ContrastiveNegatives::Queue => Apart::Degradations,
            ContrastiveNegatives::Pictures => Apart::Pictures,
        };
        let validation = &self.training.validation;
        let held_out = HeldOut::choose(&self.sets, &pairs, validation, self.seed, |_, _| true)?;
        let taken = |_: &Set, pair: &Pair| !held_out.holds(pair);
        let batches = loader::batches(&self.sets, &pairs, &self.training, second, apart, taken, companions)?;
        let mut training = Loop::new(
            &self.network,
            self.seed,
            train::adamw(&self.training),
            train::schedule(&self.training),
            context.device(),
        );
        if let Some(start) = &self.start {
            training = training.started(&self.network, &start.read(context)?)?;
        }
        let device = training.device().clone();
        let guide = self
            .guide
            .as_ref()
            .map(|tower| tower.guide(context.home(), &device))
            .transpose()?;
        training = training
            .with_guide(guide)
            .with_objective(self.objective(context, &device)?);
        if let Some(sentences) = &self.instructions {
            let path = sentences.find(context)?;
            training = training.with_sentences(&Checkpoint::read(&path)?, &path.display().to_string())?;
        }
        if self.loss.learns_by_queue() {
            training = training.with_momentum_contrast(KEYS_A_PICTURE * self.training.batch, self.seed);
        }
        let learned = pairs.iter().flatten().filter(|pair| !held_out.holds(pair)).count();
        let material = Material {
            epochs: self.epochs(learned, &batches)?,
            batches,
            held_out,
        };
        let Some(trained) = train::train(context, training, &material, &self.training, self.seed)? else {
            return Ok(Outcome::Paused);
        };
        let configuration = Configuration {
            network: self.network.clone(),
            guide: self.guide.clone(),
        };
        trained.save(context, &configuration)?;
        Ok(Outcome::Done)
    }
}

impl Restore {
    /// Refuses several devices for what learns from each batch as a whole.
    fn check_devices(&self, count: usize) -> Result<(), Failure> {
        if count == 1 || !self.loss.learns_by_queue() {
            return Ok(());
        }
        let text = format!("loss.contrastive_negatives = \"queue\" learns on one device, and this run has {count}");
        Err(Failure::new(Exit::Spec, text)
            .help("give it one device, such as --device cuda:0; or take \"degradations\""))
    }

    fn objective(&self, context: &Context, device: &burn::tensor::Device) -> Result<Objective, Failure> {
        let loss = &self.loss;
        let contrastive = (loss.contrastive > 0.0).then_some(Contrastive {
            weight: loss.contrastive,
            temperature: loss.contrastive_temperature,
        });
        let clip_aware = self.clip_aware.as_ref().map(|perceiver| {
            let path = context.artefact(&perceiver.prompts).join(prompts::FILE);
            let checkpoint = Checkpoint::read(&path)?;
            let Some(text) = checkpoint.tensors.get("text") else {
                return Err(
                    Failure::new(Exit::Unexpected, format!("{} holds no prompts", path.display()))
                        .help("remove that folder and run the experiment again"),
                );
            };
            Ok(ClipAware {
                weight: loss.clip_aware,
                clip: perceiver.clip.clip(context.home(), device)?,
                text: text.tensor(device),
                scale: perceiver.temperature,
            })
        });
        let perceptual = self.perceptual.as_ref().map(|proxies| {
            let reached: Vec<f64> = proxies
                .negatives
                .iter()
                .map(|key| Ok(read_json::<Reached>(&context.artefact(key).join(REACHED))?.average_psnr))
                .collect::<Result<_, Failure>>()?;
            let tower = proxies.vgg16.vgg16(context.home(), device)?;
            Ok::<_, Failure>(Perceptual::new(
                loss.perceptual,
                tower,
                reached,
                loss.difficulty,
                loss.normalised_weights,
            ))
        });
        Ok(Objective {
            contrastive,
            clip_aware: clip_aware.transpose()?,
            perceptual: perceptual.transpose()?,
        })
    }

    /// Eq. 10 needs the network's average PSNR on fixed crops; only the perceptual loss looks at it.
    fn epochs(&self, pairs: usize, batches: &perceive_datasets::batch::Batches) -> Result<Option<Epochs>, Failure> {
        if self.perceptual.is_none() {
            return Ok(None);
        }
        let batch = self.training.batch;
        let steps = if self.loss.epoch > 0 {
            self.loss.epoch
        } else {
            pairs.div_ceil(batch).max(1) as u64
        };
        // Batches of another seed: the crops stay the same from epoch to epoch, and from run to run.
        let slice = (0..self.loss.slice.div_ceil(batch).max(1) as u64)
            .map(|step| Ok(loader::crops(batches.batch(self.seed ^ 0x5EED_0511_CE00, step)?)))
            .collect::<Result<_, Failure>>()?;
        Ok(Some(Epochs { steps, slice }))
    }
}

#[cfg(test)]
mod tests {
    use perceive_model::network::Size;

    use super::*;

    fn job(network: &str, loss: Loss) -> Restore {
        Restore {
            sets: Vec::new(),
            network: NetworkConfig::sized(network, Size::Tiny).unwrap(),
            guide: None,
            loss,
            clip_aware: None,
            perceptual: None,
            instructions: None,
            training: Training::default(),
            seed: 1,
            start: None,
        }
    }

    #[test]
    fn a_queue_learns_on_one_device() {
        let loss = |contrastive, contrastive_negatives| Loss {
            contrastive,
            contrastive_negatives,
            ..Loss::default()
        };
        let queue = job("airnet", loss(0.1, ContrastiveNegatives::Queue));
        queue.check_devices(1).unwrap();
        let failure = queue.check_devices(2).unwrap_err();
        assert_eq!(failure.exit, Exit::Spec);
        for other in [
            loss(0.1, ContrastiveNegatives::Pictures),
            loss(0.0, ContrastiveNegatives::Queue),
        ] {
            job("airnet", other).check_devices(2).unwrap();
        }
    }

    #[test]
    fn a_label_tells_whose_instructions_are_followed() {
        let drawn = job("instructir", Loss::default());
        assert!(drawn.label().starts_with("instructir (stand-in instructions): l1"));
        let start = Some(StartFrom::Artefact("ab".into()));
        let started = Restore { start, ..drawn.clone() };
        assert!(
            started
                .label()
                .starts_with("instructir (instructions of its start): l1")
        );
        let instructions = Some(Sentences {
            name: "mine".into(),
            blake3: "cd".into(),
        });
        let spoken = Restore { instructions, ..drawn };
        assert!(spoken.label().starts_with("instructir: l1"));
        assert!(job("restormer", Loss::default()).label().starts_with("restormer: l1"));
    }
}

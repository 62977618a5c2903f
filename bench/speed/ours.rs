//! Our side: the work, done by this project's networks and training steps.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use perceive_model::kernel::{among_workers, tune_allocation};
use perceive_model::loss::l1;
use perceive_model::network::{Network, NetworkConfig, whole_picture};
use perceive_model::tower::{Clip, ClipConfig, Dinov2, Dinov2Config, Vgg16, Vgg16Config};
use perceive_model::train::adamw::AdamW;
use perceive_model::train::batch::Crops;
use perceive_model::train::guide::Guide;
use perceive_model::train::objective::{ClipAware, Contrastive, Objective, Perceptual};
use perceive_model::train::restorer::Training;
use perceive_model::train::schedule::Schedule;
use perceive_model::weights::{Checkpoint, gradient, load, recipe, shapes};

use super::machine;
use super::pixels::pixels;
use super::work::{Kind, Numbers, Ready, Taken, Work};

/// Pixels of an output that are compared.
const SAMPLES: usize = 16;

/// Says that it is ready, then does the work as often as it is told to, whenever it is.
pub fn serve(work: &Work) -> Result<(), Box<dyn Error>> {
    tune_allocation();
    let mut task = task(work)?;
    let ready = Ready {
        parameters: task.parameters(),
    };
    say(&ready)?;
    for word in stdin().lock().lines() {
        let word = word?;
        if word == "check" {
            say(&task.check()?)?;
            continue;
        }
        let times: u32 = word.parse()?;
        let faults = machine::page_faults();
        let began = Instant::now();
        among_workers(|| (0..times).try_for_each(|_| task.run().map_err(|error| error.to_string())))?;
        let seconds = began.elapsed().as_secs_f64() / f64::from(times);
        say(&Taken {
            seconds,
            peak: machine::peak_memory()?,
            faults: machine::page_faults() - faults,
        })?;
    }
    Ok(())
}

fn say(what: &impl serde::Serialize) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    writeln!(out, "{}", serde_json::to_string(what)?)?;
    Ok(out.flush()?)
}

trait Task: Send {
    fn parameters(&self) -> usize;

    /// Once, and nothing but the work.
    fn run(&mut self) -> Result<(), Box<dyn Error>>;

    /// Once, and what came of it.
    fn check(&mut self) -> Result<Numbers, Box<dyn Error>>;
}

fn task(work: &Work) -> Result<Box<dyn Task>, Box<dyn Error>> {
    let config = NetworkConfig::sized(work.network, work.size.parse()?)?;
    let size = [work.batch, work.height, work.width];
    Ok(match work.kind {
        Kind::Forward => Box::new(Forward {
            network: network(&config, &Device::flex())?,
            image: picture("degraded", size, &Device::flex()),
        }),
        Kind::Backward => {
            let device = Device::flex().autodiff();
            Box::new(Backward {
                network: network(&config, &device)?,
                degraded: picture("degraded", size, &device),
                clean: picture("clean", size, &device),
            })
        }
        Kind::Step => Box::new(Step {
            training: training(&config)?,
            crops: crops(work, false),
        }),
        Kind::PaperStep => Box::new(Step {
            training: with_towers(training(&config)?)?,
            crops: crops(work, true),
        }),
    })
}

/// With the weights that both sides make of their keys.
fn network(config: &NetworkConfig, device: &Device) -> Result<Network, Box<dyn Error>> {
    Ok(by_recipe(Network::new(config, device))?)
}

fn by_recipe<M: Module>(module: M) -> Result<M, perceive_model::weights::WeightsError> {
    let weights = recipe(&shapes(&module));
    load(module, &weights, "recipe")
}

fn picture(name: &str, size: [usize; 3], device: &Device) -> Tensor<4> {
    let [batch, height, width] = size;
    Tensor::from_data(TensorData::new(pixels(name, size), [batch, 3, height, width]), device)
}

fn sampled(image: &Tensor<4>) -> Numbers {
    let values: Vec<f64> = image.to_data().iter::<f64>().collect();
    let places = (0..SAMPLES).map(|index| index * (values.len() - 1) / (SAMPLES - 1));
    places.map(|place| (format!("output {place}"), values[place])).collect()
}

struct Forward {
    network: Network,
    image: Tensor<4>,
}

impl Forward {
    fn restored(&self) -> Tensor<4> {
        whole_picture::restore(&self.network, self.image.clone(), None)
    }
}

impl Task for Forward {
    fn parameters(&self) -> usize {
        self.network.parameters()
    }

    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        std::hint::black_box(self.restored());
        Ok(())
    }

    fn check(&mut self) -> Result<Numbers, Box<dyn Error>> {
        Ok(sampled(&self.restored()))
    }
}

struct Backward {
    network: Network,
    degraded: Tensor<4>,
    clean: Tensor<4>,
}

impl Task for Backward {
    fn parameters(&self) -> usize {
        self.network.parameters()
    }

    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        let restored = self.network.forward(self.degraded.clone(), None).image;
        std::hint::black_box(l1(restored, self.clean.clone()).backward());
        Ok(())
    }

    fn check(&mut self) -> Result<Numbers, Box<dyn Error>> {
        let restored = self.network.forward(self.degraded.clone(), None).image;
        let mut numbers = sampled(&restored);
        let gradients = l1(restored, self.clean.clone()).backward();
        let keys = shapes(&self.network).into_iter().map(|(key, _)| key);
        let squares = keys.map(|key| {
            let found = gradient(&self.network, &gradients, &key);
            found.map_or(0.0, |array| {
                array.data.iter().map(|value| f64::from(value * value)).sum::<f64>()
            })
        });
        numbers.insert("gradient norm".into(), squares.sum::<f64>().sqrt());
        Ok(numbers)
    }
}

struct Step {
    training: Training,
    crops: Crops,
}

impl Task for Step {
    fn parameters(&self) -> usize {
        self.training.state().module.parameters()
    }

    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        self.training.step(&self.crops)?;
        Ok(())
    }

    fn check(&mut self) -> Result<Numbers, Box<dyn Error>> {
        let report = self.training.step(&self.crops)?;
        let losses = report.losses.into_iter().map(|(name, loss)| (name.to_owned(), loss));
        let norm = ("gradient norm".to_owned(), report.gradient_norm);
        Ok(losses.chain([norm]).collect())
    }
}

fn training(config: &NetworkConfig) -> Result<Training, Box<dyn Error>> {
    let schedule = Schedule {
        start: 2e-4,
        end: 2e-4,
        steps: 1,
        warm_up: 0,
        cosine: false,
    };
    let training = Training::new(config, 0, AdamW::new(1e-4, 1.0), schedule, &Device::flex());
    let weights = recipe(&shapes(&training.state().module));
    Ok(training.with_weights(&weights, "recipe")?)
}

/// The paper's objective: CLIP ViT-B/32, DINOv2 ViT-B/14 and VGG-16 in their published sizes, two proxies.
fn with_towers(training: Training) -> Result<Training, Box<dyn Error>> {
    const DINO_RESOLUTION: usize = 224;
    let device = training.device().clone();
    let clip = by_recipe(Clip::new(&ClipConfig::default(), &device))?.frozen();
    let dino = by_recipe(Dinov2::new(&Dinov2Config::default(), &device))?;
    let vgg = by_recipe(Vgg16::new(&Vgg16Config::default(), &device))?;
    let text: Checkpoint = recipe(&[("text".into(), vec![3, clip.feature_width()])]);
    let mut training = training
        .with_guide(Some(Guide::new(dino, DINO_RESOLUTION)))
        .with_objective(Objective {
            contrastive: Some(Contrastive {
                weight: 0.1,
                temperature: 0.07,
            }),
            clip_aware: Some(ClipAware {
                weight: 0.1,
                clip,
                text: text.tensors["text"].tensor(&device),
                scale: 100.0,
            }),
            perceptual: Some(Perceptual::new(0.1, vgg, vec![24.0, 30.0], 0.25, false)),
        });
    training.set_average_psnr(27.0);
    Ok(training)
}

/// Every picture of a batch has a degradation of its own.
fn crops(work: &Work, all: bool) -> Crops {
    let of = |name: &str| pixels(name, [work.batch, work.height, work.width]);
    Crops {
        batch: work.batch,
        patch: work.height,
        degraded: of("degraded"),
        clean: of("clean"),
        second: all.then(|| of("second")),
        negatives: if all {
            vec![of("negative.0"), of("negative.1")]
        } else {
            Vec::new()
        },
        kinds: (0..work.batch).collect(),
    }
}

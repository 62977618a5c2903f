//! The stages: what one run does. One file a stage; [`Job`] is the registry.
//!
//! A job holds everything that its result depends on and nothing else, so its JSON text is what the artefact's key is
//! the hash of. Jobs name their inputs by key; where those lie on disk is the [`Context`]'s affair.

pub mod context;
pub mod degrade;
pub mod evaluate;
pub mod loader;
pub mod medium;
pub mod meters;
pub mod negatives;
pub mod pairs;
mod pool;
pub mod prompts;
pub mod restore;
pub mod restorer;
pub mod scenes;
pub mod start;
mod tiles;
pub mod towers;
pub mod train;
mod watchdog;

use serde::{Deserialize, Serialize};

pub use context::Context;

use perceive_model::network::NetworkConfig;

use crate::{
    failure::Failure,
    spec::training::{Checkpointing, Precision, Training},
};

/// How a stage ended that met no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The artefact is whole.
    Done,
    /// Asked to stop; the state is kept.
    Paused,
}

/// How much work a job is: jobs of one class take time in proportion to their units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// What the time of a unit depends on: the stage, its network, crops and losses.
    pub class: String,
    /// Steps of a training; 1 for everything else.
    pub units: u64,
}

impl Work {
    /// A training: steps of the same network, crops and losses take the same time.
    pub fn training(stage: &str, network: &NetworkConfig, training: &Training, losses: &str) -> Self {
        let network = serde_json::to_string(network).unwrap_or_default();
        let Training {
            batch,
            patch,
            accumulate,
            precision,
            checkpointing,
            ..
        } = training;
        let pieces = if *accumulate > 1 {
            format!(" in {accumulate}")
        } else {
            String::new()
        };
        let bf16 = if *precision == Precision::Bf16 { " bf16" } else { "" };
        let again = if *checkpointing == Checkpointing::Blocks {
            " again"
        } else {
            ""
        };
        Self {
            class: format!("{stage} {network} {batch}x{patch}{pieces}{bf16}{again} {losses}"),
            units: training.steps,
        }
    }
}

/// One stage of the pipeline.
pub trait Stage: Clone {
    /// Its word in `design` and database.
    const NAME: &'static str;
    /// Raised whenever the same settings give another artefact than before.
    const VERSION: u32;

    /// What listings call this job, such as `CBSD68 noise25`.
    fn label(&self) -> String;

    /// Keys of the artefacts it reads.
    fn inputs(&self) -> Vec<String>;

    /// What kind of work it is and how much, to estimate its time from past runs of the same kind.
    fn work(&self) -> Work {
        Work {
            class: format!("{} {}", Self::NAME, self.label()),
            units: 1,
        }
    }

    /// The same job without what changes no result, such as where a file lies: what its key is the hash of.
    fn essence(&self) -> Self {
        self.clone()
    }

    /// Makes the artefact in [`Context::output`].
    fn run(&self, context: &mut Context) -> Result<Outcome, Failure>;
}

macro_rules! stages {
    ($($variant:ident($module:ident)),+ $(,)?) => {
        /// A stage with its settings and inputs.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "stage", rename_all = "kebab-case")]
        pub enum Job {
            $($variant(Box<$module::$variant>)),+
        }

        $(impl From<$module::$variant> for Job {
            fn from(job: $module::$variant) -> Self {
                Self::$variant(Box::new(job))
            }
        })+

        impl Job {
            pub fn stage(&self) -> &'static str {
                match self { $(Self::$variant(_) => $module::$variant::NAME),+ }
            }

            fn version(&self) -> u32 {
                match self { $(Self::$variant(_) => $module::$variant::VERSION),+ }
            }

            pub fn label(&self) -> String {
                match self { $(Self::$variant(job) => job.label()),+ }
            }

            pub fn inputs(&self) -> Vec<String> {
                match self { $(Self::$variant(job) => job.inputs()),+ }
            }

            pub fn work(&self) -> Work {
                match self { $(Self::$variant(job) => job.work()),+ }
            }

            fn essence(&self) -> Self {
                match self { $(Self::$variant(job) => job.essence().into()),+ }
            }

            pub fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
                match self { $(Self::$variant(job) => job.run(context)),+ }
            }
        }
    };
}

stages! {
    Scenes(scenes),
    Degrade(degrade),
    Medium(medium),
    Prompts(prompts),
    Negatives(negatives),
    Restore(restore),
    Evaluate(evaluate),
}

impl Job {
    /// The artefact's key: blake3, in hex, over the stage's name and format version and the job as JSON.
    ///
    /// The JSON names its members in the order of the types, so the same job has the same text on every machine.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("perceive-ir artefact key 2");
        hasher.update(self.stage().as_bytes());
        hasher.update(&self.version().to_le_bytes());
        // A job holds nothing that JSON cannot say, and a hasher takes everything.
        let _ = serde_json::to_writer(&mut hasher, &self.essence());
        hasher.finalize().to_hex()[..32].to_string()
    }

    /// The job as JSON, keys in alphabetical order, for people and queries.
    pub fn settings(&self) -> String {
        serde_json::to_value(self)
            .map(|value| value.to_string())
            .unwrap_or_default()
    }
}

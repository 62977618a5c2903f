//! The stages: what one run does. One file a stage; [`Job`] is the registry.
//!
//! A job holds everything that its result depends on and nothing else, so its JSON text is what the artefact's key is
//! the hash of. Jobs name their inputs by key; where those lie on disk is the [`Context`]'s affair.

pub mod context;
pub mod degrade;
pub mod evaluate;
pub mod loader;
pub mod medium;
pub mod negatives;
pub mod pairs;
mod pool;
pub mod prompts;
pub mod restore;
pub mod restorer;
pub mod scenes;
pub mod towers;
pub mod train;
mod watchdog;

use serde::{Deserialize, Serialize};

pub use context::Context;

use crate::failure::Failure;

/// How a stage ended that met no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The artefact is whole.
    Done,
    /// Asked to stop; the state is kept.
    Paused,
}

/// One stage of the pipeline.
pub trait Stage {
    /// Its word in `design` and database.
    const NAME: &'static str;
    /// Raised whenever the same settings give another artefact than before.
    const VERSION: u32;

    /// What listings call this job, such as `CBSD68 noise25`.
    fn label(&self) -> String;

    /// Keys of the artefacts it reads.
    fn inputs(&self) -> Vec<String>;

    /// Makes the artefact in [`Context::output`].
    fn run(&self, context: &mut Context) -> Result<Outcome, Failure>;
}

macro_rules! stages {
    ($($variant:ident($module:ident)),+ $(,)?) => {
        /// A stage with its settings and inputs.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "stage", rename_all = "kebab-case")]
        pub enum Job {
            $($variant($module::$variant)),+
        }

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
    /// The artefact's key: blake3, in hex, over the stage's name and format version and the job's canonical JSON.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("perceive-ir artefact key 1");
        hasher.update(format!("{} {}\n", self.stage(), self.version()).as_bytes());
        hasher.update(self.settings().as_bytes());
        hasher.finalize().to_hex()[..32].to_string()
    }

    /// The job as JSON, keys in alphabetical order.
    pub fn settings(&self) -> String {
        // A `Value`'s maps are sorted; a job holds nothing that JSON cannot say.
        serde_json::to_value(self)
            .map(|value| value.to_string())
            .unwrap_or_default()
    }
}

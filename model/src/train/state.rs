//! Everything that a training needs to go on as if it had never stopped, in one safetensors file.

use std::path::Path;

use burn::{module::Module, tensor::Device};

use super::adamw::AdamW;
use crate::weights::{Checkpoint, WeightsError, load};

/// A module in training.
#[derive(Clone, Debug)]
pub struct State<M> {
    pub module: M,
    pub adamw: AdamW,
    /// Steps done.
    pub step: u64,
    /// The network's average PSNR at the last epoch's start, in dB (eq. 10).
    pub average_psnr: Option<f64>,
}

impl<M: Module> State<M> {
    pub fn new(module: M, adamw: AdamW) -> Self {
        Self {
            module,
            adamw,
            step: 0,
            average_psnr: None,
        }
    }

    /// Writes the state, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), WeightsError> {
        let weights = Checkpoint::from_module(&self.module);
        let mut checkpoint = Checkpoint::default();
        checkpoint.tensors = weights
            .tensors
            .into_iter()
            .map(|(key, array)| (format!("module.{key}"), array))
            .collect();
        self.adamw.save(&mut checkpoint, "adamw");
        checkpoint.metadata.insert("step".into(), self.step.to_string());
        if let Some(psnr) = self.average_psnr {
            checkpoint
                .metadata
                .insert("average_psnr".into(), psnr.to_bits().to_string());
        }
        checkpoint.write(path)
    }

    /// Takes up what [`State::save`] wrote. `self` is a state as it was made for step 0.
    pub fn resume(self, path: &Path, device: &Device) -> Result<Self, WeightsError> {
        let checkpoint = Checkpoint::read(path)?;
        let damaged = || WeightsError::Format {
            path: path.to_path_buf(),
            reason: "no training state in it".into(),
        };
        let module = load(self.module, &checkpoint.under("module."), &path.display().to_string())?;
        let adamw = self.adamw.load(&checkpoint, "adamw", device).ok_or_else(damaged)?;
        let step = checkpoint
            .metadata
            .get("step")
            .and_then(|step| step.parse().ok())
            .ok_or_else(damaged)?;
        let psnr = checkpoint
            .metadata
            .get("average_psnr")
            .and_then(|bits| bits.parse().ok())
            .map(f64::from_bits);
        Ok(Self {
            module,
            adamw,
            step,
            average_psnr: psnr,
        })
    }
}

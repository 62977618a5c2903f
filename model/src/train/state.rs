//! Everything that a module in training needs to go on as if it had never stopped, as one checkpoint.

use burn::{module::Module, tensor::Device};

use super::adamw::AdamW;
use crate::{
    network::airnet::MomentumContrast,
    weights::{Checkpoint, WeightsError, load},
};

/// A module in training. A clone is cheap, and stays as it is while the original goes on.
#[derive(Clone, Debug)]
pub struct State<M> {
    pub module: M,
    pub adamw: AdamW,
    /// Steps done.
    pub step: u64,
    /// The network's average PSNR at the last epoch's start, in dB (eq. 10).
    pub average_psnr: Option<f64>,
    /// The average and the queue of an AirNet that learns by momentum contrast.
    pub contrast: Option<MomentumContrast>,
}

/// The module's parameters stand under this prefix.
const MODULE: &str = "module.";

/// What momentum contrast remembers stands under this one.
const CONTRAST: &str = "contrast.";

impl<M: Module> State<M> {
    pub fn new(module: M, adamw: AdamW) -> Self {
        Self {
            module,
            adamw,
            step: 0,
            average_psnr: None,
            contrast: None,
        }
    }

    /// The state as it is now, read back from the device.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        let mut put = |prefix: &str, weights: Checkpoint| {
            let prefixed = weights.tensors.into_iter();
            let prefixed = prefixed.map(|(key, array)| (format!("{prefix}{key}"), array));
            checkpoint.tensors.extend(prefixed);
        };
        put(MODULE, Checkpoint::from_module(&self.module));
        if let Some(contrast) = &self.contrast {
            put(CONTRAST, Checkpoint::from_module(contrast));
        }
        self.adamw.save(&mut checkpoint, "adamw");
        checkpoint.metadata.insert("step".into(), self.step.to_string());
        if let Some(psnr) = self.average_psnr {
            checkpoint
                .metadata
                .insert("average_psnr".into(), psnr.to_bits().to_string());
        }
        checkpoint
    }

    /// Takes up what [`State::checkpoint`] gave. `self` is a state as it was made for step 0; `origin` is what an error
    /// calls the checkpoint.
    pub fn resume(self, mut checkpoint: Checkpoint, origin: &str, device: &Device) -> Result<Self, WeightsError> {
        let damaged = || WeightsError::Damaged {
            path: origin.into(),
            reason: "there is no training state in it".into(),
        };
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
        let module = load(self.module, &checkpoint.take(MODULE), origin)?;
        let remembered = checkpoint.take(CONTRAST);
        let contrast = self.contrast.map(|contrast| load(contrast, &remembered, origin));
        let adamw = self.adamw.load(&checkpoint, "adamw", device).ok_or_else(damaged)?;
        Ok(Self {
            module,
            adamw,
            step,
            average_psnr: psnr,
            contrast: contrast.transpose()?,
        })
    }
}

/// The weights alone out of a state's checkpoint.
pub fn weights_of(mut checkpoint: Checkpoint) -> Checkpoint {
    checkpoint.take(MODULE)
}

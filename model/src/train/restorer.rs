//! The restore stage's loop, and with L1 alone the medium stage's: one step at a time.

use std::path::Path;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{
    NotFinite,
    adamw::AdamW,
    batch::Crops,
    guide::Guide,
    identity,
    objective::{Objective, Terms},
    schedule::Schedule,
    state::State,
};
use crate::{
    network::{Network, NetworkConfig, Restorer},
    weights::{Checkpoint, WeightsError},
};

/// A restorer in training.
#[derive(Clone, Debug)]
pub struct Training {
    state: State<Network>,
    objective: Objective,
    guide: Option<Guide>,
    schedule: Schedule,
    device: Device,
}

/// What one step came to: the loss, its terms, the rate, the gradient's norm.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The step that was done, counted from 1.
    pub step: u64,
    pub values: Vec<(&'static str, f64)>,
}

impl Training {
    /// A network with weights drawn from `seed`, on `device` (without autodiff; it is added here).
    pub fn new(config: &NetworkConfig, seed: u64, adamw: AdamW, schedule: Schedule, device: &Device) -> Self {
        let device = device.clone().autodiff();
        let network = Network::seeded(config, seed, &device);
        Self {
            state: State::new(network, adamw),
            objective: Objective::default(),
            guide: None,
            schedule,
            device,
        }
    }

    /// Starts from the identity instead of from the drawn weights.
    #[must_use]
    pub fn from_identity(mut self) -> Self {
        self.state.module = identity::from_identity(self.state.module);
        self
    }

    #[must_use]
    pub fn with_objective(mut self, objective: Objective) -> Self {
        self.objective = objective;
        self
    }

    #[must_use]
    pub fn with_guide(mut self, guide: Option<Guide>) -> Self {
        self.guide = guide;
        self
    }

    /// Goes on from what [`Training::save`] wrote.
    pub fn resume(mut self, path: &Path) -> Result<Self, WeightsError> {
        self.state = self.state.resume(path, &self.device.clone().inner())?;
        Ok(self)
    }

    pub fn save(&self, path: &Path) -> Result<(), WeightsError> {
        self.state.save(path)
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    /// Eq. 10's state: measured, and told here, at the start of each epoch.
    pub fn set_average_psnr(&mut self, psnr: f64) {
        self.state.average_psnr = Some(psnr);
    }

    /// The device that the loop works on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The weights as they are now.
    pub fn weights(&self) -> Checkpoint {
        Checkpoint::from_module(&self.state.module)
    }

    /// The network without gradients, to restore pictures with.
    pub fn network(&self) -> Network {
        self.state.module.valid()
    }

    /// Mean PSNR in dB over RGB of restored crops, clipped to \[0, 1\] (eq. 10's avgPSNR).
    pub fn average_psnr(&self, slice: &[Crops]) -> f64 {
        let network = self.network();
        let device = self.device.clone().inner();
        let mut sum = 0.0;
        let mut count = 0;
        for crops in slice {
            let degraded = crops.tensor(&crops.degraded, &device);
            let tokens = self
                .guide
                .as_ref()
                .map(|guide| guide.tokens(degraded.clone()).map(Tensor::inner));
            let restored = network.restore(degraded, tokens).image.clamp(0.0, 1.0);
            let difference = restored - crops.tensor(&crops.clean, &device);
            let squares = (difference.clone() * difference)
                .reshape([crops.batch as i32, -1])
                .mean_dim(1);
            for error in squares.into_data().iter::<f64>() {
                sum += -10.0 * error.max(1e-10).log10();
                count += 1;
            }
        }
        sum / f64::from(count.max(1))
    }

    /// One optimiser step on one batch.
    ///
    /// # Errors
    /// A term that is NaN or infinite, by name; the state is then as before the step.
    pub fn step(&mut self, crops: &Crops) -> Result<Report, NotFinite> {
        let degraded = crops.tensor(&crops.degraded, &self.device);
        let clean = crops.tensor(&crops.clean, &self.device);
        let tokens = self.guide.as_ref().map(|guide| guide.tokens(degraded.clone()));
        let restored = self.state.module.restore(degraded.clone(), tokens);
        let mut terms = Terms::l1(restored.image.clone(), clean.clone());
        if let (Some(term), Some(z), Some(second)) = (&self.objective.contrastive, restored.z, &crops.second)
            && let Some(positive) = self.state.module.degradation(crops.tensor(second, &self.device))
        {
            terms.add("contrastive", term.weight, term.loss(z, positive, &crops.kinds));
        }
        if let Some(term) = &self.objective.clip_aware {
            terms.add("clip_aware", term.weight, term.loss(restored.image.clone()));
        }
        if let Some(term) = &self.objective.perceptual {
            let negatives = crops
                .negatives
                .iter()
                .map(|pixels| crops.tensor(pixels, &self.device))
                .collect();
            let average = self.state.average_psnr.unwrap_or(0.0);
            let loss = term.loss(restored.image, clean, degraded, negatives, average);
            terms.add("perceptual", term.weight, loss);
        }
        self.finish(terms)
    }

    fn finish(&mut self, terms: Terms) -> Result<Report, NotFinite> {
        let step = self.state.step + 1;
        let mut values = Vec::with_capacity(terms.parts.len() + 3);
        let Terms { total, parts } = terms;
        for (name, loss) in parts.into_iter().chain([("loss", total.clone())]) {
            let value: f32 = loss.into_scalar();
            if !value.is_finite() {
                return Err(NotFinite {
                    term: name.into(),
                    step,
                    value,
                });
            }
            values.push((name, f64::from(value)));
        }
        let rate = self.schedule.rate(self.state.step);
        let gradients = total.backward();
        let (module, norm) = self.state.adamw.step(self.state.module.clone(), &gradients, rate);
        if !norm.is_finite() {
            return Err(NotFinite {
                term: "gradient".into(),
                step,
                value: norm as f32,
            });
        }
        self.state.module = module;
        self.state.step = step;
        values.extend([("rate", rate), ("gradient_norm", norm)]);
        Ok(Report { step, values })
    }
}

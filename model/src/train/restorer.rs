//! The restore stage's loop, and with L1 alone the medium stage's: one step at a time.

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
    objective::{Objective, Part, Terms},
    schedule::Schedule,
    state::State,
};
use crate::{
    network::{Guidance, Network, NetworkConfig, Restorer, whole_picture},
    weights::{Checkpoint, WeightsError, load},
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

/// What one step came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The step that was done, counted from 1.
    pub step: u64,
    /// The loss's terms before they are weighted, then the loss itself.
    pub losses: Vec<(&'static str, f64)>,
    /// The sum of eq. 13.
    pub loss: f64,
    pub rate: f64,
    /// Over all parameters, before clipping.
    pub gradient_norm: f64,
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

    /// Goes on from a state's checkpoint, which an error calls `origin`.
    pub fn resume(mut self, checkpoint: Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        self.state = self.state.resume(checkpoint, origin, &self.device.clone().inner())?;
        Ok(self)
    }

    /// Takes over these weights, and nothing else.
    pub fn with_weights(mut self, weights: &Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        self.state.module = load(self.state.module, weights, origin)?;
        Ok(self)
    }

    /// Everything that the training has come to.
    pub fn state(&self) -> &State<Network> {
        &self.state
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

    /// PSNR in dB over RGB of each restored crop, clipped to \[0, 1\]; eq. 10's avgPSNR is the mean over several batches.
    pub fn psnr(&self, crops: &Crops) -> Vec<f64> {
        let device = self.device.clone().inner();
        let degraded = crops.tensor(&crops.degraded, &device);
        let tokens = self.guidance(&degraded);
        let restored = self.network().restore(degraded, tokens).image.clamp(0.0, 1.0);
        let difference = restored - crops.tensor(&crops.clean, &device);
        let squares = (difference.clone() * difference)
            .reshape([crops.batch as i32, -1])
            .mean_dim(1);
        let errors = squares.into_data();
        errors
            .iter::<f64>()
            .map(|error| -10.0 * error.max(1e-10).log10())
            .collect()
    }

    /// A whole degraded picture `[1, 3, H, W]` (no autodiff), restored as the network is now, clipped to \[0, 1\].
    pub fn restore(&self, degraded: Tensor<4>) -> Tensor<4> {
        let tokens = self.guidance(&degraded);
        whole_picture::restore(&self.network(), degraded, tokens).clamp(0.0, 1.0)
    }

    fn guidance(&self, degraded: &Tensor<4>) -> Option<Guidance> {
        let guide = self.guide.as_ref()?;
        Some(guide.tokens(degraded.clone()).map(Tensor::inner))
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
        let mut losses = Vec::with_capacity(terms.parts.len() + 1);
        let Terms { total, parts } = terms;
        let sum = Part {
            name: "loss",
            weight: 1.0,
            loss: total.clone(),
        };
        for Part { name, weight, loss } in parts.into_iter().chain([sum]) {
            let value: f32 = loss.into_scalar();
            // A finite term may leave the numbers by its weight alone.
            let weighted = value * weight as f32;
            if !weighted.is_finite() {
                return Err(NotFinite {
                    term: name.into(),
                    step,
                    value: weighted,
                });
            }
            losses.push((name, f64::from(value)));
        }
        let rate = self.schedule.rate(self.state.step);
        let gradients = total.backward();
        let State { adamw, module, .. } = &mut self.state;
        let norm = adamw.step(module, &gradients, rate);
        if !norm.is_finite() {
            return Err(NotFinite {
                term: "gradient".into(),
                step,
                value: norm as f32,
            });
        }
        self.state.step = step;
        Ok(Report {
            step,
            loss: losses.last().map_or(0.0, |(_, loss)| *loss),
            losses,
            rate,
            gradient_norm: norm,
        })
    }
}

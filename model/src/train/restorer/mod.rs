//! The restore stage's loop, and with L1 alone the medium stage's: one step at a time.
//! [`pieces`] works through a batch in pieces and on several devices.

mod pieces;
#[cfg(test)]
mod tests;

use burn::{
    module::Module,
    tensor::{Device, Gradients, Tensor},
};

use super::{
    NotFinite,
    adamw::AdamW,
    batch::Crops,
    guide::Guide,
    identity,
    objective::{Objective, Part, Terms},
    precision::Precision,
    schedule::Schedule,
    state::State,
    station::Station,
};
use crate::{
    loss::contrastive,
    network::{Guidance, Network, NetworkConfig, Restorer, Start, whole_picture},
    weights::{Checkpoint, WeightsError, load},
};

/// A restorer in training.
#[derive(Clone, Debug)]
pub struct Training {
    state: State<Network>,
    schedule: Schedule,
    /// Where weights and moments lie, and the whole of a batch is where it is not in pieces.
    station: Station,
    /// Other devices that take their share of each batch.
    others: Vec<Station>,
    /// Pieces that each device works through one after the other.
    accumulate: usize,
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
        let station = Station::new(device);
        let network = Network::seeded(config, seed, &station.device);
        Self {
            state: State::new(network, adamw),
            schedule,
            station,
            others: Vec::new(),
            accumulate: 1,
        }
    }

    /// Starts from the identity instead of from the drawn weights.
    #[must_use]
    pub fn from_identity(mut self) -> Self {
        self.state.module = identity::from_identity(self.state.module);
        self
    }

    /// Starts from weights that there are, of the network itself or of its backbone; `config` is that of [`Self::new`].
    pub fn started(mut self, config: &NetworkConfig, start: &Start) -> Result<Self, WeightsError> {
        self.state.module = self.state.module.started(config, start)?;
        Ok(self)
    }

    #[must_use]
    pub fn with_objective(mut self, objective: Objective) -> Self {
        self.station.objective = objective;
        self
    }

    #[must_use]
    pub fn with_guide(mut self, guide: Option<Guide>) -> Self {
        self.station.guide = guide;
        self
    }

    /// Blocks keep only their inputs, and are run once more in the backward pass; see [`crate::network::recomputing`].
    #[must_use]
    pub fn recomputing(mut self, asked: bool) -> Self {
        self.station.recomputes = asked;
        self
    }

    /// What the network's passes are computed in; its weights are f32 in any case.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.station.precision = precision;
        self
    }

    /// Each device works through its share of a batch in `pieces` one after the other, which needs less memory.
    #[must_use]
    pub fn accumulating(mut self, pieces: usize) -> Self {
        self.accumulate = pieces.max(1);
        self
    }

    /// These devices (without autodiff) take their shares of each batch, beside the one that the training is on. To be
    /// called last: guide, objective and precision are taken over as they are.
    #[must_use]
    pub fn beside(mut self, devices: &[Device]) -> Self {
        self.others = devices.iter().map(|device| self.station.on(device)).collect();
        self
    }

    /// Gives an InstructIR these sentences in place of stand-ins, which an error calls `origin`. Other networks stay as they
    /// are.
    pub fn with_sentences(mut self, sentences: &Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        if let Network::InstructIr(network) = &mut self.state.module {
            *network = network.clone().with_sentences(sentences, origin)?;
        }
        Ok(self)
    }

    /// Lets an AirNet learn as published: its encoder by momentum contrast over a queue of so many keys, in place of eq. 12
    /// over the batch. Other networks stay as they are.
    #[must_use]
    pub fn with_momentum_contrast(mut self, keys: usize, seed: u64) -> Self {
        if let Network::AirNet(network) = &self.state.module {
            self.state.contrast = Some(network.contrast(keys, seed, &self.station.device.clone().inner()));
        }
        self
    }

    /// Goes on from a state's checkpoint, which an error calls `origin`.
    pub fn resume(mut self, checkpoint: Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        self.state = self
            .state
            .resume(checkpoint, origin, &self.station.device.clone().inner())?;
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
        &self.station.device
    }

    /// The weights as they are now.
    pub fn weights(&self) -> Checkpoint {
        Checkpoint::from_module(&self.state.module)
    }

    /// The network without gradients, to restore pictures with.
    pub fn network(&self) -> Network {
        self.state.module.valid()
    }

    /// What the guide says of degraded pictures `[B, 3, H, W]` (no autodiff), where there is one. The guide is frozen: of
    /// pictures that stay the same this is asked once.
    pub fn guidance(&self, degraded: &Tensor<4>) -> Option<Guidance> {
        self.station.guidance(degraded)
    }

    /// The degraded side of crops as [`guidance`](Self::guidance) takes it.
    pub fn degraded(&self, crops: &Crops) -> Tensor<4> {
        crops.tensor(&crops.degraded, &self.station.device.clone().inner())
    }

    /// PSNR in dB over RGB of each restored crop, clipped to \[0, 1\], under its guidance; eq. 10's avgPSNR is the mean over
    /// several batches.
    ///
    /// # Errors
    /// A restored crop with NaN or infinity in it.
    pub fn psnr(&self, crops: &Crops, guidance: Option<Guidance>) -> Result<Vec<f64>, NotFinite> {
        let degraded = self.degraded(crops);
        let clean = crops.tensor(&crops.clean, &degraded.device());
        let restored = self.clipped(self.network().restore(degraded, guidance).image)?;
        let difference = restored - clean;
        let squares = (difference.clone() * difference)
            .reshape([crops.batch as i32, -1])
            .mean_dim(1);
        let errors = squares.into_data();
        let errors = errors.iter::<f64>();
        Ok(errors.map(|error| -10.0 * error.max(1e-10).log10()).collect())
    }

    /// A whole degraded picture `[1, 3, H, W]` (no autodiff), restored as the network is now under the picture's guidance,
    /// clipped to \[0, 1\].
    ///
    /// # Errors
    /// NaN or infinity in the restored picture.
    pub fn restore(&self, degraded: Tensor<4>, guidance: Option<Guidance>) -> Result<Tensor<4>, NotFinite> {
        self.clipped(whole_picture::restore(&self.network(), degraded, guidance))
    }

    /// One optimiser step on one batch.
    ///
    /// # Errors
    /// A term that is NaN or infinite, by name; the state is then as before the step.
    pub fn step(&mut self, crops: &Crops) -> Result<Report, NotFinite> {
        // What momentum contrast changes before the loss is known.
        let before = self.state.contrast.clone();
        let before = before.map(|contrast| (self.state.module.clone(), contrast));
        let report = self
            .passed(crops)
            .and_then(|(losses, gradients)| self.update(losses, &gradients));
        if let (Err(_), Some((module, contrast))) = (&report, before) {
            self.state.module = module;
            self.state.contrast = Some(contrast);
        }
        report
    }

    fn passed(&mut self, crops: &Crops) -> Result<(Losses, Gradients), NotFinite> {
        if let Some(terms) = self.by_momentum_contrast(crops) {
            return self.backward(terms);
        }
        let pieces = crops.pieces(self.accumulate * (1 + self.others.len()));
        if pieces.len() > 1 {
            return self.in_pieces(crops, &pieces);
        }
        self.backward(self.station.terms(&self.state.module, crops, self.average_psnr()))
    }

    fn average_psnr(&self) -> f64 {
        self.state.average_psnr.unwrap_or(0.0)
    }

    /// The terms of an AirNet whose encoder learns over a queue, which goes on by this batch: in one piece, on the first
    /// device. `None` for whoever else learns.
    fn by_momentum_contrast(&mut self, crops: &Crops) -> Option<Terms> {
        let average_psnr = self.average_psnr();
        let temperature = self.station.objective.contrastive.as_ref()?.temperature;
        let device = &self.station.device;
        let second = crops.tensor(crops.second.as_ref()?, device);
        let degraded = crops.tensor(&crops.degraded, device);
        let Network::AirNet(network) = &mut self.state.module else {
            return None;
        };
        let (image, logits) = network.learn(self.state.contrast.as_mut()?, degraded, second, temperature);
        let contrastive = contrastive::of_logits(logits);
        Some(self.station.terms_of(image, contrastive, crops, average_psnr))
    }

    /// The terms' values, and the gradients of their sum.
    fn backward(&self, terms: Terms) -> Result<(Losses, Gradients), NotFinite> {
        let sum = Part {
            name: "loss",
            weight: 1.0,
            loss: terms.total.clone(),
        };
        let mut losses = Losses::with_capacity(terms.parts.len() + 1);
        for Part { name, weight, loss } in terms.parts.into_iter().chain([sum]) {
            let value: f32 = loss.into_scalar();
            // A finite term may leave the numbers by its weight alone.
            self.finite(name, value * weight as f32)?;
            losses.push((name, f64::from(value)));
        }
        Ok((losses, terms.total.backward()))
    }

    fn finite(&self, term: &str, value: f32) -> Result<(), NotFinite> {
        if value.is_finite() {
            return Ok(());
        }
        Err(NotFinite {
            what: format!("the loss term {term}"),
            step: self.state.step + 1,
            value,
        })
    }

    /// Restored pictures, clipped to \[0, 1\]; NaN and infinity would look like levels then.
    fn clipped(&self, restored: Tensor<4>) -> Result<Tensor<4>, NotFinite> {
        let value: f32 = restored.clone().abs().mean().into_scalar();
        if value.is_finite() {
            return Ok(restored.clamp(0.0, 1.0));
        }
        Err(NotFinite {
            what: "the mean of a restored picture".into(),
            step: self.state.step,
            value,
        })
    }

    fn update(&mut self, losses: Losses, gradients: &Gradients) -> Result<Report, NotFinite> {
        let step = self.state.step + 1;
        let rate = self.schedule.rate(self.state.step);
        let State { adamw, module, .. } = &mut self.state;
        let norm = adamw.step(module, gradients, rate);
        if !norm.is_finite() {
            return Err(NotFinite {
                what: "the gradient's norm".into(),
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

/// Terms by name before they are weighted, then the loss itself.
type Losses = Vec<(&'static str, f64)>;

//! The restore stage's loop, and with L1 alone the medium stage's: one step at a time.
//!
//! A batch may be worked through in pieces, one after the other and on several devices at once; what comes out is then
//! equal within rounding. L1 and the CLIP-aware loss are means over the pictures, so pieces add up. The contrastive loss
//! compares the pictures of a batch with each other: it is taken of the whole batch's codes, which the CFE alone makes.
//! The perceptual loss divides means over the batch: they are measured first, by one pass without gradients, and its
//! gradient is then the sum of the pieces'.

use std::{panic::resume_unwind, thread};

use burn::{
    module::Module,
    tensor::{Device, Gradients, Tensor},
};

use super::{
    NotFinite,
    adamw::AdamW,
    batch::Crops,
    gradients::FlatGradients,
    guide::Guide,
    identity,
    objective::{Objective, Part, Terms},
    precision::Precision,
    schedule::Schedule,
    state::State,
    station::{self, Station},
};
use crate::{
    loss::{contrastive, difficulty_adaptive::BatchDistances},
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

    /// What the network's passes are computed in; its weights are f32 in any case.
    /// Blocks keep only their inputs, and are run once more in the backward pass; see [`crate::network::recomputing`].
    #[must_use]
    pub fn recomputing(mut self, asked: bool) -> Self {
        self.station.recomputes = asked;
        self
    }

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
    pub fn psnr(&self, crops: &Crops, guidance: Option<Guidance>) -> Vec<f64> {
        let degraded = self.degraded(crops);
        let clean = crops.tensor(&crops.clean, &degraded.device());
        let restored = self.network().restore(degraded, guidance).image.clamp(0.0, 1.0);
        let difference = restored - clean;
        let squares = (difference.clone() * difference)
            .reshape([crops.batch as i32, -1])
            .mean_dim(1);
        let errors = squares.into_data();
        errors
            .iter::<f64>()
            .map(|error| -10.0 * error.max(1e-10).log10())
            .collect()
    }

    /// A whole degraded picture `[1, 3, H, W]` (no autodiff), restored as the network is now under the picture's guidance,
    /// clipped to \[0, 1\].
    pub fn restore(&self, degraded: Tensor<4>, guidance: Option<Guidance>) -> Tensor<4> {
        whole_picture::restore(&self.network(), degraded, guidance).clamp(0.0, 1.0)
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

    /// The same, piece by piece, every device at once.
    fn in_pieces(&self, crops: &Crops, pieces: &[Crops]) -> Result<(Losses, Gradients), NotFinite> {
        let stations: Vec<&Station> = [&self.station].into_iter().chain(&self.others).collect();
        let mut networks = vec![self.state.module.clone()];
        networks.extend(
            self.others
                .iter()
                .map(|station| self.state.module.clone().fork(&station.device)),
        );
        let shares = pieces.chunks(pieces.len().div_ceil(stations.len()));
        let work: Vec<_> = stations.into_iter().zip(networks).zip(shares).collect();
        let (batch, average_psnr) = (crops.batch, self.average_psnr());

        let objective = &self.station.objective;
        let mut distances = BatchDistances::default();
        if objective.perceptual.is_some() {
            let found = at_once(&work, |((station, network), pieces)| {
                station.distances(&network.valid(), pieces, batch, average_psnr)
            });
            distances = found.iter().fold(distances, BatchDistances::plus);
        }
        let found = at_once(&work, |((station, network), pieces)| {
            station.pieces(network, pieces, batch, average_psnr, &distances)
        });
        let contrastive = self.station.contrastive(&self.state.module, crops);

        let mut found = found.into_iter().flatten();
        let first = found
            .next()
            .unwrap_or_else(|| unreachable!("a batch has a first piece"));
        let (mut losses, mut sum, mut gradients) = (first.losses, first.gradients, first.last);
        for other in found {
            losses = station::sum(losses, &other.losses);
            sum = sum.plus(other.gradients);
        }
        // In the order of a whole batch's terms: L1, contrastive, CLIP-aware, perceptual.
        if let Some((weight, loss)) = contrastive {
            losses.insert(1, ("contrastive", f64::from(loss.clone().into_scalar::<f32>())));
            let gradients = (loss * weight).backward();
            sum = sum.plus(FlatGradients::of(&self.state.module, &gradients));
        }
        if objective.perceptual.is_some() {
            losses.push(("perceptual", distances.quotient()));
        }
        let mut total = 0.0;
        for (name, value) in &losses {
            let weighted = value * objective.weight(name);
            self.finite(name, weighted as f32)?;
            total += weighted;
        }
        self.finite("loss", total as f32)?;
        losses.push(("loss", total));
        sum.replace(&self.state.module, &mut gradients);
        Ok((losses, gradients))
    }

    fn finite(&self, term: &str, value: f32) -> Result<(), NotFinite> {
        if value.is_finite() {
            return Ok(());
        }
        Err(NotFinite {
            term: term.into(),
            step: self.state.step + 1,
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

/// Terms by name before they are weighted, then the loss itself.
type Losses = Vec<(&'static str, f64)>;

/// `task` of every piece of work, each in a thread of its own; the first in this one.
fn at_once<W: Sync, T: Send>(work: &[W], task: impl Fn(&W) -> T + Sync) -> Vec<T> {
    let Some((first, others)) = work.split_first() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let task = &task;
        let running: Vec<_> = others.iter().map(|work| scope.spawn(move || task(work))).collect();
        let mut found = vec![task(first)];
        found.extend(
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))),
        );
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        network::Size,
        tower::stand_in,
        train::objective::{ClipAware, Contrastive, Perceptual},
    };

    /// A guided network under all four terms.
    fn training() -> Training {
        let device = Device::flex();
        let dino = stand_in::dinov2(&device.clone().autodiff());
        let config = NetworkConfig::sized("perceive-ir", Size::Tiny)
            .unwrap()
            .with_guidance_width(dino.width());
        let schedule = Schedule {
            start: 1e-4,
            end: 1e-4,
            steps: 10,
            warm_up: 0,
            cosine: false,
        };
        let training = Training::new(&config, 3, AdamW::new(1e-4, 0.0), schedule, &device);
        let device = training.device().clone();
        let clip = stand_in::clip(&device).frozen();
        device.seed(4);
        let text = Tensor::<2>::random([3, clip.feature_width()], burn::tensor::Distribution::Default, &device);
        let mut training = training
            .with_guide(Some(Guide::new(dino, 28)))
            .with_objective(Objective {
                contrastive: Some(Contrastive {
                    weight: 0.3,
                    temperature: 0.2,
                }),
                clip_aware: Some(ClipAware {
                    weight: 0.2,
                    clip,
                    text,
                    scale: 5.0,
                }),
                perceptual: Some(Perceptual::new(0.1, stand_in::vgg16(&device), vec![29.0], 0.25, true)),
            });
        training.set_average_psnr(28.0);
        training
    }

    fn crops(step: u64) -> Crops {
        let pixels = |stream: u64| -> Vec<f32> {
            let mut state = (step * 10 + stream + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let draw = |_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f32 / (1_u64 << 24) as f32
            };
            (0..6 * 3 * 16 * 16).map(draw).collect()
        };
        Crops {
            batch: 6,
            patch: 16,
            degraded: pixels(0),
            clean: pixels(1),
            second: Some(pixels(2)),
            negatives: vec![pixels(3)],
            kinds: vec![0, 1, 2, 0, 1, 0],
        }
    }

    /// Three steps.
    struct Course {
        reports: Vec<Report>,
        /// Of all parameters after the first step; AdamW's first moment is then a tenth of it.
        gradient: Vec<f32>,
        /// After the last.
        weights: Vec<f32>,
    }

    fn course(mut training: Training) -> Course {
        let numbers = |checkpoint: Checkpoint| -> Vec<f32> {
            let arrays = checkpoint.tensors.into_values();
            arrays.flat_map(|array| array.data).collect()
        };
        let mut reports = vec![training.step(&crops(0)).unwrap()];
        let gradient = numbers(training.state().checkpoint().under("adamw.first."));
        reports.extend((1..3).map(|step| training.step(&crops(step)).unwrap()));
        Course {
            reports,
            gradient,
            weights: numbers(training.weights()),
        }
    }

    /// The length of the difference, relative to that of `want`.
    fn apart(want: &[f32], got: &[f32]) -> f64 {
        let length = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        assert_eq!(want.len(), got.len());
        length(&mut want.iter().zip(got).map(|(want, got)| want - got)) / length(&mut want.iter().copied())
    }

    fn assert_equal_within_rounding(want: &Course, got: &Course, what: &str) {
        for (want, got) in want.reports.iter().zip(&got.reports) {
            assert_eq!(want.losses.len(), 5);
            for ((name, want), (other, got)) in want.losses.iter().zip(&got.losses) {
                assert_eq!(name, other, "{what}");
                assert!((want - got).abs() <= 1e-5 * want.abs(), "{what}: {name} {want} {got}");
            }
        }
        for (name, want, got) in [
            ("gradients", &want.gradient, &got.gradient),
            ("weights", &want.weights, &got.weights),
        ] {
            let apart = apart(want, got);
            println!("{what}: {name} differ by {apart:.2e}");
            assert!(apart < 1e-5, "{what}: {name} differ by {apart:.2e}");
        }
    }

    #[test]
    fn a_batch_in_pieces_is_the_batch_within_rounding() {
        let whole = course(training());
        for pieces in [2, 3, 4] {
            let got = course(training().accumulating(pieces));
            assert_equal_within_rounding(&whole, &got, &format!("{pieces} pieces"));
        }
    }

    #[test]
    fn blocks_that_are_run_again_learn_the_same_to_the_last_bit() {
        let (kept, again) = (course(training()), course(training().recomputing(true)));
        assert_eq!(kept.reports, again.reports);
        assert_eq!(kept.weights, again.weights);
    }

    #[test]
    fn a_batch_on_several_devices_is_the_batch_within_rounding() {
        let whole = course(training());
        let two = course(training().beside(&[Device::flex()]));
        assert_equal_within_rounding(&whole, &two, "two devices");
        let four = course(training().accumulating(2).beside(&[Device::flex()]));
        assert_equal_within_rounding(&whole, &four, "two devices, two pieces each");
        // Pieces are summed in their order, wherever they were computed.
        assert_eq!(two.weights, course(training().accumulating(2)).weights);
    }

    #[test]
    fn pieces_that_are_no_numbers_change_nothing() {
        let mut training = training().accumulating(3);
        training.step(&crops(0)).unwrap();
        let before = training.state().checkpoint();
        let mut broken = crops(1);
        let last = broken.clean.len() - 1;
        broken.clean[last] = f32::NAN;
        let failure = training.step(&broken).unwrap_err();
        assert_eq!((failure.term.as_str(), failure.step), ("l1", 2));
        assert_eq!(training.state().checkpoint(), before);
    }

    #[test]
    fn bf16_learns_with_f32_weights() {
        let exact = course(training());
        let rounded = course(training().with_precision(Precision::Bf16));
        for (exact, rounded) in exact.reports.iter().zip(&rounded.reports) {
            assert!(
                (exact.loss - rounded.loss).abs() < 0.03 * exact.loss,
                "{exact:?} {rounded:?}"
            );
        }
        let apart = apart(&exact.gradient, &rounded.gradient);
        assert!(apart > 0.0 && apart < 0.2, "gradients differ by {apart:.2e}");
        // A step of 1e-4 is finer than bf16 is at most weights: they would not be what they are had they been rounded.
        let coarse = rounded
            .weights
            .iter()
            .filter(|value| value.to_bits().trailing_zeros() >= 16);
        assert!(coarse.count() < rounded.weights.len() / 10);
        let pieces = course(training().with_precision(Precision::Bf16).accumulating(2));
        let (pieces, whole) = (pieces.reports[0].loss, rounded.reports[0].loss);
        assert!((pieces - whole).abs() < 1e-3 * whole, "{pieces} {whole}");
    }

    fn airnet(seed: u64) -> Training {
        let config = NetworkConfig::sized("airnet", Size::Tiny).unwrap();
        let schedule = Schedule {
            start: 1e-3,
            end: 1e-6,
            steps: 10,
            warm_up: 0,
            cosine: true,
        };
        let contrastive = Contrastive {
            weight: 0.1,
            temperature: 0.07,
        };
        Training::new(&config, seed, AdamW::new(1e-4, 0.0), schedule, &Device::flex())
            .with_objective(Objective {
                contrastive: Some(contrastive),
                ..Objective::default()
            })
            .with_momentum_contrast(6, seed)
    }

    /// Crops of 16 pixels, others at every step; NaN where asked.
    fn pairs(step: u64, broken: bool) -> Crops {
        let pixels = |start: u64| -> Vec<f32> {
            let value = |at: u64| ((at + start + 1000 * step) as f32 * 0.37).sin() * 0.5 + 0.5;
            (0..2 * 3 * 16 * 16).map(value).collect()
        };
        let mut crops = Crops {
            batch: 2,
            patch: 16,
            degraded: pixels(0),
            clean: pixels(3),
            second: Some(pixels(5)),
            negatives: Vec::new(),
            kinds: vec![0, 1],
        };
        if broken {
            crops.clean[7] = f32::NAN;
        }
        crops
    }

    #[test]
    fn momentum_contrast_goes_on_from_a_checkpoint_as_if_it_had_never_stopped() {
        let mut whole = airnet(5);
        for step in 0..4 {
            let report = whole.step(&pairs(step, false)).unwrap();
            assert_eq!(report.losses[1].0, "contrastive");
        }
        let mut first = airnet(5);
        for step in 0..2 {
            first.step(&pairs(step, false)).unwrap();
        }
        let checkpoint = first.state().checkpoint();
        assert!(checkpoint.tensors.contains_key("contrast.queue"));
        let mut second = airnet(9).resume(checkpoint, "memory").unwrap();
        for step in 2..4 {
            second.step(&pairs(step, false)).unwrap();
        }
        assert_eq!(second.state().checkpoint(), whole.state().checkpoint());
    }

    #[test]
    fn a_step_that_fails_leaves_the_queue_and_the_statistics_as_they_were() {
        let mut training = airnet(5);
        training.step(&pairs(0, false)).unwrap();
        let before = training.state().checkpoint();
        training.step(&pairs(1, true)).unwrap_err();
        assert_eq!(training.state().checkpoint(), before);
    }
}

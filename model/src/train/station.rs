//! One device of a training: what the loss needs there, and the forward pass of a batch or of a piece of one.

use burn::tensor::{Device, FloatDType, Gradients, Tensor};

use super::{
    batch::Crops,
    gradients::FlatGradients,
    guide::Guide,
    objective::{Compared, Objective, Terms},
    precision::Precision,
};
use crate::{
    loss::difficulty_adaptive::BatchDistances,
    network::{Guidance, Network, Restorer, recomputing},
};

/// The device (with autodiff), and the guide and the objective's towers on it.
#[derive(Clone, Debug)]
pub struct Station {
    pub device: Device,
    pub objective: Objective,
    pub guide: Option<Guide>,
    pub precision: Precision,
    /// Whether blocks keep only their inputs for the backward pass, and are run once more there.
    pub recomputes: bool,
}

/// A batch as the network has passed it.
struct Passed {
    degraded: Tensor<4>,
    clean: Tensor<4>,
    restored: Tensor<4>,
    z: Option<Tensor<2>>,
}

/// What a station made of its pieces: each loss by name, averaged by the pieces' shares, and the sum of their gradients.
pub struct Pieces {
    pub losses: Vec<(&'static str, f64)>,
    pub gradients: FlatGradients,
    /// Of the last piece.
    pub last: Gradients,
}

impl Station {
    /// On `device` (without autodiff; it is added here), with L1 alone.
    pub fn new(device: &Device) -> Self {
        Self {
            device: device.clone().autodiff(),
            objective: Objective::default(),
            guide: None,
            precision: Precision::default(),
            recomputes: false,
        }
    }

    /// Another like this one.
    #[must_use]
    pub fn on(&self, device: &Device) -> Self {
        let device = device.clone().autodiff();
        Self {
            objective: self.objective.to_device(&device),
            guide: self.guide.as_ref().map(|guide| guide.to_device(&device)),
            precision: self.precision,
            recomputes: self.recomputes,
            device,
        }
    }

    /// F_1 to F_4 of degraded pictures.
    pub fn guidance(&self, degraded: &Tensor<4>) -> Option<Guidance> {
        Some(self.guide.as_ref()?.tokens(degraded.clone()))
    }

    /// Eq. 13 of a whole batch.
    pub fn terms(&self, network: &Network, crops: &Crops, average_psnr: f64) -> Terms {
        let network = self.precision.of(network.clone());
        let passed = self.pass(&network, crops, &self.device);
        let mut contrastive = None;
        if let (Some(term), Some(z), Some(second)) = (&self.objective.contrastive, passed.z.clone(), &crops.second) {
            let positive = self.code(&network, crops, second);
            contrastive = positive.map(|positive| term.loss(z, positive, &crops.kinds));
        }
        self.added(passed, contrastive, crops, average_psnr)
    }

    /// Eq. 13 of a whole batch that is restored already, with this for its contrastive term.
    pub fn terms_of(&self, restored: Tensor<4>, contrastive: Tensor<1>, crops: &Crops, average_psnr: f64) -> Terms {
        let passed = Passed {
            degraded: crops.tensor(&crops.degraded, &self.device),
            clean: crops.tensor(&crops.clean, &self.device),
            restored,
            z: None,
        };
        self.added(passed, Some(contrastive), crops, average_psnr)
    }

    fn added(&self, passed: Passed, contrastive: Option<Tensor<1>>, crops: &Crops, average_psnr: f64) -> Terms {
        let mut terms = Terms::l1(passed.restored.clone(), passed.clean.clone());
        if let (Some(term), Some(loss)) = (&self.objective.contrastive, contrastive) {
            terms.add("contrastive", term.weight, loss);
        }
        if let Some(term) = &self.objective.clip_aware {
            terms.add("clip_aware", term.weight, term.loss(passed.restored.clone()));
        }
        if let Some(term) = &self.objective.perceptual {
            let loss = term.loss(compared(passed, crops, average_psnr));
            terms.add("perceptual", term.weight, loss);
        }
        terms
    }

    /// λ1 and eq. 12 of a whole batch, from its codes alone: its negatives are the other samples. `None` without that
    /// term, or for a network without a CFE.
    pub fn contrastive(&self, network: &Network, crops: &Crops) -> Option<(f64, Tensor<1>)> {
        let (term, second) = (self.objective.contrastive.as_ref()?, crops.second.as_ref()?);
        let network = self.precision.of(network.clone());
        let z = self.code(&network, crops, &crops.degraded)?;
        let positive = self.code(&network, crops, second)?;
        Some((term.weight, term.loss(z, positive, &crops.kinds)))
    }

    /// The distances of eq. 11 of these pieces of a batch of `batch`, by one pass of the network (without gradients).
    pub fn distances(&self, network: &Network, pieces: &[Crops], batch: usize, average_psnr: f64) -> BatchDistances {
        let mut distances = BatchDistances::default();
        let Some(term) = &self.objective.perceptual else {
            return distances;
        };
        let (network, device) = (self.precision.of(network.clone()), self.device.clone().inner());
        for piece in pieces {
            let passed = self.pass(&network, piece, &device);
            let share = piece.batch as f64 / batch as f64;
            term.measure(compared(passed, piece, average_psnr), share, &mut distances);
        }
        distances
    }

    /// Forwards and backwards through these pieces of a batch of `batch`, one after the other: all terms of eq. 13 that
    /// a piece can tell by itself, or by the whole batch's `distances`.
    pub fn pieces(
        &self,
        network: &Network,
        pieces: &[Crops],
        batch: usize,
        average_psnr: f64,
        distances: &BatchDistances,
    ) -> Option<Pieces> {
        let mut found: Option<Pieces> = None;
        for piece in pieces {
            let share = piece.batch as f64 / batch as f64;
            let terms = self.terms_of_piece(network, piece, average_psnr, distances);
            let losses = terms.parts.iter().filter(|part| part.name != "perceptual");
            let losses: Vec<_> = losses
                .map(|part| (part.name, share * f64::from(part.loss.clone().into_scalar::<f32>())))
                .collect();
            let last = (terms.total * share).backward();
            let gradients = FlatGradients::of(network, &last);
            found = Some(match found.take() {
                None => Pieces {
                    losses,
                    gradients,
                    last,
                },
                Some(before) => Pieces {
                    losses: sum(before.losses, &losses),
                    gradients: before.gradients.plus(gradients),
                    last,
                },
            });
        }
        found
    }

    fn terms_of_piece(&self, network: &Network, piece: &Crops, average_psnr: f64, distances: &BatchDistances) -> Terms {
        let network = self.precision.of(network.clone());
        let passed = self.pass(&network, piece, &self.device);
        let mut terms = Terms::l1(passed.restored.clone(), passed.clean.clone());
        if let Some(term) = &self.objective.clip_aware {
            terms.add("clip_aware", term.weight, term.loss(passed.restored.clone()));
        }
        if let Some(term) = &self.objective.perceptual {
            let loss = term.part(compared(passed, piece, average_psnr), distances);
            terms.add("perceptual", term.weight, loss);
        }
        terms
    }

    /// `network`, of this station's precision, on a batch; what it gives is f32.
    fn pass(&self, network: &Network, crops: &Crops, device: &Device) -> Passed {
        let degraded = crops.tensor(&crops.degraded, device);
        let clean = crops.tensor(&crops.clean, device);
        let tokens = self.precision.guidance(self.guidance(&degraded));
        let tokens =
            tokens.map(|tokens| tokens.map(|token| if degraded.is_autodiff() { token } else { token.inner() }));
        let restored = recomputing(self.recomputes, || {
            network.restore_told(self.precision.input(degraded.clone()), tokens, &crops.kinds)
        });
        Passed {
            degraded,
            clean,
            restored: restored.image.cast(FloatDType::F32),
            z: restored.z.map(|z| z.cast(FloatDType::F32)),
        }
    }

    /// Z of other crops of a batch.
    fn code(&self, network: &Network, crops: &Crops, pixels: &[f32]) -> Option<Tensor<2>> {
        let image = self.precision.input(crops.tensor(pixels, &self.device));
        Some(network.degradation(image)?.cast(FloatDType::F32))
    }
}

/// What eq. 11 compares.
fn compared(passed: Passed, crops: &Crops, average_psnr: f64) -> Compared {
    let device = passed.degraded.device();
    let negatives = crops.negatives.iter();
    Compared {
        negatives: negatives.map(|pixels| crops.tensor(pixels, &device)).collect(),
        restored: passed.restored,
        clean: passed.clean,
        degraded: passed.degraded,
        average_psnr,
    }
}

/// Losses of the same names.
pub fn sum(mut losses: Vec<(&'static str, f64)>, others: &[(&'static str, f64)]) -> Vec<(&'static str, f64)> {
    for ((_, loss), (_, other)) in losses.iter_mut().zip(others) {
        *loss += other;
    }
    losses
}

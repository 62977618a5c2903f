//! One batch in pieces, one after the other and on several devices at once; what comes out equals the whole batch within
//! rounding.
//!
//! L1 and the CLIP-aware loss are means over the pictures, so pieces add up. The contrastive loss
//! compares the pictures of a batch with each other: it is taken of the whole batch's codes, which the CFE alone makes.
//! The perceptual loss divides means over the batch: they are measured first, by one pass without gradients, and its
//! gradient is then the sum of the pieces'.

use std::{panic::resume_unwind, thread};

use burn::{module::Module, tensor::Gradients};

use super::{Losses, Training};
use crate::{
    loss::difficulty_adaptive::BatchDistances,
    train::{
        NotFinite,
        batch::Crops,
        gradients::FlatGradients,
        station::{self, Station},
    },
};

impl Training {
    /// The terms' values, and the gradients of their sum, every device at once.
    pub(super) fn in_pieces(&self, crops: &Crops, pieces: &[Crops]) -> Result<(Losses, Gradients), NotFinite> {
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
}

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

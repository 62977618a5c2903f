//! A loss that is finite and explodes: held against the median of the training's beginning.

/// So many first losses make the median.
const BEGINNING: usize = 100;

/// Before so many nothing can be said.
const FEWEST: usize = 10;

/// The first losses of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beginning {
    pub losses: Vec<f32>,
}

impl Beginning {
    /// Takes up the loss of the next step. `Some(median)`: it is more than `above` times the median of those before it
    /// (of the first hundred, at most) and diverges; `above` of 0 never does.
    pub fn add(&mut self, loss: f64, above: f64) -> Option<f64> {
        let diverged = self.median().filter(|median| above > 0.0 && loss > above * median);
        if self.losses.len() < BEGINNING && diverged.is_none() {
            // A loss is computed in f32.
            self.losses.push(loss as f32);
        }
        diverged
    }

    fn median(&self) -> Option<f64> {
        if self.losses.len() < FEWEST {
            return None;
        }
        let mut sorted = self.losses.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        Some(f64::from(sorted[sorted.len() / 2]).max(f64::from(f32::MIN_POSITIVE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_far_above_the_beginning_diverges() {
        let mut beginning = Beginning::default();
        for step in 0..300 {
            let loss = 1.0 + f64::from(step % 3);
            assert_eq!(beginning.add(loss, 1000.0), None, "step {step}");
        }
        assert_eq!(beginning.losses.len(), BEGINNING);
        assert_eq!(beginning.add(2000.0, 1000.0), None);
        assert_eq!(beginning.add(2000.1, 1000.0), Some(2.0));
        assert_eq!(beginning.add(1e30, 0.0), None);
    }

    #[test]
    fn the_first_steps_may_be_wild() {
        let mut beginning = Beginning::default();
        for loss in [5.0, 1e6, 3.0] {
            assert_eq!(beginning.add(loss, 10.0), None);
        }
    }
}

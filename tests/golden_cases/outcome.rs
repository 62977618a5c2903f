//! What comparing one case gave.

use burn::tensor::Tensor;
use perceive_model::{device::DeviceName, weights::Array};

use super::case::device;

/// Of outputs and gradients, relative to the largest magnitude of what is expected.
pub const OUTPUT_TOLERANCE: f64 = 1e-4;
pub const GRADIENT_TOLERANCE: f64 = 1e-3;

/// What all tolerances are multiplied by: a GPU adds in another order, and may multiply matrices with fewer digits (TF32).
fn widening() -> f64 {
    match device() {
        DeviceName::Cpu => 1.0,
        DeviceName::Cuda(_) => 10.0,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Output,
    Gradient,
}

struct Comparison {
    label: String,
    kind: Kind,
    /// Infinite for a wrong shape, NaN or a gradient that is not there.
    difference: f64,
    tolerance: f64,
    remark: String,
}

/// The comparisons of one case.
#[derive(Default)]
pub struct Outcome {
    comparisons: Vec<Comparison>,
}

impl Outcome {
    pub fn output<const D: usize>(&mut self, label: &str, got: Tensor<D>, want: &Array) {
        self.compare(label, got, want, OUTPUT_TOLERANCE);
    }

    /// `got` is what [`Tensor::grad`] or [`perceive_model::weights::gradient`] gave.
    pub fn gradient(&mut self, label: &str, got: Option<Array>, want: &Array) {
        match got {
            Some(got) => self.arrays(label, Kind::Gradient, &got, want, GRADIENT_TOLERANCE),
            None => self.push(label, Kind::Gradient, f64::INFINITY, GRADIENT_TOLERANCE, "no gradient"),
        }
    }

    pub fn compare<const D: usize>(&mut self, label: &str, got: Tensor<D>, want: &Array, tolerance: f64) {
        self.arrays(label, Kind::Output, &Array::of(&got), want, tolerance);
    }

    /// One number, relative to itself.
    pub fn value(&mut self, label: &str, got: f64, want: f64, tolerance: f64) {
        self.number(label, Kind::Output, got, want, tolerance);
    }

    /// The norm of a gradient, relative to itself.
    pub fn norm(&mut self, label: &str, got: f64, want: f64, tolerance: f64) {
        self.number(label, Kind::Gradient, got, want, tolerance);
    }

    fn number(&mut self, label: &str, kind: Kind, got: f64, want: f64, tolerance: f64) {
        let difference = (got - want).abs() / want.abs().max(f64::MIN_POSITIVE);
        let remark = format!("{got} instead of {want}");
        self.push(label, kind, difference, tolerance, &remark);
    }

    /// A difference that was taken elsewhere.
    pub fn at_most(&mut self, label: &str, difference: f64, tolerance: f64) {
        self.push(label, Kind::Output, difference, tolerance, "relative");
    }

    /// Anything that is either equal or not.
    pub fn equal<T: PartialEq + std::fmt::Debug>(&mut self, label: &str, got: T, want: T) {
        let difference = if got == want { 0.0 } else { f64::INFINITY };
        self.push(
            label,
            Kind::Output,
            difference,
            0.0,
            &format!("{got:?} instead of {want:?}"),
        );
    }

    pub fn widest(&self, kind: Kind) -> Option<f64> {
        let of_kind = self.comparisons.iter().filter(|comparison| comparison.kind == kind);
        of_kind.map(|comparison| comparison.difference).reduce(f64::max)
    }

    pub fn failures(&self) -> Vec<String> {
        let failed = self.comparisons.iter().filter(|c| c.difference > c.tolerance);
        let told = failed.map(|c| format!("{}: {:.2e} > {:.0e} ({})", c.label, c.difference, c.tolerance, c.remark));
        let nothing = self.comparisons.is_empty().then(|| "nothing was compared".to_owned());
        told.chain(nothing).collect()
    }

    fn arrays(&mut self, label: &str, kind: Kind, got: &Array, want: &Array, tolerance: f64) {
        let singles = |array: &Array| array.shape.iter().copied().skip_while(|n| *n == 1).collect::<Vec<_>>();
        if singles(got) != singles(want) {
            let remark = format!("shape {:?} instead of {:?}", got.shape, want.shape);
            return self.push(label, kind, f64::INFINITY, tolerance, &remark);
        }
        let magnitude = want.data.iter().fold(0.0_f32, |widest, value| widest.max(value.abs()));
        let pairs = got.data.iter().zip(&want.data).enumerate();
        let differences = pairs.map(|(at, (got, want))| (at, f64::from((got - want).abs())));
        let whole = differences.map(|(at, d)| (at, if d.is_nan() { f64::INFINITY } else { d }));
        let (at, widest) = whole.fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a });
        let remark = format!("element {at}: {} instead of {}", got.data[at], want.data[at]);
        let difference = widest / f64::from(magnitude).max(f64::MIN_POSITIVE);
        self.push(label, kind, difference, tolerance, &remark);
    }

    fn push(&mut self, label: &str, kind: Kind, difference: f64, tolerance: f64, remark: &str) {
        let tolerance = tolerance * widening();
        self.comparisons.push(Comparison {
            label: label.to_owned(),
            kind,
            difference,
            tolerance,
            remark: remark.to_owned(),
        });
    }
}

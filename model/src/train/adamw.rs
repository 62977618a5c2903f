//! AdamW (Loshchilov and Hutter 2019) as PyTorch computes it, over all parameters of a module at once, with the gradient
//! clipped by its global norm.
//!
//! Its moments live under the parameters' keys, so that saving and loading them is exact on every device.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Gradients, Tensor},
};

use crate::weights::{Array, Checkpoint, KeyPath};

/// The optimiser and its state.
#[derive(Clone, Debug)]
pub struct AdamW {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    /// Gradients are scaled down to this norm over all parameters; 0: never.
    clip_norm: f64,
    steps: u64,
    moments: BTreeMap<String, Moments>,
}

#[derive(Clone, Debug)]
struct Moments {
    first: Tensor<1>,
    second: Tensor<1>,
}

impl AdamW {
    /// With PyTorch's betas (0.9, 0.999) and epsilon (1e-8).
    pub fn new(weight_decay: f64, clip_norm: f64) -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay,
            clip_norm,
            steps: 0,
            moments: BTreeMap::new(),
        }
    }

    /// One step at `rate`. Gives the changed module and the gradient's global norm before clipping; where that is no
    /// number, nothing is changed.
    pub fn step<M: Module>(&mut self, module: M, gradients: &Gradients, rate: f64) -> (M, f64) {
        let mut norm = Norm {
            gradients,
            squares: Vec::new(),
        };
        module.visit(&mut norm);
        let norm = norm.total();
        if !norm.is_finite() {
            return (module, norm);
        }
        let scale = if self.clip_norm > 0.0 && norm > self.clip_norm {
            self.clip_norm / (norm + 1e-6)
        } else {
            1.0
        };
        self.steps += 1;
        let module = module.map(&mut Update {
            adamw: self,
            gradients,
            rate,
            scale,
            path: KeyPath::default(),
        });
        (module, norm)
    }

    /// Adds the state to `checkpoint` under `prefix`.
    pub fn save(&self, checkpoint: &mut Checkpoint, prefix: &str) {
        checkpoint
            .metadata
            .insert(format!("{prefix}.steps"), self.steps.to_string());
        for (key, moments) in &self.moments {
            checkpoint
                .tensors
                .insert(format!("{prefix}.first.{key}"), Array::of(&moments.first));
            checkpoint
                .tensors
                .insert(format!("{prefix}.second.{key}"), Array::of(&moments.second));
        }
    }

    /// Takes the state back from `checkpoint`; `None` where it holds none under `prefix`.
    #[must_use]
    pub fn load(mut self, checkpoint: &Checkpoint, prefix: &str, device: &burn::tensor::Device) -> Option<Self> {
        self.steps = checkpoint.metadata.get(&format!("{prefix}.steps"))?.parse().ok()?;
        let firsts = checkpoint.under(&format!("{prefix}.first."));
        let seconds = checkpoint.under(&format!("{prefix}.second."));
        self.moments = firsts
            .tensors
            .iter()
            .map(|(key, first)| {
                let second = seconds.tensors.get(key)?;
                Some((
                    key.clone(),
                    Moments {
                        first: first.tensor(device),
                        second: second.tensor(device),
                    },
                ))
            })
            .collect::<Option<_>>()?;
        Some(self)
    }
}

/// Sums the squares of all gradients, parameter by parameter in the module's order.
struct Norm<'a> {
    gradients: &'a Gradients,
    squares: Vec<Tensor<1>>,
}

impl Norm<'_> {
    fn total(self) -> f64 {
        let sums = self
            .squares
            .into_iter()
            .map(|square| f64::from(square.into_scalar::<f32>()));
        sums.sum::<f64>().sqrt()
    }
}

impl ModuleVisitor for Norm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        if let Some(gradient) = param.val().grad(self.gradients) {
            self.squares.push((gradient.clone() * gradient).sum());
        }
    }
}

struct Update<'a> {
    adamw: &'a mut AdamW,
    gradients: &'a Gradients,
    rate: f64,
    scale: f64,
    path: KeyPath,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.is_require_grad() {
            return param;
        }
        let Some(gradient) = param.val().grad(self.gradients) else {
            return param;
        };
        let key = self.path.key();
        param.map(|tensor| {
            let shape = tensor.dims();
            let flat = tensor.inner().flatten::<1>(0, D - 1);
            let gradient = gradient.flatten::<1>(0, D - 1) * self.scale;
            let updated = self.adamw.update(key, flat, gradient, self.rate);
            updated.reshape(shape).autodiff().require_grad()
        })
    }
}

impl AdamW {
    /// `p ← p (1 - rate·decay) - rate · m̂ / (√v̂ + ε)`.
    fn update(&mut self, key: String, value: Tensor<1>, gradient: Tensor<1>, rate: f64) -> Tensor<1> {
        let Self { beta1, beta2, .. } = *self;
        let squared = gradient.clone() * gradient.clone() * (1.0 - beta2);
        let moments = match self.moments.remove(&key) {
            Some(Moments { first, second }) => Moments {
                first: first * beta1 + gradient * (1.0 - beta1),
                second: second * beta2 + squared,
            },
            None => Moments {
                first: gradient * (1.0 - beta1),
                second: squared,
            },
        };
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let correction1 = 1.0 - beta1.powi(steps);
        let correction2 = 1.0 - beta2.powi(steps);
        let denominator = moments.second.clone().sqrt() / correction2.sqrt() + self.epsilon;
        let direction = moments.first.clone() / denominator;
        self.moments.insert(key, moments);
        value * (1.0 - rate * self.weight_decay) - direction * (rate / correction1)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Two {
        a: Param<Tensor<1>>,
        b: Param<Tensor<2>>,
    }

    fn two(device: &Device) -> Two {
        Two {
            a: Param::from_tensor(Tensor::from_data([1.0, -2.0], device)),
            b: Param::from_tensor(Tensor::from_data([[0.5], [3.0]], device)),
        }
    }

    fn loss(two: &Two) -> Tensor<1> {
        (two.a.val() * two.a.val()).sum() + (two.b.val() * 3.0).sum()
    }

    /// The scalar recursion written out, without tensors.
    fn by_hand(start: f64, gradients: impl Fn(f64) -> f64, steps: i32, rate: f64, decay: f64) -> f64 {
        let (mut p, mut m, mut v) = (start, 0.0, 0.0);
        for t in 1..=steps {
            let g = gradients(p);
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            p *= 1.0 - rate * decay;
            p -= rate / (1.0 - 0.9_f64.powi(t)) * m / ((v / (1.0 - 0.999_f64.powi(t))).sqrt() + 1e-8);
        }
        p
    }

    #[test]
    fn steps_follow_the_recursion() {
        let device = Device::flex().autodiff();
        let (mut module, mut adamw) = (two(&device), AdamW::new(0.01, 0.0));
        for _ in 0..5 {
            let gradients = loss(&module).backward();
            module = adamw.step(module, &gradients, 0.1).0;
        }
        let a = Array::of(&module.a.val()).data;
        let b = Array::of(&module.b.val()).data;
        let close = |got: f32, want: f64| assert!((f64::from(got) - want).abs() < 1e-5, "{got} is not {want}");
        close(a[0], by_hand(1.0, |p| 2.0 * p, 5, 0.1, 0.01));
        close(a[1], by_hand(-2.0, |p| 2.0 * p, 5, 0.1, 0.01));
        close(b[1], by_hand(3.0, |_| 3.0, 5, 0.1, 0.01));
    }

    #[test]
    fn the_norm_is_over_all_parameters() {
        let device = Device::flex().autodiff();
        let module = two(&device);
        let gradients = loss(&module).backward();
        let (_, norm) = AdamW::new(0.0, 1.0).step(module, &gradients, 0.1);
        assert!((norm - (4.0_f64 + 16.0 + 9.0 + 9.0).sqrt()).abs() < 1e-5, "{norm}");
    }

    #[test]
    fn a_gradient_that_is_no_number_changes_nothing() {
        let device = Device::flex().autodiff();
        let (module, mut adamw) = (two(&device), AdamW::new(0.01, 1.0));
        let (module, _) = adamw.step(module.clone(), &loss(&module).backward(), 0.1);
        let state = |module: &Two, adamw: &AdamW| {
            let mut checkpoint = Checkpoint::from_module(module);
            adamw.save(&mut checkpoint, "adamw");
            checkpoint
        };
        let before = state(&module, &adamw);
        let gradients = (loss(&module) * f32::INFINITY).backward();
        let (module, norm) = adamw.step(module, &gradients, 0.1);
        assert!(!norm.is_finite());
        assert_eq!(state(&module, &adamw), before);
    }

    #[test]
    fn a_saved_state_goes_on_to_the_last_bit() {
        let device = Device::flex().autodiff();
        let (mut module, mut adamw) = (two(&device), AdamW::new(0.01, 1.0));
        let step = |module: Two, adamw: &mut AdamW| {
            let gradients = loss(&module).backward();
            adamw.step(module, &gradients, 0.1).0
        };
        for _ in 0..3 {
            module = step(module, &mut adamw);
        }
        let mut saved = Checkpoint::from_module(&module);
        adamw.save(&mut saved, "adamw");
        let mut again = AdamW::new(0.01, 1.0).load(&saved, "adamw", &Device::flex()).unwrap();
        let other = module.clone();
        let (straight, resumed) = (step(module, &mut adamw), step(other, &mut again));
        assert_eq!(Checkpoint::from_module(&straight), Checkpoint::from_module(&resumed));
    }
}

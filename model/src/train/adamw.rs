//! AdamW (Loshchilov and Hutter 2019) as PyTorch computes it, over all parameters of a module at once, with the gradient
//! clipped by its global norm.
//!
//! Its moments live under the parameters' keys, so that saving and loading them is exact on every device.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Gradients, Shape, Tensor},
};

use crate::kernel::{AdamwStep, Learned, adamw, global_norm};
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

    /// One step at `rate` on `module`. Gives the gradient's global norm before clipping; where that is no number, nothing
    /// is changed.
    pub fn step<M: Module>(&mut self, module: &mut M, gradients: &Gradients, rate: f64) -> f64 {
        let mut norm = Norm {
            gradients,
            found: Vec::new(),
        };
        module.visit(&mut norm);
        let norm = global_norm(norm.found);
        if !norm.is_finite() {
            return norm;
        }
        self.steps += 1;
        let mut taken = Take {
            moments: &mut self.moments,
            gradients,
            parameters: Vec::new(),
            places: Vec::new(),
            path: KeyPath::default(),
        };
        let hollow = module.clone().map(&mut taken);
        let Take { parameters, places, .. } = taken;
        // Now nobody else holds the values, unless there is another copy of the module: they change where they are.
        *module = hollow.clone();
        let learned = adamw(parameters, self.rule(norm, rate));
        let mut updated = BTreeMap::new();
        for ((key, shape), parameter) in places.into_iter().zip(learned) {
            let Learned {
                value, first, second, ..
            } = parameter;
            self.moments.insert(key.clone(), Moments { first, second });
            updated.insert(key, (value, shape));
        }
        *module = hollow.map(&mut Give {
            updated,
            path: KeyPath::default(),
        });
        norm
    }

    fn rule(&self, norm: f64, rate: f64) -> AdamwStep {
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let clips = self.clip_norm > 0.0 && norm > self.clip_norm;
        AdamwStep {
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            gradient_scale: if clips { self.clip_norm / (norm + 1e-6) } else { 1.0 },
            keep: 1.0 - rate * self.weight_decay,
            rate: rate / (1.0 - self.beta1.powi(steps)),
            deviation: (1.0 - self.beta2.powi(steps)).sqrt(),
        }
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

/// Finds the gradients of all parameters, in the module's order.
struct Norm<'a> {
    gradients: &'a Gradients,
    found: Vec<Tensor<1>>,
}

impl ModuleVisitor for Norm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        if let Some(gradient) = param.val().grad(self.gradients) {
            self.found.push(gradient.flatten(0, D - 1));
        }
    }
}

/// Takes values and moments of all parameters with a gradient, and leaves one number in each value's place.
struct Take<'a> {
    moments: &'a mut BTreeMap<String, Moments>,
    gradients: &'a Gradients,
    parameters: Vec<Learned>,
    /// Their keys and shapes.
    places: Vec<(String, Shape)>,
    path: KeyPath,
}

impl ModuleMapper for Take<'_> {
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
        param.map(|value| {
            let gradient = gradient.flatten::<1>(0, D - 1);
            let Moments { first, second } = self.moments.remove(&key).unwrap_or_else(|| Moments {
                first: gradient.zeros_like(),
                second: gradient.zeros_like(),
            });
            let place = Tensor::zeros([1; D], &value.device());
            self.places.push((key, value.shape()));
            self.parameters.push(Learned {
                value: value.inner().flatten(0, D - 1),
                gradient,
                first,
                second,
            });
            place
        })
    }
}

/// Puts the changed values back.
struct Give {
    updated: BTreeMap<String, (Tensor<1>, Shape)>,
    path: KeyPath,
}

impl ModuleMapper for Give {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.updated.remove(&self.path.key()) {
            Some((value, shape)) => param.map(|_| value.reshape(shape).autodiff().require_grad()),
            None => param,
        }
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
            adamw.step(&mut module, &gradients, 0.1);
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
        let mut module = two(&device);
        let gradients = loss(&module).backward();
        let norm = AdamW::new(0.0, 1.0).step(&mut module, &gradients, 0.1);
        assert!((norm - (4.0_f64 + 16.0 + 9.0 + 9.0).sqrt()).abs() < 1e-5, "{norm}");
    }

    #[test]
    fn a_gradient_that_is_no_number_changes_nothing() {
        let device = Device::flex().autodiff();
        let (mut module, mut adamw) = (two(&device), AdamW::new(0.01, 1.0));
        let gradients = loss(&module).backward();
        adamw.step(&mut module, &gradients, 0.1);
        let state = |module: &Two, adamw: &AdamW| {
            let mut checkpoint = Checkpoint::from_module(module);
            adamw.save(&mut checkpoint, "adamw");
            checkpoint
        };
        let before = state(&module, &adamw);
        let gradients = (loss(&module) * f32::INFINITY).backward();
        let norm = adamw.step(&mut module, &gradients, 0.1);
        assert!(!norm.is_finite());
        assert_eq!(state(&module, &adamw), before);
    }

    #[test]
    fn a_saved_state_goes_on_to_the_last_bit() {
        let device = Device::flex().autodiff();
        let (mut module, mut adamw) = (two(&device), AdamW::new(0.01, 1.0));
        let step = |mut module: Two, adamw: &mut AdamW| {
            let gradients = loss(&module).backward();
            adamw.step(&mut module, &gradients, 0.1);
            module
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

    #[test]
    fn a_copy_of_the_module_stays_as_it_was() {
        let device = Device::flex().autodiff();
        let (mut module, mut adamw) = (two(&device), AdamW::new(0.01, 1.0));
        let copy = module.clone();
        let gradients = loss(&module).backward();
        adamw.step(&mut module, &gradients, 0.1);
        assert_eq!(Checkpoint::from_module(&copy), Checkpoint::from_module(&two(&device)));
        assert_ne!(Checkpoint::from_module(&module), Checkpoint::from_module(&copy));
        assert!(module.a.is_require_grad() && module.b.val().dims() == [2, 1]);
    }
}

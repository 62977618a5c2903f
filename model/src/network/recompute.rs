//! Trading time for memory: a block that keeps only its inputs, and is run once more in the backward pass.
//!
//! This is what happens to the blocks of a network that is run inside [`recomputing`], on the CPU backend. The second run
//! repeats the first to the last bit, and so the gradients are those of a network that keeps everything.

use std::{cell::Cell, fmt, sync::Arc};

use burn::{
    backend::{
        Autodiff, BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        tensor::FloatTensor,
    },
    module::{Module, ModuleVisitor, Param},
    tensor::{GradientCheckpointingStrategy, Tensor},
};

use crate::kernel::is_on_cpu;

/// What a block reads besides its weights.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Features, the first of them x.
    pub features: Vec<Tensor<4>>,
    pub conditions: Vec<Tensor<2>>,
}

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` with blocks that keep only their inputs, where that is `asked` for: less memory, about a third more time.
pub fn recomputing<T>(asked: bool, work: impl FnOnce() -> T) -> T {
    /// Gives back what was asked before, however the work ends.
    struct Before(bool);

    impl Drop for Before {
        fn drop(&mut self) {
            ASKED.set(self.0);
        }
    }

    let _before = Before(ASKED.replace(asked));
    work()
}

/// `forward(block, x)`; inside [`recomputing`] without keeping what happens inside.
pub fn recomputed<M: Module + Sync + 'static>(
    block: &M,
    x: Tensor<4>,
    forward: fn(&M, Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let inputs = Inputs {
        features: vec![x],
        conditions: Vec::new(),
    };
    recomputed_with(block, inputs, move |block, inputs| {
        forward(block, inputs.features[0].clone())
    })
}

/// The same for a block that reads more than x.
pub fn recomputed_with<M: Module + Sync + 'static>(
    block: &M,
    inputs: Inputs,
    forward: impl Fn(&M, Inputs) -> Tensor<4> + Send + Sync + 'static,
) -> Tensor<4> {
    let device = inputs.features[0].device();
    let mut leaves = Leaves(Vec::new());
    if ASKED.get() && device.is_autodiff() && is_on_cpu(&device) {
        leaves.0.extend(inputs.leaves());
        block.visit(&mut leaves);
    }
    if leaves.0.is_empty() || leaves.0.len() > MOST_LEAVES {
        return forward(block, inputs);
    }
    let (block, inputs) = (block.valid(), inputs.inner());
    let output = forward(&block, inputs.clone());
    let again = move |gradient: Tensor<4>| {
        let (block, inputs) = (block.clone().train(), inputs.clone().tracked());
        let output = forward(&block, inputs.clone());
        let gradients = (output * gradient.autodiff()).sum().backward();
        let mut found = Found {
            gradients: &gradients,
            tensors: Vec::new(),
        };
        found.add_all(&inputs.features);
        found.add_all(&inputs.conditions);
        block.visit(&mut found);
        found.tensors
    };
    attach(output, leaves.0, Again(Arc::new(again)))
}

impl Inputs {
    fn leaves(&self) -> impl Iterator<Item = Tracked> {
        let features = self.features.iter().cloned().map(Tensor::into_dispatch);
        let conditions = self.conditions.iter().cloned().map(Tensor::into_dispatch);
        features.chain(conditions).map(tracked)
    }

    /// Without gradients.
    fn inner(self) -> Self {
        Self {
            features: self.features.into_iter().map(Tensor::inner).collect(),
            conditions: self.conditions.into_iter().map(Tensor::inner).collect(),
        }
    }

    /// As the beginning of a graph of their own.
    fn tracked(self) -> Self {
        Self {
            features: self.features.into_iter().map(|x| x.autodiff().require_grad()).collect(),
            conditions: self
                .conditions
                .into_iter()
                .map(|x| x.autodiff().require_grad())
                .collect(),
        }
    }
}

/// A tensor of the CPU backend with its place in a graph.
type Tracked = FloatTensor<Autodiff<Flex>>;

/// Most inputs and weights of a block. One that has more keeps its activations.
const MOST_LEAVES: usize = 40;

/// The block's inputs and weights, each a leaf of its second run.
struct Leaves(Vec<Tracked>);

impl ModuleVisitor for Leaves {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(tracked(param.val().into_dispatch()));
    }
}

/// The leaves' gradients, in the same order.
struct Found<'a> {
    gradients: &'a burn::tensor::Gradients,
    tensors: Vec<Option<DispatchTensor>>,
}

impl Found<'_> {
    fn add<const D: usize>(&mut self, tensor: &Tensor<D>) {
        self.tensors
            .push(tensor.grad(self.gradients).map(Tensor::into_dispatch));
    }

    fn add_all<const D: usize>(&mut self, tensors: &[Tensor<D>]) {
        for tensor in tensors {
            self.add(tensor);
        }
    }
}

impl ModuleVisitor for Found<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(&param.val());
    }
}

/// Runs the block once more, and gives the gradients of its leaves from the gradient of its output.
#[derive(Clone)]
struct Again(Arc<dyn Fn(Tensor<4>) -> Vec<Option<DispatchTensor>> + Send + Sync>);

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Again")
    }
}

/// The output, which came about without gradients, as what the block makes of `leaves`.
fn attach(output: Tensor<4>, leaves: Vec<Tracked>, again: Again) -> Tensor<4> {
    let output = tracked(output.into_dispatch());
    // Nobody asks for a gradient of the output as it is: it fills the places that are left.
    let nodes = std::array::from_fn(|place| leaves.get(place).unwrap_or(&output).node());
    let output = match SecondRun.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::UnTracked(step) => step.finish(output.into_primitive()),
        OpsKind::Tracked(step) => step.finish(again, output.into_primitive()),
    };
    Tensor::from_dispatch(DispatchTensor {
        kind: DispatchTensorKind::Autodiff(Box::new(DispatchTensorKind::Flex(BackendTensor::Autodiff(output)))),
        autodiff: DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Disabled),
    })
}

/// A tensor of the CPU backend in its graph; one that is in none is a constant.
#[allow(
    clippy::match_wildcard_for_single_variants,
    reason = "a build for GPUs has more variants"
)]
fn tracked(tensor: DispatchTensor) -> Tracked {
    let kind = match tensor.kind {
        DispatchTensorKind::Autodiff(kind) => *kind,
        kind => kind,
    };
    match kind {
        DispatchTensorKind::Flex(BackendTensor::Autodiff(tensor)) => tensor,
        DispatchTensorKind::Flex(tensor) => Tracked::new(tensor.float()),
        #[allow(unreachable_patterns)]
        _ => unreachable!("blocks are run again on the CPU backend only"),
    }
}

#[derive(Debug)]
struct SecondRun;

impl Backward<Flex, MOST_LEAVES> for SecondRun {
    type State = Again;

    fn backward(self, ops: Ops<Again, MOST_LEAVES>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = DispatchTensor {
            kind: DispatchTensorKind::Flex(BackendTensor::Float(gradients.consume::<Flex>(&ops.node))),
            autodiff: DispatchAutodiffContext::Disabled,
        };
        let found = (ops.state.0)(Tensor::from_dispatch(gradient));
        for (parent, found) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(found)) = (parent, found) {
                gradients.register::<Flex>(parent.id, tracked(found).into_primitive());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::network::{Network, NetworkConfig, Size};
    use crate::weights::{Checkpoint, load};

    /// Output and gradients of everything, as bytes would tell them apart.
    fn step(config: &NetworkConfig, weights: &Checkpoint, image: &Tensor<4>, again: bool) -> Vec<Vec<f32>> {
        let device = &Device::flex().autodiff();
        let network = load(Network::new(config, device), weights, "memory").unwrap();
        let onto = |x: Tensor<4>| Tensor::<4>::from_data(x.into_data(), device);
        let image = onto(image.clone()).require_grad();
        let guidance = [0.5_f32, -1.0, 1.5, 2.0].map(|value| Tensor::full([2, 6], value, device));
        let output = recomputing(again, || network.forward(image.clone(), Some(guidance)).image);
        let gradients = (output.clone() * output.clone()).sum().backward();
        let mut found = Found {
            gradients: &gradients,
            tensors: Vec::new(),
        };
        found.add(&image);
        network.visit(&mut found);
        let found = found.tensors.into_iter().map(|tensor| {
            tensor.map_or(Vec::new(), |tensor| {
                Tensor::<1>::from_dispatch(tensor).into_data().iter::<f32>().collect()
            })
        });
        [output.into_data().iter::<f32>().collect()]
            .into_iter()
            .chain(found)
            .collect()
    }

    /// The largest difference, in shares of the largest number of the same tensor.
    fn difference(kept: &[Vec<f32>], again: &[Vec<f32>]) -> f32 {
        let of = |(kept, again): (&Vec<f32>, &Vec<f32>)| {
            assert_eq!(kept.len(), again.len());
            let scale = kept.iter().fold(1e-6_f32, |scale, number| scale.max(number.abs()));
            let pairs = kept.iter().zip(again);
            pairs.fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / scale
        };
        kept.iter().zip(again).map(of).fold(0.0, f32::max)
    }

    #[test]
    fn a_second_run_changes_nothing() {
        let image = Tensor::<4>::random([2, 3, 16, 24], Distribution::Uniform(0.0, 1.0), &Device::flex());
        // MambaIR's blocks use x three times, and three gradients are added in another order.
        for (name, most) in [
            ("restormer", 0.0),
            ("perceive-ir", 0.0),
            ("promptir", 0.0),
            ("mambair", 1e-3),
        ] {
            let config = NetworkConfig::sized(name, Size::Tiny).unwrap().with_guidance_width(6);
            let network = Network::seeded(&config, 5, &Device::flex());
            let weights = crate::weights::recipe(&crate::weights::shapes(&network));
            let (kept, again) = (
                step(&config, &weights, &image, false),
                step(&config, &weights, &image, true),
            );
            assert!(kept.iter().skip(1).filter(|gradient| !gradient.is_empty()).count() > 10);
            let difference = difference(&kept, &again);
            assert!(difference <= most, "{name}: {difference}");
        }
    }
}

//! Where the kernels meet Burn: operations on the CPU backend with backward passes of their own.
//!
//! A [`Kernel`] works on plain slices. What runs it here makes its inputs contiguous, keeps for the backward pass what
//! that pass will read and nothing else, and asks only for the gradients that somebody wants: nothing is kept for an
//! inference, nothing is computed for a frozen weight.

use std::{fmt::Debug, marker::PhantomData};

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, DispatchDevice, Flex,
        autodiff::{
            checkpoint::{
                base::Checkpointer,
                strategy::{CheckpointStrategy, NoCheckpointing},
            },
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        flex::FlexTensor,
        tensor::FloatTensor,
    },
    tensor::{DType, Device, Shape, Tensor, TensorData},
};

use super::threads::keep_awake;

/// An operation of `N` f32 tensors that gives one, and its derivative.
pub(super) trait Kernel<const N: usize>: Clone + Debug + Send + Sync + 'static {
    /// What the backward pass reads besides the inputs.
    type Saved: Clone + Debug + Send + 'static;

    fn output_shape(&self) -> Shape;

    /// The inputs that the backward pass reads to compute the wanted gradients.
    fn reads(&self, wanted: [bool; N]) -> [bool; N];

    /// The inputs that are only added to the output: their gradient is the output's own, which is passed on as it is.
    fn added(&self) -> [bool; N] {
        [false; N]
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, Self::Saved);

    /// The output alone, where no backward pass follows.
    fn infer(&self, inputs: [&[f32]; N]) -> Vec<f32> {
        self.forward(inputs).0
    }

    /// The wanted gradients, from the output's. Inputs that [`reads`](Self::reads) does not name are empty.
    fn backward(
        &self,
        inputs: [&[f32]; N],
        saved: Self::Saved,
        gradient: &[f32],
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N];
}

/// Whether the kernels can take this tensor: f32 on the CPU backend, and not empty.
pub(super) fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    is_on_cpu(&x.device()) && x.dtype() == DType::F32 && x.shape().num_elements() > 0
}

/// Whether this is Burn's CPU backend, on which there are kernels of our own.
pub fn is_on_cpu(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns)]
        _ => false,
    }
}

pub(super) fn run1<K: Kernel<1>, const O: usize>(kernel: K, a: Tensor<O>) -> Tensor<O> {
    Tensor::from_dispatch(Dispatch::run1(kernel, a.into_dispatch()))
}

pub(super) fn run2<K: Kernel<2>, const O: usize, const B: usize>(kernel: K, a: Tensor<O>, b: Tensor<B>) -> Tensor<O> {
    Tensor::from_dispatch(Dispatch::run2(kernel, a.into_dispatch(), b.into_dispatch()))
}

pub(super) fn run3<K: Kernel<3>, const O: usize, const B: usize, const C: usize>(
    kernel: K,
    a: Tensor<O>,
    b: Tensor<B>,
    c: Tensor<C>,
) -> Tensor<O> {
    Tensor::from_dispatch(Dispatch::run3(
        kernel,
        a.into_dispatch(),
        b.into_dispatch(),
        c.into_dispatch(),
    ))
}

pub(super) fn run4<K: Kernel<4>, const O: usize, const B: usize, const C: usize, const D: usize>(
    kernel: K,
    a: Tensor<O>,
    b: Tensor<B>,
    c: Tensor<C>,
    d: Tensor<D>,
) -> Tensor<O> {
    Tensor::from_dispatch(Dispatch::run4(
        kernel,
        a.into_dispatch(),
        b.into_dispatch(),
        c.into_dispatch(),
        d.into_dispatch(),
    ))
}

/// Six tensors, the last of them perhaps absent.
pub(super) fn run5_or_6<K: Kernel<5> + Kernel<6>, const O: usize, const B: usize, const C: usize>(
    kernel: K,
    [a, b]: [Tensor<O>; 2],
    c: Tensor<B>,
    d: Tensor<C>,
    e: Tensor<O>,
    f: Option<Tensor<O>>,
) -> Tensor<O> {
    let [a, b, e] = [a, b, e].map(Tensor::into_dispatch);
    let (c, d) = (c.into_dispatch(), d.into_dispatch());
    Tensor::from_dispatch(match f {
        Some(f) => Dispatch::run6(kernel, a, b, c, d, e, f.into_dispatch()),
        None => Dispatch::run5(kernel, a, b, c, d, e),
    })
}

/// A convolution: x, weight and perhaps a bias.
pub(super) fn run_convolution<K: Kernel<2> + Kernel<3>>(
    kernel: K,
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
) -> Tensor<4> {
    match bias {
        Some(bias) => run3(kernel, x, weight, bias),
        None => run2(kernel, x, weight),
    }
}

/// The same for every backend that the kernels know; which one a tensor is on shows at run time.
#[backend_extension(Autodiff, Flex)]
trait Kernels: Backend {
    fn run1<K: Kernel<1>>(kernel: K, a: FloatTensor<Self>) -> FloatTensor<Self>;
    fn run2<K: Kernel<2>>(kernel: K, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
    fn run3<K: Kernel<3>>(
        kernel: K,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn run4<K: Kernel<4>>(
        kernel: K,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn run5<K: Kernel<5>>(
        kernel: K,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn run6<K: Kernel<6>>(
        kernel: K,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl Kernels for Flex {
    fn run1<K: Kernel<1>>(kernel: K, a: FlexTensor) -> FlexTensor {
        infer(&kernel, &[a].map(contiguous))
    }

    fn run2<K: Kernel<2>>(kernel: K, a: FlexTensor, b: FlexTensor) -> FlexTensor {
        infer(&kernel, &[a, b].map(contiguous))
    }

    fn run3<K: Kernel<3>>(kernel: K, a: FlexTensor, b: FlexTensor, c: FlexTensor) -> FlexTensor {
        infer(&kernel, &[a, b, c].map(contiguous))
    }

    fn run4<K: Kernel<4>>(kernel: K, a: FlexTensor, b: FlexTensor, c: FlexTensor, d: FlexTensor) -> FlexTensor {
        infer(&kernel, &[a, b, c, d].map(contiguous))
    }

    fn run5<K: Kernel<5>>(
        kernel: K,
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
        e: FlexTensor,
    ) -> FlexTensor {
        infer(&kernel, &[a, b, c, d, e].map(contiguous))
    }

    fn run6<K: Kernel<6>>(
        kernel: K,
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
        e: FlexTensor,
        f: FlexTensor,
    ) -> FlexTensor {
        infer(&kernel, &[a, b, c, d, e, f].map(contiguous))
    }
}

type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn run1<K: Kernel<1>>(kernel: K, a: Tracked<C>) -> Tracked<C> {
        record::<C, K, 1>(kernel, [a])
    }

    fn run2<K: Kernel<2>>(kernel: K, a: Tracked<C>, b: Tracked<C>) -> Tracked<C> {
        record::<C, K, 2>(kernel, [a, b])
    }

    fn run3<K: Kernel<3>>(kernel: K, a: Tracked<C>, b: Tracked<C>, c: Tracked<C>) -> Tracked<C> {
        record::<C, K, 3>(kernel, [a, b, c])
    }

    fn run4<K: Kernel<4>>(kernel: K, a: Tracked<C>, b: Tracked<C>, c: Tracked<C>, d: Tracked<C>) -> Tracked<C> {
        record::<C, K, 4>(kernel, [a, b, c, d])
    }

    fn run5<K: Kernel<5>>(
        kernel: K,
        a: Tracked<C>,
        b: Tracked<C>,
        c: Tracked<C>,
        d: Tracked<C>,
        e: Tracked<C>,
    ) -> Tracked<C> {
        record::<C, K, 5>(kernel, [a, b, c, d, e])
    }

    fn run6<K: Kernel<6>>(
        kernel: K,
        a: Tracked<C>,
        b: Tracked<C>,
        c: Tracked<C>,
        d: Tracked<C>,
        e: Tracked<C>,
        f: Tracked<C>,
    ) -> Tracked<C> {
        record::<C, K, 6>(kernel, [a, b, c, d, e, f])
    }
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// A tensor as a buffer that holds its numbers and nothing else, without autodiff.
pub(super) fn flat(x: Tensor<1>) -> FlexTensor {
    let tensor = x.inner().try_into_primitive::<Flex>().expect("on the CPU, by `fits`");
    if tensor.is_contiguous() && tensor.bytes().len() == size_of::<f32>() * tensor.layout().num_elements() {
        tensor
    } else {
        FlexTensor::from_data(tensor.into_data())
    }
}

/// What `compute` makes of tensors that no gradient is asked of.
pub(super) fn untracked<const O: usize>(
    inputs: Vec<Tensor<1>>,
    shape: [usize; O],
    compute: impl FnOnce(&[&[f32]]) -> Vec<f32>,
) -> Tensor<O> {
    let device = inputs[0].device();
    let inputs: Vec<FlexTensor> = inputs
        .into_iter()
        .map(|input| {
            contiguous(
                input
                    .try_into_primitive::<Flex>()
                    .expect("on the CPU, without autodiff"),
            )
        })
        .collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(numbers).collect();
    keep_awake();
    Tensor::from_data(TensorData::new(compute(&inputs), shape), &device)
}

fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32, by `fits` and `contiguous`")
}

fn tensor(numbers: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

fn forward<K: Kernel<N>, const N: usize>(kernel: &K, inputs: &[FlexTensor; N]) -> (FlexTensor, K::Saved) {
    keep_awake();
    let (output, saved) = kernel.forward(inputs.each_ref().map(numbers));
    (tensor(output, kernel.output_shape()), saved)
}

fn infer<K: Kernel<N>, const N: usize>(kernel: &K, inputs: &[FlexTensor; N]) -> FlexTensor {
    keep_awake();
    tensor(kernel.infer(inputs.each_ref().map(numbers)), kernel.output_shape())
}

/// Computes the output, and notes for the backward pass how it came about.
fn record<C: CheckpointStrategy, K: Kernel<N>, const N: usize>(kernel: K, inputs: [Tracked<C>; N]) -> Tracked<C> {
    let wanted = inputs.each_ref().map(wants_gradient::<C>);
    let nodes = inputs.each_ref().map(Tracked::<C>::node);
    let inputs = inputs.map(|input| contiguous(input.into_primitive()));
    match Derivative::<K>(PhantomData)
        .prepare::<C>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::UnTracked(step) => step.finish(infer(&kernel, &inputs)),
        OpsKind::Tracked(step) => {
            let (output, saved) = forward(&kernel, &inputs);
            let shapes = inputs.each_ref().map(|input| input.layout().shape().clone());
            let mut reads = kernel.reads(wanted).into_iter();
            let inputs = inputs.map(|input| reads.next().unwrap_or_default().then_some(input));
            step.finish(
                Memory {
                    kernel,
                    inputs,
                    shapes,
                    saved,
                },
                output,
            )
        }
    }
}

/// Whether a gradient flows into this tensor. Burn tells it only of an operation about to be recorded.
fn wants_gradient<C: CheckpointStrategy>(tensor: &Tracked<C>) -> bool {
    #[derive(Debug)]
    struct Question;

    impl Backward<Flex, 1> for Question {
        type State = ();

        fn backward(self, _: Ops<(), 1>, _: &mut Gradients, _: &mut Checkpointer) {}
    }

    let answer = Question
        .prepare::<NoCheckpointing>([tensor.node()])
        .compute_bound()
        .stateful();
    matches!(answer, OpsKind::Tracked(_))
}

/// What waits for the backward pass.
#[derive(Clone, Debug)]
struct Memory<K, S, const N: usize> {
    kernel: K,
    inputs: [Option<FlexTensor>; N],
    shapes: [Shape; N],
    saved: S,
}

#[derive(Debug)]
struct Derivative<K>(PhantomData<K>);

impl<K: Kernel<N>, const N: usize> Backward<Flex, N> for Derivative<K> {
    type State = Memory<K, K::Saved, N>;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let Memory {
            kernel,
            inputs,
            shapes,
            saved,
        } = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let slices = inputs.each_ref().map(|input| input.as_ref().map_or(&[][..], numbers));
        keep_awake();
        let results = kernel.backward(slices, saved, numbers(&gradient), wanted);
        for (parent, added) in ops.parents.iter().zip(kernel.added()) {
            if let (Some(parent), true) = (parent, added) {
                gradients.register::<Flex>(parent.id, gradient.clone());
            }
        }
        for ((parent, result), shape) in ops.parents.iter().zip(results).zip(shapes) {
            if let (Some(parent), Some(result)) = (parent, result) {
                gradients.register::<Flex>(parent.id, tensor(result, shape));
            }
        }
    }
}

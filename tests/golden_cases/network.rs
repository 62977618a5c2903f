//! What all restoration networks have in common: a picture in, a picture out.

use burn::{
    module::Module,
    tensor::{Tensor, ops::PadMode},
};
use perceive_model::weights::{Array, gradient};

use super::{case::Case, outcome::Outcome};

/// Loads the weights of the case into `module`, then compares
/// - `__output__` with `forward(__input__)`,
/// - `__grad_input__` and every `__grad_param__.KEY` with the gradients of the sum of the squared output,
/// - `__output2__` with `__input2__` reflected at its right and lower edges to multiples of `multiple`, and cut again.
///
/// What else the network takes (features of a tower), `forward` gets from the case: for the second picture, which is
/// one, as many of them as its batch.
pub fn compare<M: Module>(
    case: &Case,
    multiple: usize,
    module: M,
    forward: impl Fn(&M, Tensor<4>) -> Tensor<4>,
) -> Outcome {
    compare_loaded(case, multiple, &case.load(module), forward)
}

/// The same for a module that has its weights already.
pub fn compare_loaded<M: Module>(
    case: &Case,
    multiple: usize,
    module: &M,
    forward: impl Fn(&M, Tensor<4>) -> Tensor<4>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let input = case.tensor::<4>("__input__").require_grad();
    let output = forward(module, input.clone());
    outcome.output("output", output.clone(), case.array("__output__"));

    if case.has("__grad_input__") {
        let gradients = output.powi_scalar(2).sum().backward();
        let got = input.grad(&gradients).map(|gradient| Array::of(&gradient));
        outcome.gradient("gradient of the input", got, case.array("__grad_input__"));
        for (name, want) in &case.tensors {
            if let Some(key) = name.strip_prefix("__grad_param__.") {
                let label = format!("gradient of {key}");
                outcome.gradient(&label, gradient(module, &gradients, key), want);
            }
        }
    }
    if case.has("__input2__") {
        let output = padded(case.tensor("__input2__"), multiple, |x| forward(module, x));
        outcome.output("padded output", output, case.array("__output2__"));
    }
    outcome
}

/// The published test protocol for sizes that are no multiples.
pub fn padded(x: Tensor<4>, multiple: usize, forward: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let right = width.next_multiple_of(multiple) - width;
    let lower = height.next_multiple_of(multiple) - height;
    if right + lower == 0 {
        return forward(x);
    }
    let y = forward(x.pad((0, right, 0, lower), PadMode::Reflect));
    y.slice([0..batch, 0..channels, 0..height, 0..width])
}

//! The deformable convolution of AirNet: its output and the gradients of all that goes in.

use burn::tensor::Tensor;
use perceive_model::{
    kernel::{deformable_columns, pointwise},
    weights::Array,
};

use super::{case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let input = |name: &str| case.tensor::<4>(&format!("__{name}__")).require_grad();
    let [x, offset, mask, weight] = ["input", "offset", "mask", "weight"].map(input);
    let bias = case.tensor::<1>("__bias__").require_grad();
    let columns = deformable_columns(x.clone(), Tensor::cat(vec![offset.clone(), mask.clone()], 1));
    let [outputs, inputs, height, width] = weight.dims();
    let flat = weight.clone().reshape([outputs, inputs * height * width, 1, 1]);
    let output = pointwise(columns, flat, Some(bias.clone()));
    let mut outcome = Outcome::default();
    outcome.output("output", output.clone(), case.array("__output__"));
    let gradients = output.powi_scalar(2).sum().backward();
    let mut compare = |name: &str, got: Option<Array>| {
        outcome.gradient(
            &format!("gradient of {name}"),
            got,
            case.array(&format!("__grad_{name}__")),
        );
    };
    let of = |tensor: &Tensor<4>| tensor.grad(&gradients).map(|gradient| Array::of(&gradient));
    compare("input", of(&x));
    compare("offset", of(&offset));
    compare("mask", of(&mask));
    compare("weight", of(&weight));
    compare("bias", bias.grad(&gradients).map(|gradient| Array::of(&gradient)));
    outcome
}

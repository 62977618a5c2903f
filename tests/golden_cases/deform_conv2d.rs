//! The deformable convolution of AirNet: its output and the gradients of all that goes in.

use burn::tensor::{Tensor, module::deform_conv2d, ops::DeformConvOptions};
use perceive_model::weights::Array;

use super::{case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let input = |name: &str| case.tensor::<4>(&format!("__{name}__")).require_grad();
    let [x, offset, mask, weight] = ["input", "offset", "mask", "weight"].map(input);
    let bias = case.tensor::<1>("__bias__").require_grad();
    let options = DeformConvOptions::new([1, 1], [1, 1], [1, 1], 1, 1);
    let output = deform_conv2d(
        x.clone(),
        offset.clone(),
        weight.clone(),
        Some(mask.clone()),
        Some(bias.clone()),
        options,
    );
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

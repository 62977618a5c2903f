//! The selective scan of MambaIR: its output and the gradients of all that goes in.

use burn::tensor::{Gradients, Tensor, activation::softplus};
use perceive_model::{kernel::selective_scan, weights::Array};

use super::{case::Case, outcome::Outcome};

fn gradient<const D: usize>(outcome: &mut Outcome, case: &Case, gradients: &Gradients, name: &str, input: &Tensor<D>) {
    let got = input.grad(gradients).map(|gradient| Array::of(&gradient));
    outcome.gradient(
        &format!("gradient of {name}"),
        got,
        case.array(&format!("__grad_{name}__")),
    );
}

pub fn run(case: &Case) -> Outcome {
    let rows = |name: &str| case.tensor::<3>(&format!("__{name}__")).require_grad();
    let groups = |name: &str| case.tensor::<4>(&format!("__{name}__")).require_grad();
    let channels = |name: &str| case.tensor::<1>(&format!("__{name}__")).require_grad();
    let (u, delta) = (rows("u"), rows("delta"));
    let (b, c) = (groups("B"), groups("C"));
    let (past, bias) = (channels("D"), channels("delta_bias"));
    let a = case.tensor::<2>("__A__").require_grad();

    // What stands around the scan in the network.
    let of_channels = |values: &Tensor<1>| values.clone().reshape([1, -1, 1]);
    let widths = softplus(delta.clone() + of_channels(&bias), 1.0);
    let scanned = selective_scan(u.clone(), widths, a.clone(), b.clone(), c.clone());
    let output = scanned + u.clone() * of_channels(&past);

    let mut outcome = Outcome::default();
    outcome.output("output", output.clone(), case.array("__output__"));
    let gradients = output.powi_scalar(2).sum().backward();
    gradient(&mut outcome, case, &gradients, "u", &u);
    gradient(&mut outcome, case, &gradients, "delta", &delta);
    gradient(&mut outcome, case, &gradients, "A", &a);
    gradient(&mut outcome, case, &gradients, "B", &b);
    gradient(&mut outcome, case, &gradients, "C", &c);
    gradient(&mut outcome, case, &gradients, "D", &past);
    gradient(&mut outcome, case, &gradients, "delta_bias", &bias);
    outcome
}

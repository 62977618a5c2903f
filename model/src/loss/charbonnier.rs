//! Charbonnier's loss, an L1 that is smooth at zero (MPRNet's reconstruction term).

use burn::tensor::Tensor;

/// MPRNet's epsilon.
const EPSILON: f64 = 1e-3;

/// Mean of `sqrt((a - b)² + ε²)`, ε = 1e-3; a and b of one shape.
pub fn charbonnier<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    let difference = a - b;
    (difference.clone() * difference)
        .add_scalar(EPSILON * EPSILON)
        .sqrt()
        .mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;
    use burn::tensor::Device;

    #[test]
    fn equal_tensors_cost_epsilon_and_have_a_finite_gradient() {
        let device = Device::flex().autodiff();
        let a = Tensor::<1>::from_data([0.25, 0.5], &device).require_grad();
        let loss = charbonnier(a.clone(), a.clone().detach());
        assert!((scalar(loss.clone()) - 1e-3).abs() < 1e-8);
        let gradient = a
            .grad(&loss.backward())
            .unwrap()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        assert_eq!(gradient, [0.0, 0.0]);
    }
}

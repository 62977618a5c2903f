//! Cosine similarity S(·,·) of eqs. 1, 9 and 12.

use burn::tensor::Tensor;

/// Keeps the direction of a zero vector finite, and its gradient too.
const EPSILON: f64 = 1e-16;

/// Rows of length 1.
fn directions<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let length = (x.clone() * x.clone()).sum_dim(D - 1).add_scalar(EPSILON).sqrt();
    x / length
}

/// Cosine of each row of a with each row of b.
///
/// # Shapes
/// - a `[..., N, width]`, b `[..., M, width]`
/// - output `[..., N, M]`, -1 to 1
pub fn cosine<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    directions(a).matmul(directions(b).transpose())
}

/// What the softmax of eqs. 1 and 9 is taken of: the cosine of each picture with each prompt, times `scale`.
///
/// The paper prints no scale (1); CLIP-LIT, whose loss this is, uses 100.
///
/// # Shapes
/// - image `[B, width]`, text `[K, width]`, of any lengths
/// - output `[B, K]`
pub fn quality_logits(image: Tensor<2>, text: Tensor<2>, scale: f64) -> Tensor<2> {
    cosine(image, text).mul_scalar(scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn lengths_do_not_matter_and_zero_is_finite() {
        let device = Device::flex().autodiff();
        let a = Tensor::<2>::from_data([[3.0, 0.0], [0.0, 0.0]], &device).require_grad();
        let b = Tensor::<2>::from_data([[0.5, 0.5], [-7.0, 0.0]], &device);
        let cosines = cosine(a.clone(), b);
        let values = cosines.clone().into_data().try_to_vec::<f32>().unwrap();
        let expected = [0.5_f32.sqrt(), -1.0, 0.0, 0.0];
        assert!(
            values
                .iter()
                .zip(expected)
                .all(|(value, expected)| (value - expected).abs() < 1e-6),
            "{values:?}"
        );
        let gradient = a
            .grad(&cosines.sum().backward())
            .unwrap()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
    }
}

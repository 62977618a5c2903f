//! L1, the reconstruction term of eq. 13.

use burn::tensor::Tensor;

use crate::kernel;

/// Mean of `|a - b|`; a and b of one shape.
pub fn l1<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    kernel::l1(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;
    use burn::tensor::Device;

    #[test]
    fn it_is_the_mean_distance() {
        let device = Device::flex();
        let a = Tensor::<2>::from_data([[1.0, 2.0], [3.0, 4.0]], &device);
        let b = Tensor::<2>::from_data([[1.0, 1.0], [5.0, 3.0]], &device);
        assert_eq!(scalar(l1(a, b)), 1.0);
    }
}

//! First values of learned parameters.
//!
//! A parameter takes its seed from the CPU's generator when it is made and computes its values when it is first read. So
//! the values depend on `Device::flex().seed` and on the order in which a network is built, not on the device that it is
//! on nor on the order in which it is used; and a network whose weights are loaded from a file never computes them.

use burn::{
    module::{Param, ParamId},
    tensor::{Device, Distribution, Tensor, TensorData},
};

use crate::weights::recipe::units;

/// Even between `-bound` and `bound`.
pub fn uniform<const D: usize>(shape: [usize; D], bound: f32, device: &Device) -> Param<Tensor<D>> {
    let seed = draw();
    lazy(shape, device, move |count| {
        units(seed).take(count).map(|unit| unit * bound).collect()
    })
}

/// Even between two values.
pub fn between<const D: usize>(shape: [usize; D], low: f32, high: f32, device: &Device) -> Param<Tensor<D>> {
    let seed = draw();
    let (centre, half) = (f32::midpoint(low, high), (high - low) / 2.0);
    lazy(shape, device, move |count| {
        units(seed).take(count).map(|unit| centre + unit * half).collect()
    })
}

/// Each value a function of an even number in -1..1 and of its index.
pub fn initial<const D: usize>(
    shape: [usize; D],
    device: &Device,
    value: impl Fn(f32, usize) -> f32 + Send + Sync + 'static,
) -> Param<Tensor<D>> {
    let seed = draw();
    lazy(shape, device, move |count| {
        units(seed)
            .take(count)
            .enumerate()
            .map(|(index, unit)| value(unit, index))
            .collect()
    })
}

/// Normal with mean 0 (Box-Muller).
pub fn normal<const D: usize>(shape: [usize; D], deviation: f32, device: &Device) -> Param<Tensor<D>> {
    let seed = draw();
    lazy(shape, device, move |count| {
        let mut units = units(seed);
        let mut next = move || units.next().map_or(0.0, |unit| f64::from(unit).mul_add(0.5, 0.5));
        (0..count)
            .map(|_| {
                let radius = (-2.0 * (1.0 - next()).ln()).sqrt();
                let angle = std::f64::consts::TAU * next();
                (radius * angle.cos()) as f32 * deviation
            })
            .collect()
    })
}

/// The same value everywhere.
pub fn constant<const D: usize>(shape: [usize; D], value: f32, device: &Device) -> Param<Tensor<D>> {
    lazy(shape, device, move |count| vec![value; count])
}

/// 48 bits of the CPU's generator.
fn draw() -> u64 {
    let drawn = Tensor::<1>::random([2], Distribution::Uniform(0.0, 1.0), &Device::flex());
    let drawn = drawn.into_data().try_into_vec_as::<f32>().unwrap_or_default();
    drawn.iter().fold(0, |seed, unit| {
        (seed << 24) | (f64::from(*unit) * f64::from(1 << 24)) as u64
    })
}

fn lazy<const D: usize>(
    shape: [usize; D],
    device: &Device,
    values: impl FnOnce(usize) -> Vec<f32> + Send + Sync + 'static,
) -> Param<Tensor<D>> {
    let init = move |device: &Device, require_grad: bool| {
        let data = TensorData::new(values(shape.iter().product()), shape);
        Tensor::from_data(data, device).set_require_grad(require_grad)
    };
    Param::uninitialized(ParamId::new(), init, device.clone(), true, shape.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
        param.val().into_data().try_into_vec_as().unwrap()
    }

    #[test]
    fn uniform_values_fill_their_range() {
        let values = values(&uniform([100, 40], 0.25, &Device::flex()));
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let widest = values.iter().fold(0.0_f32, |widest, value| widest.max(value.abs()));
        assert!(mean.abs() < 0.01, "mean {mean}");
        assert!((0.245..=0.25).contains(&widest), "widest {widest}");
    }

    #[test]
    fn normal_values_have_their_deviation() {
        let values = values(&normal([20_000], 0.02, &Device::flex()));
        let count = values.len() as f32;
        let mean = values.iter().sum::<f32>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        assert!(mean.abs() < 5e-4, "mean {mean}");
        assert!((variance.sqrt() - 0.02).abs() < 5e-4, "deviation {}", variance.sqrt());
    }

    #[test]
    fn two_parameters_differ() {
        let device = Device::flex();
        assert_ne!(values(&uniform([8], 1.0, &device)), values(&uniform([8], 1.0, &device)));
    }
}

//! Gradients of several passes as one: those of the pieces of a batch, and those of other devices.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Gradients, Tensor},
};

/// The gradient of every parameter in the module's order, each as a row of numbers; `None` where a parameter learns
/// nothing or took no part.
#[derive(Clone, Debug)]
pub struct FlatGradients(Vec<Option<Tensor<1>>>);

impl FlatGradients {
    pub fn of<M: Module>(module: &M, gradients: &Gradients) -> Self {
        let mut collect = Collect {
            gradients,
            found: Vec::new(),
        };
        module.visit(&mut collect);
        Self(collect.found)
    }

    /// The sum of both; `other` may lie on another device.
    ///
    /// # Panics
    /// If they are of different modules.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        assert_eq!(self.0.len(), other.0.len(), "gradients of one module");
        let both = self.0.into_iter().zip(other.0);
        let sums = both.map(|(own, other)| match (own, other) {
            (Some(own), Some(other)) => {
                let device = own.device();
                Some(own + other.to_device(&device))
            }
            (own, other) => own.or(other),
        });
        Self(sums.collect())
    }

    #[must_use]
    pub fn to_device(self, device: &Device) -> Self {
        Self(self.0.into_iter().map(|row| Some(row?.to_device(device))).collect())
    }

    /// Puts these in the place of the module's own in `gradients`.
    pub fn replace<M: Module>(self, module: &M, gradients: &mut Gradients) {
        module.visit(&mut Replace {
            gradients,
            rows: self.0.into_iter(),
        });
    }

    /// All numbers, one parameter after the other.
    pub fn numbers(&self) -> Vec<f32> {
        let rows = self.0.iter().flatten();
        rows.flat_map(|row| row.to_data().iter::<f32>().collect::<Vec<_>>())
            .collect()
    }
}

struct Collect<'a> {
    gradients: &'a Gradients,
    found: Vec<Option<Tensor<1>>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients);
        self.found.push(gradient.map(|gradient| gradient.flatten(0, D - 1)));
    }
}

struct Replace<'a> {
    gradients: &'a mut Gradients,
    rows: std::vec::IntoIter<Option<Tensor<1>>>,
}

impl ModuleVisitor for Replace<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(row) = self.rows.next().flatten() {
            let value = param.val();
            let shape = value.dims();
            value.grad_replace(self.gradients, row.reshape(shape));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Linear;

    #[test]
    fn the_gradient_of_a_sum_is_the_sum_of_the_gradients() {
        let device = Device::flex().autodiff();
        let layer = Linear {
            weight: Param::from_data([[1.0, 2.0]], &device),
            bias: Some(Param::from_data([0.5], &device)),
        };
        let of = |x: [f32; 2]| layer.forward(Tensor::<2>::from_data([x], &device)).sum();
        let (one, mut other) = (of([3.0, -1.0]).backward(), of([0.5, 4.0]).backward());
        let sum = FlatGradients::of(&layer, &one).plus(FlatGradients::of(&layer, &other));
        sum.replace(&layer, &mut other);
        let both = (of([3.0, -1.0]) + of([0.5, 4.0])).backward();
        let (got, want) = (FlatGradients::of(&layer, &other), FlatGradients::of(&layer, &both));
        assert_eq!(got.numbers(), want.numbers());
        assert_eq!(got.numbers(), [3.5, 3.0, 2.0]);
    }

    #[test]
    fn a_parameter_that_took_no_part_in_one_pass_has_the_gradient_of_the_other() {
        let device = Device::flex().autodiff();
        let layer = Linear {
            weight: Param::from_data([[1.0, 2.0]], &device),
            bias: Some(Param::from_data([0.5], &device)),
        };
        let mut whole = layer
            .forward(Tensor::<2>::from_data([[3.0, -1.0]], &device))
            .sum()
            .backward();
        let mut weight_only = layer.weight.val().sum().backward();
        let sum = FlatGradients::of(&layer, &weight_only).plus(FlatGradients::of(&layer, &whole));
        sum.clone().replace(&layer, &mut weight_only);
        assert_eq!(FlatGradients::of(&layer, &weight_only).numbers(), [4.0, 0.0, 1.0]);
        sum.replace(&layer, &mut whole);
        assert_eq!(FlatGradients::of(&layer, &whole).numbers(), [4.0, 0.0, 1.0]);
    }
}

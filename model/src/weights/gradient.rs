//! The gradient of one parameter by its PyTorch key.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Gradients, Tensor},
};

use super::{checkpoint::Array, keys::Path};

/// The gradient of the parameter `key` of `module`; `None` if the module has no such parameter or it took no part.
pub fn gradient<M: Module>(module: &M, gradients: &Gradients, key: &str) -> Option<Array> {
    let mut finder = Finder {
        path: Path::default(),
        key,
        gradients,
        found: None,
    };
    module.visit(&mut finder);
    finder.found
}

struct Finder<'a> {
    path: Path,
    key: &'a str,
    gradients: &'a Gradients,
    found: Option<Array>,
}

impl ModuleVisitor for Finder<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.path.key() == self.key {
            self.found = param.val().grad(self.gradients).map(|gradient| Array::of(&gradient));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::layer::Linear;

    #[test]
    fn a_gradient_is_found_by_its_key() {
        let device = Device::flex().autodiff();
        let layer = Linear {
            weight: Param::from_data([[1.0, 2.0]], &device),
            bias: Some(Param::from_data([0.5], &device)),
        };
        let x = Tensor::<2>::from_data([[3.0, -1.0]], &device);
        let gradients = layer.forward(x).sum().backward();
        let weight = gradient(&layer, &gradients, "weight").unwrap();
        assert_eq!((weight.shape, weight.data), (vec![1, 2], vec![3.0, -1.0]));
        assert_eq!(gradient(&layer, &gradients, "bias").unwrap().data, [1.0]);
        assert!(gradient(&layer, &gradients, "scale").is_none());
    }
}

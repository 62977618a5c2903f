//! A training may start from the identity: the last convolution gives nothing yet, so that the restored picture is the
//! degraded one, and every step from there is learned. Short trainings gain decibels by it; long ones do not mind.

use burn::{
    module::{ModuleMapper, Param},
    tensor::Tensor,
};

use crate::{network::Restorer, weights::KeyPath};

/// `network` with its last convolution at zero. One that does not add its output to the picture stays as it is.
pub fn from_identity<M: Restorer>(network: M) -> M {
    let Some(last) = network.last_layer() else {
        return network;
    };
    network.map(&mut Silence {
        path: KeyPath::default(),
        keys: ["weight", "bias"].map(|name| format!("{last}.{name}")),
    })
}

struct Silence {
    path: KeyPath,
    keys: [String; 2],
}

impl ModuleMapper for Silence {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.keys.contains(&self.path.key()) {
            return param;
        }
        param.map(|tensor| {
            let learns = tensor.is_require_grad();
            tensor.zeros_like().set_require_grad(learns)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::network::{Network, NetworkConfig, Restorer, Size};

    #[test]
    fn a_picture_comes_back_as_it_was() {
        let device = Device::flex();
        for name in NetworkConfig::NAMES {
            let config = NetworkConfig::sized(name, Size::Tiny).unwrap().with_guidance_width(8);
            let network = from_identity(Network::seeded(&config, 3, &device));
            if network.last_layer().is_none() {
                continue;
            }
            let image = Tensor::<4>::random([1, 3, 16, 24], Distribution::Default, &device);
            let tokens = config
                .needs_guidance()
                .then(|| [(); 4].map(|()| Tensor::<2>::ones([1, 8], &device)));
            let restored = network.restore(image.clone(), tokens).image;
            assert!(restored.equal(image).all().into_scalar::<bool>(), "{name}");
        }
    }
}

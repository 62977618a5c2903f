//! Puts a checkpoint into a module, all of it or none.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Int, Tensor},
};

use super::{
    checkpoint::Checkpoint,
    error::{Mismatch, WeightsError},
    keys::{Path, shapes},
};

/// Every parameter of `module` from `checkpoint`, on the parameter's own device. `origin` (a path or a name) is what an
/// error calls the checkpoint.
///
/// Missing, unknown and misshapen tensors are all found before anything is loaded, and told in one error.
pub fn load<M: Module>(module: M, checkpoint: &Checkpoint, origin: &str) -> Result<M, WeightsError> {
    fit(&shapes(&module), checkpoint, origin)?;
    Ok(module.map(&mut Loader {
        path: Path::default(),
        checkpoint,
    }))
}

/// Whether a network with these keys and shapes can take the checkpoint's tensors; every way in which it cannot.
pub fn fit(wanted: &[(String, Vec<usize>)], checkpoint: &Checkpoint, origin: &str) -> Result<(), WeightsError> {
    let mismatch = compare(wanted, checkpoint, origin);
    if !mismatch.is_empty() {
        return Err(mismatch.into());
    }
    let damaged = checkpoint.tensors.iter();
    let damaged = damaged.filter(|(_, array)| !array.data.iter().all(|value| value.is_finite()));
    let tensors: Vec<String> = damaged.map(|(key, _)| key.clone()).collect();
    if tensors.is_empty() {
        return Ok(());
    }
    Err(WeightsError::NotFinite {
        origin: origin.to_owned(),
        tensors,
    })
}

/// How a checkpoint differs from a network with these keys and shapes.
pub fn compare(wanted: &[(String, Vec<usize>)], checkpoint: &Checkpoint, origin: &str) -> Mismatch {
    let wanted: BTreeMap<&str, &[usize]> = wanted
        .iter()
        .map(|(key, shape)| (key.as_str(), shape.as_slice()))
        .collect();
    let mut mismatch = Mismatch {
        source: origin.to_owned(),
        ..Mismatch::default()
    };
    for (key, shape) in &wanted {
        match checkpoint.tensors.get(*key) {
            None => mismatch.missing.push(((*key).to_owned(), shape.to_vec())),
            Some(found) if !fits(shape, &found.shape) => {
                let difference = ((*key).to_owned(), shape.to_vec(), found.shape.clone());
                mismatch.misshapen.push(difference);
            }
            Some(_) => {}
        }
    }
    for (key, array) in &checkpoint.tensors {
        if !wanted.contains_key(key.as_str()) && !key.ends_with("num_batches_tracked") {
            mismatch.extra.push((key.clone(), array.shape.clone()));
        }
    }
    mismatch
}

/// Equal, or both a single number.
fn fits(wanted: &[usize], found: &[usize]) -> bool {
    wanted == found || (wanted == [1] && found.is_empty())
}

struct Loader<'a> {
    path: Path,
    checkpoint: &'a Checkpoint,
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(array) = self.checkpoint.tensors.get(&self.path.key()) else {
            return param;
        };
        let (id, tensor) = (param.id, array.tensor(&param.lazy_device()));
        param.transform_for_load(tensor, id)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let Some(array) = self.checkpoint.tensors.get(&self.path.key()) else {
            return param;
        };
        let (id, tensor) = (param.id, array.ints(&param.lazy_device()));
        param.transform_for_load(tensor, id)
    }
}

// Fields that PyTorch numbers begin with an underscore here; only the derived visitors read them.
#[cfg(test)]
#[allow(clippy::used_underscore_binding)]
mod tests {
    use burn::tensor::Device;

    use super::{super::checkpoint::Array, *};
    use crate::layer::{Conv2d, LayerNorm, Linear};

    #[derive(Module, Debug)]
    struct Network {
        body: Vec<Option<Conv2d>>,
        head: Head,
    }

    #[derive(Module, Debug)]
    struct Head {
        _0: LayerNorm,
        _2: Linear,
    }

    fn network(width: usize) -> Network {
        let device = Device::flex();
        let conv = || Some(Conv2d::new(width, width, 3, 1, 1, 1, true, &device));
        Network {
            body: vec![conv(), None, conv()],
            head: Head {
                _0: LayerNorm::new(width, 1e-6, &device),
                _2: Linear::new(width, 3, false, &device),
            },
        }
    }

    #[test]
    fn keys_are_those_of_pytorch() {
        let checkpoint = Checkpoint::from_module(&network(2));
        let keys: Vec<_> = checkpoint.tensors.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "body.0.bias",
                "body.0.weight",
                "body.2.bias",
                "body.2.weight",
                "head.0.bias",
                "head.0.weight",
                "head.2.weight"
            ]
        );
        assert_eq!(checkpoint.tensors["head.2.weight"].shape, [3, 2]);
    }

    #[test]
    fn what_one_module_holds_another_takes_over() {
        let checkpoint = Checkpoint::from_module(&network(2));
        let other = load(network(2), &checkpoint, "memory").unwrap();
        assert_eq!(Checkpoint::from_module(&other), checkpoint);
    }

    #[test]
    fn all_differences_come_in_one_error() {
        let mut checkpoint = Checkpoint::from_module(&network(2));
        checkpoint.tensors.remove("body.0.bias");
        checkpoint.tensors.remove("head.0.weight");
        let stray = Array {
            shape: vec![1],
            data: vec![0.0],
        };
        checkpoint.tensors.insert("tail.bias".to_owned(), stray.clone());
        checkpoint.tensors.insert("bn.num_batches_tracked".to_owned(), stray);
        if let Some(array) = checkpoint.tensors.get_mut("head.2.weight") {
            array.shape = vec![2, 3];
        }
        let Err(WeightsError::Mismatch(mismatch)) = load(network(2), &checkpoint, "memory") else {
            panic!("a checkpoint that does not fit was loaded");
        };
        let missing: Vec<_> = mismatch.missing.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(missing, ["body.0.bias", "head.0.weight"]);
        assert_eq!(mismatch.extra, [("tail.bias".to_owned(), vec![1])]);
        assert_eq!(
            mismatch.misshapen,
            [("head.2.weight".to_owned(), vec![3, 2], vec![2, 3])]
        );
    }

    #[test]
    fn values_that_are_not_finite_are_refused_by_name() {
        let mut checkpoint = Checkpoint::from_module(&network(2));
        for key in ["body.2.weight", "head.0.bias"] {
            if let Some(array) = checkpoint.tensors.get_mut(key) {
                array.data[0] = f32::NAN;
            }
        }
        let error = load(network(2), &checkpoint, "memory").unwrap_err().to_string();
        assert!(error.contains("body.2.weight, head.0.bias"), "{error}");
    }
}

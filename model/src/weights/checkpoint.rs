//! A checkpoint in memory: every tensor by its key.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Int, Tensor, TensorData},
};

use super::keys::Path;

/// Every tensor of a checkpoint under its original (PyTorch) key, widened to f32.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    pub tensors: BTreeMap<String, Array>,
    /// The file's own free remarks (safetensors' `__metadata__`).
    pub metadata: BTreeMap<String, String>,
}

/// One tensor of a checkpoint: `data` has the product of `shape` elements, the last dimension fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

impl Array {
    /// On a device. Missing leading dimensions are ones (a scalar becomes `[1]`).
    ///
    /// # Panics
    /// If the array has more than `D` dimensions.
    pub fn tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.data.clone(), self.filled::<D>()), device)
    }

    /// Whole numbers (token ids, labels) on a device.
    ///
    /// # Panics
    /// If the array has more than `D` dimensions.
    pub fn ints<const D: usize>(&self, device: &Device) -> Tensor<D, Int> {
        let ids: Vec<i64> = self.data.iter().map(|value| *value as i64).collect();
        Tensor::from_data(TensorData::new(ids, self.filled::<D>()), device)
    }

    /// What a tensor holds, read back from its device as f32.
    pub fn of<const D: usize>(tensor: &Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        let data = tensor.clone().into_data().convert::<f32>();
        let data = data.try_into_vec().unwrap_or_default();
        Self { shape, data }
    }

    /// The elements as a file holds them, lowest byte first, a piece at a time.
    pub(super) fn bytes<E>(&self, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        /// Elements a piece.
        const PIECE: usize = 1 << 18;
        let mut bytes = Vec::with_capacity(self.data.len().min(PIECE) * size_of::<f32>());
        for piece in self.data.chunks(PIECE) {
            bytes.clear();
            bytes.extend(piece.iter().flat_map(|value| value.to_le_bytes()));
            take(&bytes)?;
        }
        Ok(())
    }

    fn filled<const D: usize>(&self) -> [usize; D] {
        assert!(self.shape.len() <= D, "{:?} has more than {D} dimensions", self.shape);
        let mut shape = [1; D];
        shape[D - self.shape.len()..].copy_from_slice(&self.shape);
        shape
    }
}

impl Checkpoint {
    /// All parameters of a module under their PyTorch keys.
    pub fn from_module<M: Module>(module: &M) -> Self {
        let mut collector = Collector::default();
        module.visit(&mut collector);
        collector.checkpoint
    }

    /// The tensors whose keys begin with `prefix`, without it: `net.` of a Lightning file, `module.` of a parallel one.
    pub fn under(&self, prefix: &str) -> Self {
        let tensors = self.tensors.iter();
        let stripped = tensors.filter_map(|(key, array)| Some((key.strip_prefix(prefix)?.to_owned(), array.clone())));
        Self {
            tensors: stripped.collect(),
            metadata: self.metadata.clone(),
        }
    }

    /// Takes those tensors out of this checkpoint.
    #[must_use]
    pub fn take(&mut self, prefix: &str) -> Self {
        let all = std::mem::take(&mut self.tensors);
        let (mut taken, mut left) = (BTreeMap::new(), BTreeMap::new());
        for (key, array) in all {
            match key.strip_prefix(prefix) {
                Some(rest) => taken.insert(rest.to_owned(), array),
                None => left.insert(key, array),
            };
        }
        self.tensors = left;
        Self {
            tensors: taken,
            metadata: BTreeMap::new(),
        }
    }
}

#[derive(Default)]
struct Collector {
    path: Path,
    checkpoint: Checkpoint,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensors = &mut self.checkpoint.tensors;
        tensors.insert(self.path.key(), Array::of(&param.val()));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        let values = param.val();
        let shape = values.dims().to_vec();
        let data = values.into_data().iter::<i64>().map(|value| value as f32).collect();
        self.checkpoint.tensors.insert(self.path.key(), Array { shape, data });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_becomes_one_element() {
        let scalar = Array {
            shape: vec![],
            data: vec![2.5],
        };
        let tensor = scalar.tensor::<1>(&Device::flex());
        assert_eq!(tensor.dims(), [1]);
        assert_eq!(tensor.into_scalar::<f32>(), 2.5);
    }

    #[test]
    fn a_prefix_is_taken_off_and_other_keys_are_left_out() {
        let array = Array {
            shape: vec![1],
            data: vec![1.0],
        };
        let keys = ["net.a.weight", "net.b", "other.net.c"];
        let checkpoint = Checkpoint {
            tensors: keys.iter().map(|key| ((*key).to_owned(), array.clone())).collect(),
            metadata: BTreeMap::new(),
        };
        let under = checkpoint.under("net.");
        assert_eq!(under.tensors.keys().collect::<Vec<_>>(), ["a.weight", "b"]);
    }
}

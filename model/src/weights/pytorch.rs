//! Checkpoints as PyTorch writes them (`.pt`, `.pth`), so that a published file can be taken as it is.

use std::path::Path;

use burn::store::pytorch_reader::{DType, PytorchReader};
use safetensors::Dtype;

use super::{
    checkpoint::{Array, Checkpoint},
    error::WeightsError,
    file::widen,
    torchscript::{self, is_torchscript},
};

/// What training frameworks put around a state dict: BasicSR, Lightning, others.
const WRAPPERS: [&str; 4] = ["params.", "state_dict.", "model.", "model_state_dict."];
/// What they put before every key of it: Lightning's PromptIR, `DataParallel`.
const PREFIXES: [&str; 2] = ["net.", "module."];

/// Whether a file begins as PyTorch's do: a zip archive, a pickle, or a tar of before 2017.
pub(super) fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0x80, 2]) || bytes.get(257..262) == Some(b"ustar")
}

/// Every tensor of the file's state dict, without the wrappers and prefixes around it.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Checkpoint, WeightsError> {
    let malformed = |reason: String| WeightsError::Format {
        path: path.to_path_buf(),
        reason,
    };
    if is_torchscript(bytes) {
        return torchscript::read(bytes).map_err(malformed);
    }
    let reader = PytorchReader::new(path).map_err(|error| malformed(error.to_string()))?;
    let mut checkpoint = Checkpoint::default();
    for (key, tensor) in reader.into_tensors() {
        let bytes = tensor.read().map_err(|error| malformed(error.to_string()))?;
        let data = widen(dtype(tensor.dtype()), &bytes).ok_or_else(|| malformed(format!("{key} holds no numbers")))?;
        let shape = tensor.shape().to_vec();
        checkpoint.tensors.insert(key, Array { shape, data });
    }
    if checkpoint.tensors.is_empty() {
        return Err(malformed("it holds no tensors under names".to_owned()));
    }
    Ok(unwrapped(checkpoint))
}

/// A wrapper's other entries (the optimiser's state) are left out; a prefix must stand before every key.
fn unwrapped(checkpoint: Checkpoint) -> Checkpoint {
    let has = |checkpoint: &Checkpoint, prefix: &str| checkpoint.tensors.keys().any(|key| key.starts_with(prefix));
    let all = |checkpoint: &Checkpoint, prefix: &str| checkpoint.tensors.keys().all(|key| key.starts_with(prefix));
    let wrapper = WRAPPERS.iter().find(|wrapper| has(&checkpoint, wrapper));
    let inner = wrapper.map_or_else(|| checkpoint.clone(), |wrapper| checkpoint.under(wrapper));
    PREFIXES.iter().fold(inner, |inner, prefix| {
        if all(&inner, prefix) {
            inner.under(prefix)
        } else {
            inner
        }
    })
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::recipe, *};

    fn keys(names: &[&str]) -> Vec<String> {
        let shapes: Vec<_> = names.iter().map(|name| ((*name).to_owned(), vec![2])).collect();
        unwrapped(recipe(&shapes)).tensors.into_keys().collect()
    }

    #[test]
    fn wrappers_and_prefixes_are_taken_off() {
        assert_eq!(keys(&["params.a.weight", "params.b"]), ["a.weight", "b"]);
        assert_eq!(
            keys(&["state_dict.net.a", "state_dict.net.b", "optimizer.0"]),
            ["a", "b"]
        );
        assert_eq!(keys(&["state_dict.module.a", "state_dict.module.b"]), ["a", "b"]);
        assert_eq!(keys(&["net.a", "other"]), ["net.a", "other"]);
        assert_eq!(
            keys(&["R.head.0.weight", "E.E.queue"]),
            ["E.E.queue", "R.head.0.weight"]
        );
    }

    /// `torch.save({"weight": torch.tensor([1., 2., 3.])})` in the format of PyTorch 1.0: five pickles, then the storage.
    fn legacy() -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.");
        bytes.extend(b"\x80\x02M\xe9\x03.");
        bytes.extend(b"\x80\x02}(X\x10\x00\x00\x00protocol_versionM\xe9\x03X\x0d\x00\x00\x00little_endian\x88u.");
        bytes.extend(b"\x80\x02}X\x06\x00\x00\x00weightctorch._utils\n_rebuild_tensor_v2\n((");
        bytes.extend(b"X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x03NtQ");
        bytes.extend(b"K\x00K\x03\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs.");
        bytes.extend(b"\x80\x02]X\x01\x00\x00\x000a.");
        bytes.extend(3_i64.to_le_bytes());
        bytes.extend([1.0_f32, 2.0, 3.0].iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    #[test]
    fn a_file_of_torch_save_is_read_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pth");
        std::fs::write(&path, legacy()).unwrap();
        let checkpoint = Checkpoint::read(&path).unwrap();
        let weight = &checkpoint.tensors["weight"];
        assert_eq!(
            (weight.shape.as_slice(), weight.data.as_slice()),
            (&[3][..], &[1.0, 2.0, 3.0][..])
        );
        std::fs::write(&path, &legacy()[..legacy().len() - 2]).unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(error.contains("a.pth is not a whole"), "{error}");
    }
}

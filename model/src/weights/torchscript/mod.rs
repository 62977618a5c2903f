//! Weights of a TorchScript archive (`torch.jit.save`), the form in which OpenAI publishes CLIP.
//!
//! The archive is a zip of uncompressed entries: `data.pkl` tells the modules and their tensors as a pickle, `data/N` hold
//! the numbers. Burn's own reader takes what `torch.save` writes, not this.

mod pickle;
mod zip;

use std::collections::BTreeMap;

use safetensors::Dtype;

use self::{pickle::Stored, zip::Archive};
use super::{
    checkpoint::{Array, Checkpoint},
    file::widen,
};

/// Whether a zip archive is TorchScript's: only those hold constants of the code.
pub(super) fn is_torchscript(bytes: &[u8]) -> bool {
    Archive::open(bytes).is_ok_and(|archive| archive.root("constants.pkl").is_some())
}

/// Every tensor of the module under the path of its attributes; an error says what is wrong with the archive.
pub(super) fn read(bytes: &[u8]) -> Result<Checkpoint, String> {
    let archive = Archive::open(bytes)?;
    let root = archive.root("data.pkl").ok_or("it has no data.pkl")?;
    let tensors = pickle::tensors(archive.entry(&format!("{root}data.pkl"))?)?;
    let arrays = tensors.into_iter().map(|(key, stored)| {
        let numbers = archive.entry(&format!("{root}data/{}", stored.storage))?;
        let array = gather(&stored, numbers).map_err(|reason| format!("{key}: {reason}"))?;
        Ok((key, array))
    });
    Ok(Checkpoint {
        tensors: arrays.collect::<Result<_, String>>()?,
        metadata: BTreeMap::new(),
    })
}

/// The tensor's elements out of its storage, which may hold them in another order or hold others besides.
fn gather(stored: &Stored, bytes: &[u8]) -> Result<Array, String> {
    let dtype = dtype(&stored.kind).ok_or_else(|| format!("its numbers are a {}", stored.kind))?;
    let numbers = widen(dtype, bytes).ok_or_else(|| format!("its numbers are a {}", stored.kind))?;
    let count = stored.shape.iter().try_fold(1_usize, |count, n| count.checked_mul(*n));
    let count = count
        .filter(|count| *count <= numbers.len())
        .ok_or("its storage is too short")?;
    let mut data = Vec::with_capacity(count);
    for index in 0..count {
        let (mut rest, mut at) = (index, stored.offset);
        for (size, stride) in stored.shape.iter().zip(&stored.strides).rev() {
            let step = (rest % size).checked_mul(*stride);
            at = step
                .and_then(|step| at.checked_add(step))
                .ok_or("its storage is too short")?;
            rest /= size;
        }
        data.push(*numbers.get(at).ok_or("its storage is too short")?);
    }
    let shape = stored.shape.clone();
    Ok(Array { shape, data })
}

fn dtype(storage: &str) -> Option<Dtype> {
    Some(match storage {
        "DoubleStorage" => Dtype::F64,
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::BF16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::BOOL,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    /// A module with a child `fc` of one transposed 2x3 weight in half precision, pickled as PyTorch's C++ does.
    fn pickle() -> Vec<u8> {
        let mut bytes =
            b"\x80\x02c__torch__\nNet\nq\x00)\x81}(X\x08\x00\x00\x00trainingq\x01\x89X\x02\x00\x00\x00fcq\x02".to_vec();
        bytes.extend(b"c__torch__.torch.nn\nLinear\nq\x03)\x81}(h\x01\x89X\x06\x00\x00\x00weightq\x04");
        bytes.extend(
            b"ctorch._utils\n_rebuild_tensor_v2\nq\x05((X\x07\x00\x00\x00storageq\x06ctorch\nHalfStorage\nq\x07",
        );
        bytes.extend(b"X\x01\x00\x00\x000q\x08X\x03\x00\x00\x00cpuq\x09K\x07tQK\x01(K\x02K\x03t(K\x01K\x02t\x88");
        bytes.extend(b"ccollections\nOrderedDict\nq\x0a)RtRX\x04\x00\x00\x00biasNubub.");
        bytes
    }

    fn numbers() -> Vec<u8> {
        let values = [9.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
        values
            .iter()
            .flat_map(|value| f16::from_f32(*value).to_le_bytes())
            .collect()
    }

    fn archive() -> Vec<u8> {
        let (pickle, numbers) = (pickle(), numbers());
        let entries = [
            ("net/data.pkl", pickle.as_slice()),
            ("net/data/0", &numbers),
            ("net/constants.pkl", b"\x80\x02)."),
        ];
        zip::tests::written(&entries)
    }

    #[test]
    fn tensors_come_under_the_path_of_their_attributes() {
        assert!(is_torchscript(&archive()));
        let checkpoint = read(&archive()).unwrap();
        assert_eq!(checkpoint.tensors.keys().collect::<Vec<_>>(), ["fc.weight"]);
        let weight = &checkpoint.tensors["fc.weight"];
        assert_eq!(weight.shape, [2, 3]);
        assert_eq!(weight.data, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_cut_archive_is_an_error_and_no_panic() {
        let whole = archive();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let whole = archive();
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                let _ = read(&damaged);
            }
        }
    }
}

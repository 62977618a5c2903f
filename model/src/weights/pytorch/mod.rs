//! Checkpoints as PyTorch writes them, read without PyTorch and without running anything in them.
//!
//! | file | what |
//! | --- | --- |
//! | `archive.rs` | the zip that `torch.save` and TorchScript write: `data.pkl`, and the numbers as `data/N` |
//! | `legacy.rs` | the format of before PyTorch 1.6: pickles, then the numbers |
//! | `pickle.rs` | pickles, understood and not executed |
//! | `machine.rs`, `meaning.rs`, `globals.rs` | their instructions, their objects, the names that they may speak of |
//! | `state.rs`, `stored.rs` | the tensors among what a pickle says; their numbers |

mod archive;
mod fault;
mod globals;
mod legacy;
mod machine;
mod meaning;
mod pickle;
mod state;
mod stored;

use std::collections::BTreeMap;

pub use fault::Fault;
pub use legacy::MAGIC;

use self::{archive::Archive, legacy::Legacy, pickle::Pickle, stored::Stored};
use super::{checkpoint::Checkpoint, wrapper::Wrapper};

/// How a zip archive begins.
pub const ZIP: &[u8] = b"PK\x03\x04";

/// The weights in a file of PyTorch's: the tensors of its state dict, without the wrappers around it. What stands beside
/// them (the optimiser's state) is not read.
pub fn read(bytes: &[u8]) -> Result<(Checkpoint, Wrapper), Fault> {
    if bytes.starts_with(MAGIC) {
        let file = Legacy::open(bytes)?;
        let storage = |name: &str| file.storages.get(name).copied().ok_or_else(|| missing(name));
        return weights(state::tensors(&file.saved)?, bytes.len(), storage);
    }
    let archive = Archive::open(bytes).map_err(Fault::Broken)?;
    let root = archive
        .root("data.pkl")
        .ok_or_else(|| Fault::Foreign("a zip archive without data.pkl, so not of PyTorch".into()))?;
    let order = archive.entry(&format!("{root}byteorder"));
    if order.is_ok_and(|order| order != b"little") {
        return Err(Fault::Foreign("the numbers of a big-endian machine".into()));
    }
    let pickle = archive.entry(&format!("{root}data.pkl")).map_err(Fault::Broken)?;
    let (pickle, _) = Pickle::read(pickle)?;
    let storage = |name: &str| archive.entry(&format!("{root}data/{name}")).map_err(|_| missing(name));
    weights(state::tensors(&pickle)?, bytes.len(), storage)
}

fn missing(storage: &str) -> Fault {
    Fault::Broken(format!("it lacks the storage {}", globals::shown(storage)))
}

/// The numbers of the tensors inside the wrappers.
fn weights<'a>(
    tensors: BTreeMap<String, Stored<'a>>,
    length: usize,
    storage: impl Fn(&str) -> Result<&'a [u8], Fault>,
) -> Result<(Checkpoint, Wrapper), Fault> {
    if tensors.is_empty() {
        return Err(Fault::Foreign("no tensors under names, so no state dict".into()));
    }
    let (wrapper, tensors) = Wrapper::taken_off(tensors);
    // Two networks may share a layer, but what is many times as large as its file is meant to fill the memory.
    let mut sizes = tensors.values().map(Stored::size);
    let sum = sizes.try_fold(0_usize, |sum, size| sum.checked_add(size?));
    if sum.is_none_or(|sum| sum > length.saturating_mul(2)) {
        return Err(Fault::broken("its tensors would be larger than the whole file"));
    }
    let mut checkpoint = Checkpoint::default();
    for (key, stored) in tensors {
        let gathered = storage(stored.storage).and_then(|bytes| {
            stored
                .gather(bytes)
                .map_err(|reason| Fault::Broken(format!("{key}: {reason}")))
        });
        checkpoint.tensors.insert(key, gathered?);
    }
    Ok((checkpoint, wrapper))
}

#[cfg(test)]
mod tests {
    use half::f16;
    use proptest::prelude::*;

    use super::*;

    /// `torch.save({"weight": torch.tensor([1., 2., 3.])})` in the format of PyTorch 1.0: five pickles, then the storage.
    fn old() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
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

    /// A TorchScript module with a child `fc` of one transposed 2x3 weight in half precision, as PyTorch's C++ writes it.
    fn scripted() -> Vec<u8> {
        let mut pickle =
            b"\x80\x02c__torch__\nNet\nq\x00)\x81}(X\x08\x00\x00\x00trainingq\x01\x89X\x02\x00\x00\x00fcq\x02".to_vec();
        pickle.extend(b"c__torch__.torch.nn\nLinear\nq\x03)\x81}(h\x01\x89X\x06\x00\x00\x00weightq\x04");
        pickle.extend(
            b"ctorch._utils\n_rebuild_tensor_v2\nq\x05((X\x07\x00\x00\x00storageq\x06ctorch\nHalfStorage\nq\x07",
        );
        pickle.extend(b"X\x01\x00\x00\x000q\x08X\x03\x00\x00\x00cpuq\x09K\x07tQK\x01(K\x02K\x03t(K\x01K\x02t\x88");
        pickle.extend(b"ccollections\nOrderedDict\nq\x0a)RtRX\x04\x00\x00\x00biasNubub.");
        let numbers: Vec<u8> = [9.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
            .iter()
            .flat_map(|value| f16::from_f32(*value).to_le_bytes())
            .collect();
        archive::tests::written(&[
            ("net/data.pkl", pickle.as_slice()),
            ("net/data/0", &numbers),
            ("net/constants.pkl", b"\x80\x02)."),
        ])
    }

    #[test]
    fn the_old_format_is_read() {
        let (checkpoint, _) = read(&old()).unwrap();
        assert_eq!(checkpoint.tensors.keys().collect::<Vec<_>>(), ["weight"]);
        assert_eq!(checkpoint.tensors["weight"].data, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_torchscript_archive_is_read_by_the_paths_of_its_attributes() {
        let (checkpoint, _) = read(&scripted()).unwrap();
        assert_eq!(checkpoint.tensors.keys().collect::<Vec<_>>(), ["fc.weight"]);
        let weight = &checkpoint.tensors["fc.weight"];
        assert_eq!(weight.shape, [2, 3]);
        assert_eq!(weight.data, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_cut_file_is_an_error() {
        for whole in [old(), scripted()] {
            for length in 0..whole.len() {
                assert!(read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
            }
        }
    }

    #[test]
    fn one_changed_byte_anywhere_never_panics() {
        for whole in [old(), scripted()] {
            for at in 0..whole.len() {
                for flip in [0x01, 0x02, 0x80, 0xff] {
                    let mut damaged = whole.clone();
                    damaged[at] ^= flip;
                    let _ = read(&damaged);
                }
            }
        }
    }

    #[test]
    fn tensors_larger_than_their_file_are_refused_before_they_are_made() {
        // 3 elements, repeated over 65535 x 65535.
        let text = old();
        let shape = b"K\x03\x85K\x01\x85";
        let at = text.windows(shape.len()).position(|window| window == shape).unwrap();
        let mut repeated = text[..at].to_vec();
        repeated.extend(b"M\xff\xffM\xff\xff\x86K\x00K\x00\x86");
        repeated.extend(&text[at + shape.len()..]);
        let error = read(&repeated).unwrap_err();
        assert_eq!(error, Fault::broken("its tensors would be larger than the whole file"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_mutation_of_a_good_file_panics(
            script in any::<bool>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..12),
        ) {
            let mut bytes = if script { scripted() } else { old() };
            for (at, byte, what) in edits {
                let at = at.index(bytes.len());
                match what {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => {
                        bytes.remove(at);
                    }
                }
            }
            let _ = read(&bytes);
        }

        #[test]
        fn no_pickle_of_any_bytes_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((pickle, _)) = Pickle::read(&bytes) {
                let _ = state::tensors(&pickle);
            }
        }
    }
}

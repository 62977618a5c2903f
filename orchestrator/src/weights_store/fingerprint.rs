//! Files with weights as other programs write them: safetensors, or PyTorch's archives and pickles.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use burn::store::bridge::{from_pytorch, into_data};
use burn::store::pytorch::PytorchReader;
use perceive_model::weights::{Array, Checkpoint, WeightsError};
use sha2::{Digest, Sha256};

use crate::failure::{Exit, Failure};

/// What a file's bytes are, in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub bytes: u64,
    pub sha256: String,
    pub blake3: String,
}

/// Prefixes under which training programs put a network into a checkpoint, the outermost first.
const WRAPPERS: [&str; 5] = ["params_ema.", "params.", "state_dict.", "model.", "module."];

/// A part of every TorchScript archive's listing, which stands at the end of the file.
const TORCHSCRIPT: &[u8] = b"/code/__torch__";

/// Reads a file once for both hashes.
pub fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    let mut file = File::open(path)?;
    let (mut sha256, mut blake3) = (Sha256::new(), blake3::Hasher::new());
    let mut bytes = 0;
    let mut part = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut part)?;
        if length == 0 {
            break;
        }
        bytes += length as u64;
        sha256.update(&part[..length]);
        blake3.update(&part[..length]);
    }
    let sha256 = sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Fingerprint {
        bytes,
        sha256,
        blake3: blake3.finalize().to_hex().to_string(),
    })
}

/// Every tensor of a file under the network's own keys: wrappers such as `params.` and `module.` are taken off.
///
/// # Errors
/// [`Exit::Weights`] for a file that is cut, of no known kind, or a TorchScript archive (`conversion` tells how to turn
/// it into safetensors).
pub fn read(path: &Path, conversion: &str) -> Result<Checkpoint, Failure> {
    let checkpoint = match container(path)? {
        Container::Safetensors => Checkpoint::read(path)?,
        Container::Pytorch => read_pytorch(path)?,
        Container::TorchScript => {
            let message = format!(
                "{} is a TorchScript archive, which only PyTorch can open",
                path.display()
            );
            return Err(Failure::new(Exit::Weights, message).help(conversion));
        }
    };
    Ok(unwrap(checkpoint))
}

enum Container {
    Safetensors,
    Pytorch,
    TorchScript,
}

fn container(path: &Path) -> Result<Container, Failure> {
    let unreadable = |source| WeightsError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut head = Vec::new();
    let mut file = File::open(path).map_err(unreadable)?;
    file.by_ref().take(9).read_to_end(&mut head).map_err(unreadable)?;
    if head.starts_with(b"PK") {
        let whole = std::fs::read(path).map_err(unreadable)?;
        // Only the archive's listing, not tensors that happen to hold these bytes.
        let listing = &whole[whole.len().saturating_sub(1 << 20)..];
        let scripted = listing.windows(TORCHSCRIPT.len()).any(|window| window == TORCHSCRIPT);
        return Ok(if scripted {
            Container::TorchScript
        } else {
            Container::Pytorch
        });
    }
    // The header of safetensors is JSON after its length; PyTorch's older formats begin with a pickle.
    let pickle = head.first() == Some(&0x80) && head.get(8) != Some(&b'{');
    Ok(if pickle {
        Container::Pytorch
    } else {
        Container::Safetensors
    })
}

fn read_pytorch(path: &Path) -> Result<Checkpoint, Failure> {
    let broken = |reason: String| {
        let message = format!("{} is not a whole PyTorch checkpoint: {reason}", path.display());
        Failure::new(Exit::Weights, message).help("fetch it again, or convert it to safetensors with PyTorch")
    };
    let reader = PytorchReader::new(path).map_err(|error| broken(error.to_string()))?;
    let mut checkpoint = Checkpoint::default();
    for (key, tensor) in reader.into_tensors() {
        let shape = tensor.shape().to_vec();
        let data = into_data(from_pytorch(tensor)).map_err(|error| broken(error.to_string()))?;
        let data = data.iter::<f32>().collect();
        checkpoint.tensors.insert(key, Array { shape, data });
    }
    Ok(checkpoint)
}

/// Goes into wrappers as long as there are any; what stands beside a wrapper (optimiser states) is left out.
fn unwrap(mut checkpoint: Checkpoint) -> Checkpoint {
    while let Some(wrapper) = WRAPPERS
        .into_iter()
        .find(|wrapper| checkpoint.tensors.keys().any(|key| key.starts_with(wrapper)))
    {
        checkpoint = checkpoint.under(wrapper);
    }
    checkpoint
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_keys(keys: &[&str]) -> Checkpoint {
        let array = Array {
            shape: vec![1],
            data: vec![0.5],
        };
        Checkpoint {
            tensors: keys.iter().map(|key| ((*key).to_owned(), array.clone())).collect(),
            ..Checkpoint::default()
        }
    }

    fn keys(checkpoint: &Checkpoint) -> Vec<&str> {
        checkpoint.tensors.keys().map(String::as_str).collect()
    }

    #[test]
    fn wrappers_are_taken_off_and_what_stands_beside_them_is_left_out() {
        let wrapped = with_keys(&["optimizer.0", "state_dict.module.a.weight", "state_dict.module.b"]);
        assert_eq!(keys(&unwrap(wrapped)), ["a.weight", "b"]);
        assert_eq!(keys(&unwrap(with_keys(&["params.a"]))), ["a"]);
        assert_eq!(
            keys(&unwrap(with_keys(&["visual.proj", "logit_scale"]))),
            ["logit_scale", "visual.proj"]
        );
    }

    #[test]
    fn a_fingerprint_is_that_of_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let found = fingerprint(&path).unwrap();
        assert_eq!(found.bytes, 3);
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            found.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(found.blake3, blake3::hash(b"abc").to_hex().to_string());
    }

    #[test]
    fn a_torchscript_archive_is_told_how_to_be_converted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ViT-B-32.pt");
        std::fs::write(&path, b"PK\x03\x04 .. PK\x01\x02ViT-B-32/code/__torch__/clip/model.py").unwrap();
        let failure = read(&path, "convert it so").unwrap_err();
        assert_eq!(failure.exit, Exit::Weights);
        assert!(failure.to_string().contains("TorchScript"), "{failure}");
    }

    #[test]
    fn broken_files_of_every_container_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.pth");
        for bytes in [&b""[..], b"PK\x03\x04 and no more", b"\x80\x02}q", b"just words"] {
            std::fs::write(&path, bytes).unwrap();
            let failure = read(&path, "").unwrap_err();
            assert_eq!(failure.exit, Exit::Weights);
            assert!(failure.to_string().contains("broken.pth"), "{failure}");
        }
    }
}

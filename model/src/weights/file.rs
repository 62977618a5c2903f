//! Checkpoints as files: safetensors in and out, PyTorch's own format in.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

use super::{
    checkpoint::{Array, Checkpoint},
    error::WeightsError,
    format::{self, Format},
    pytorch::{self, Fault},
    wrapper::Wrapper,
};

/// In bytes. The largest file of a network here, with its optimiser's state, has a tenth of it.
const LARGEST: u64 = 16 << 30;

impl Checkpoint {
    /// Reads a safetensors file as it is, or one of PyTorch's without the wrappers that trainers put around the weights:
    /// f64, f32, f16, bf16, whole numbers and booleans, all as f32.
    ///
    /// # Errors
    /// A file that cannot be read, is of no known format, is cut or damaged, or holds what is no number. Nothing in a
    /// file is ever executed.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        Ok(read(path.as_ref())?.0)
    }

    /// Reads a file that others may have written, of any format, without the wrappers around the weights; see
    /// [`read`](Self::read).
    pub fn published(path: impl AsRef<Path>) -> Result<(Self, Wrapper), WeightsError> {
        Ok(match read(path.as_ref())? {
            (checkpoint, Some(wrapper)) => (checkpoint, wrapper),
            (checkpoint, None) => checkpoint.unwrapped(),
        })
    }

    /// Looks at a file's beginning and length alone, whether it may hold weights.
    pub fn probe(path: impl AsRef<Path>) -> Result<(), WeightsError> {
        begin(path.as_ref()).map(drop)
    }

    /// Writes a safetensors file of f32: under a temporary name beside it, then renamed, so that the file is either
    /// whole or not there. The same checkpoint gives the same bytes.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        let path = path.as_ref();
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let written = self.write_whole(&part).and_then(|()| fs::rename(&part, path));
        written.and_then(|()| settle(path)).map_err(|source| {
            // Already gone if it was the renaming's sequel that failed.
            let _ = fs::remove_file(&part);
            WeightsError::Write {
                path: PathBuf::from(path),
                source,
            }
        })
    }

    fn write_whole(&self, path: &Path) -> io::Result<()> {
        let header = self.header();
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        for array in self.tensors.values() {
            array.bytes(|bytes| out.write_all(bytes))?;
        }
        out.into_inner()?.sync_all()
    }

    /// The format's header, written here rather than by the library, whose order of remarks is random.
    pub(super) fn header(&self) -> String {
        let mut entries: BTreeMap<&str, Value> = BTreeMap::new();
        if !self.metadata.is_empty() {
            entries.insert("__metadata__", json!(self.metadata));
        }
        let mut begin = 0;
        for (key, array) in &self.tensors {
            let end = begin + array.data.len() * size_of::<f32>();
            let entry = json!({ "dtype": "F32", "shape": array.shape, "data_offsets": [begin, end] });
            entries.insert(key, entry);
            begin = end;
        }
        let mut header = json!(entries).to_string();
        // Tensors begin at a multiple of 8.
        header.extend(std::iter::repeat_n(
            ' ',
            header.len().next_multiple_of(8) - header.len(),
        ));
        header
    }
}

/// A file of any format; of PyTorch's also what was taken off.
fn read(path: &Path) -> Result<(Checkpoint, Option<Wrapper>), WeightsError> {
    let (mut file, mut bytes, format) = begin(path)?;
    file.read_to_end(&mut bytes).map_err(|source| WeightsError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    match format {
        Format::Safetensors => Ok((of_safetensors(path, &bytes)?, None)),
        Format::Pytorch => {
            let (checkpoint, wrapper) = pytorch::read(&bytes).map_err(|fault| match fault {
                Fault::Broken(reason) => malformed(path, reason),
                Fault::Foreign(what) => WeightsError::Foreign {
                    path: path.to_path_buf(),
                    what,
                },
            })?;
            Ok((checkpoint, Some(wrapper)))
        }
    }
}

/// An opened file, its first bytes and its format.
fn begin(path: &Path) -> Result<(File, Vec<u8>, Format), WeightsError> {
    let unreadable = |source| WeightsError::Read {
        path: path.to_path_buf(),
        source,
    };
    let alien = |what: String| WeightsError::NotWeights {
        path: path.to_path_buf(),
        what,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let head = Read::by_ref(&mut file)
        .take(format::HEAD as u64)
        .read_to_end(&mut bytes);
    head.map_err(unreadable)?;
    let format = format::recognise(&bytes).map_err(|what| alien(what.to_owned()))?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > LARGEST {
        return Err(alien(format!(
            "has {} GB, more than any network here",
            length / 1_000_000_000
        )));
    }
    Ok((file, bytes, format))
}

fn malformed(path: &Path, reason: impl ToString) -> WeightsError {
    WeightsError::Format {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

fn of_safetensors(path: &Path, bytes: &[u8]) -> Result<Checkpoint, WeightsError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| malformed(path, error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| malformed(path, error))?;
    let mut tensors = BTreeMap::new();
    for (key, view) in file.iter() {
        let data = widen(view.dtype(), view.data()).ok_or_else(|| WeightsError::Type {
            path: path.to_path_buf(),
            tensor: key.to_owned(),
            dtype: view.dtype().to_string(),
        })?;
        let shape = view.shape().to_vec();
        tensors.insert(key.to_owned(), Array { shape, data });
    }
    let metadata = header.metadata().clone().unwrap_or_default();
    Ok(Checkpoint {
        tensors,
        metadata: metadata.into_iter().collect(),
    })
}

/// Makes the renaming itself last through a power cut.
fn settle(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Numbers of this type, lowest byte first, as f32.
pub(super) fn widen(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::F32 => each(bytes, f32::from_le_bytes),
        Dtype::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
        Dtype::U64 => each(bytes, |b| u64::from_le_bytes(b) as f32),
        Dtype::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
        Dtype::U32 => each(bytes, |b| u32::from_le_bytes(b) as f32),
        Dtype::I16 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
        Dtype::U16 => each(bytes, |b| f32::from(u16::from_le_bytes(b))),
        Dtype::I8 => each(bytes, |b| f32::from(i8::from_le_bytes(b))),
        Dtype::U8 | Dtype::BOOL => each(bytes, |b| f32::from(u8::from_le_bytes(b))),
        _ => return None,
    })
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| number(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;

    fn checkpoint() -> Checkpoint {
        let mut checkpoint = super::super::recipe(&[
            ("b.weight".to_owned(), vec![3, 5]),
            ("a.bias".to_owned(), vec![7]),
            ("scale".to_owned(), vec![]),
        ]);
        for key in ["stage", "step", "format"] {
            checkpoint.metadata.insert(key.to_owned(), format!("the {key}"));
        }
        checkpoint
    }

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        checkpoint().write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_same_checkpoint_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        checkpoint().write(&a).unwrap();
        checkpoint().write(&b).unwrap();
        assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
    }

    #[test]
    fn half_precision_is_widened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half.safetensors");
        let halves: Vec<u8> = [1.5, -2.0]
            .iter()
            .flat_map(|v| f16::from_f32(*v).to_le_bytes())
            .collect();
        let brains: Vec<u8> = [3.0, 0.5]
            .iter()
            .flat_map(|v| bf16::from_f32(*v).to_le_bytes())
            .collect();
        let views = [
            ("brain", TensorView::new(Dtype::BF16, vec![2], &brains).unwrap()),
            ("half", TensorView::new(Dtype::F16, vec![2], &halves).unwrap()),
        ];
        fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        let read = Checkpoint::read(&path).unwrap();
        assert_eq!(read.tensors["half"].data, [1.5, -2.0]);
        assert_eq!(read.tensors["brain"].data, [3.0, 0.5]);
    }

    #[test]
    fn a_cut_file_and_another_format_are_told_apart_from_a_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        assert!(matches!(Checkpoint::read(&path), Err(WeightsError::Read { .. })));
        checkpoint().write(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in [9, 40, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let error = Checkpoint::read(&path).unwrap_err();
            assert!(matches!(error, WeightsError::Format { .. }), "{length} bytes: {error}");
        }
        for length in [0, 4] {
            fs::write(&path, &whole[..length]).unwrap();
            let error = Checkpoint::read(&path).unwrap_err();
            assert!(
                matches!(error, WeightsError::NotWeights { .. }),
                "{length} bytes: {error}"
            );
        }
        fs::write(&path, b"PK\x03\x04 and so on").unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("a.safetensors is not a whole") && error.contains("fetch it"),
            "{error}"
        );
    }

    #[test]
    fn wrappers_are_taken_off_what_others_wrote_and_kept_in_what_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let mut wrapped = Checkpoint::default();
        for (key, array) in checkpoint().tensors {
            wrapped.tensors.insert(format!("module.{key}"), array);
        }
        wrapped.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), wrapped);
        let (published, wrapper) = Checkpoint::published(&path).unwrap();
        assert_eq!(published.tensors, checkpoint().tensors);
        assert_eq!(wrapper.prefix, "module.");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a.safetensors");
        let error = checkpoint().write(&path).unwrap_err().to_string();
        assert!(error.contains("none/a.safetensors"), "{error}");
    }
}

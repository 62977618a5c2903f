//! A restorer in an ONNX file: one input `[1, 3, H, W]` in \[0, 1\], one output of the same shape.
//!
//! Where the file fixes H and W, larger pictures go through in overlapping tiles; smaller ones, and such as are no
//! multiple of what the network needs, are continued by reflection and cut back.

use std::{path::Path, sync::Arc};

use perceive_datasets::picture::Picture;
use rten::{DataType, Dimension, LoadErrorKind, NodeId, RunOptions, ThreadPool, ValueType};
use rten_tensor::{Layout, NdTensor, Tensor};

use crate::{
    failure::{Exit, Failure, plain},
    stage::tiles::in_tiles,
};

pub struct Model {
    /// Of the file, in hex.
    pub blake3: String,
    /// For messages.
    file: String,
    network: rten::Model,
    input: NodeId,
    output: NodeId,
    /// Height and width, where the file fixes them.
    size: [Option<usize>; 2],
    multiple_of: usize,
    threads: Arc<ThreadPool>,
}

impl Model {
    /// Reads the file and looks at what it takes.
    ///
    /// # Errors
    /// [`Exit::Weights`] where it is not there, no whole ONNX file, or takes anything but one picture of three channels.
    pub fn open(path: &Path, multiple_of: usize) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let wrong = |what: String| Failure::new(Exit::Weights, format!("{file} {what}"));
        let bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {}", plain(&error))))?;
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        let network = rten::Model::load(bytes).map_err(|error| match error.kind() {
            LoadErrorKind::UnknownFileType | LoadErrorKind::FormatNotEnabled => wrong("is no ONNX file".into()),
            LoadErrorKind::ParseError => {
                wrong(format!("is no whole ONNX file ({error})")).help("export or fetch it again")
            }
            LoadErrorKind::ExternalDataError => wrong("keeps its weights in another file".into())
                .help("save it as one file: `onnx.save(model, FILE, save_as_external_data=False)`"),
            _ => wrong(format!("cannot be used: {error}"))
                .help("export it with common operators, in float32; or make it a `command` that runs it elsewhere"),
        })?;
        let ([input], [output, ..]) = (network.input_ids(), network.output_ids()) else {
            let (inputs, outputs) = (network.input_ids().len(), network.output_ids().len());
            return Err(wrong(format!(
                "has {inputs} inputs and {outputs} outputs: a proxy has one input, the degraded picture, and an output"
            )));
        };
        let (input, output) = (*input, *output);
        let size = taken(&network, input).map_err(|what| {
            wrong(what)
                .help("a proxy takes float32 [1, 3, H, W] in [0, 1], channels first; H and W may be fixed or free")
        })?;
        if let Some(odd) = size.iter().flatten().find(|size| !size.is_multiple_of(multiple_of)) {
            return Err(wrong(format!(
                "takes {odd} pixels, which is no multiple of {multiple_of} (multiple_of)"
            )));
        }
        Ok(Self {
            blake3,
            file,
            network,
            input,
            output,
            size,
            multiple_of,
            threads: Arc::new(ThreadPool::with_num_threads(rayon::current_num_threads())),
        })
    }

    /// The restored planes `[3, height, width]`, as the network gives them.
    ///
    /// # Errors
    /// [`Exit::Weights`] where the network cannot do with a picture of that size, or gives something else back.
    pub fn planes(&self, degraded: &Picture) -> Result<Vec<f32>, Failure> {
        let [height, width] = self.size.map(|size| size.unwrap_or(usize::MAX));
        in_tiles(degraded, (width, height), |tile| self.tile(tile))
    }

    fn tile(&self, tile: &Picture) -> Result<Vec<f32>, Failure> {
        let (height, width) = (tile.height, tile.width);
        let [padded_height, padded_width] = [(height, self.size[0]), (width, self.size[1])]
            .map(|(side, fixed)| fixed.unwrap_or_else(|| side.next_multiple_of(self.multiple_of)));
        let padded = resized(&tile.to_planes(), [height, width], [padded_height, padded_width]);
        let input = NdTensor::from_data([1, 3, padded_height, padded_width], padded);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let wrong = |what: String| Failure::new(Exit::Weights, format!("{} {what}", self.file));
        let run = self
            .network
            .run(vec![(self.input, input.into())], &[self.output], Some(options));
        let values = run.map_err(|error| {
            wrong(format!(
                "cannot restore a picture of {padded_width}x{padded_height}: {error}"
            ))
            .help("if it needs sizes that are multiples of a number: multiple_of = 8; any network runs elsewhere as a `command`")
        })?;
        let output = values
            .into_iter()
            .next()
            .and_then(|value| Tensor::<f32>::try_from(value).ok());
        let output = output.ok_or_else(|| wrong("gives something else than floats back".into()))?;
        if output.shape() != [1, 3, padded_height, padded_width] {
            return Err(wrong(format!(
                "gives {:?} back for a picture of [1, 3, {padded_height}, {padded_width}]: a proxy keeps the size",
                output.shape()
            )));
        }
        Ok(resized(
            &output.into_data(),
            [padded_height, padded_width],
            [height, width],
        ))
    }
}

/// The height and width that an input takes, where they are fixed.
fn taken(network: &rten::Model, input: NodeId) -> Result<[Option<usize>; 2], String> {
    let node = network.node_info(input);
    let dtype = node.as_ref().and_then(rten::NodeInfo::dtype);
    match dtype {
        None | Some(ValueType::Tensor(DataType::Float)) => {}
        Some(other) => return Err(format!("takes {other:?}, not floats")),
    }
    // Without a shape in the file, the first picture tells.
    let Some(shape) = node.as_ref().and_then(rten::NodeInfo::shape) else {
        return Ok([None, None]);
    };
    let told: Vec<String> = shape
        .iter()
        .map(|dimension| match dimension {
            Dimension::Fixed(size) => size.to_string(),
            Dimension::Symbolic(name) => name.clone(),
        })
        .collect();
    let takes = format!("takes [{}]", told.join(", "));
    let fixed: Vec<Option<usize>> = shape
        .iter()
        .map(|dimension| match dimension {
            Dimension::Fixed(size) => Some(*size),
            Dimension::Symbolic(_) => None,
        })
        .collect();
    match fixed.as_slice() {
        [_, channels, _, Some(3)] if *channels != Some(3) => Err(format!("{takes}: channels last")),
        [None | Some(1), None | Some(3), height, width] if *height != Some(0) && *width != Some(0) => {
            Ok([*height, *width])
        }
        [_, Some(channels), _, _] if *channels != 3 => Err(format!("{takes}: {channels} channels, not 3")),
        [Some(batch), ..] if *batch != 1 && fixed.len() == 4 => {
            Err(format!("{takes}: {batch} pictures at once, not 1"))
        }
        _ => Err(format!("{takes}, not one picture")),
    }
}

/// Planes `[3, height, width]` cut, or continued by reflection, to the right and below.
fn resized(planes: &[f32], [height, width]: [usize; 2], [new_height, new_width]: [usize; 2]) -> Vec<f32> {
    if (height, width) == (new_height, new_width) {
        return planes.to_vec();
    }
    let columns: Vec<usize> = (0..new_width).map(|at| reflected(at, width)).collect();
    let mut new = Vec::with_capacity(3 * new_height * new_width);
    for plane in planes.chunks_exact(height * width) {
        for row in (0..new_height).map(|at| reflected(at, height)) {
            new.extend(columns.iter().map(|column| plane[row * width + column]));
        }
    }
    new
}

/// Where position `at` of an axis of `size`, reflected about its ends again and again, comes from.
fn reflected(at: usize, size: usize) -> usize {
    let period = (2 * (size - 1)).max(1);
    (at % period).min(period - at % period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_reflected_about_its_ends() {
        let axis = |size: usize, new: usize| (0..new).map(|at| reflected(at, size)).collect::<Vec<_>>();
        assert_eq!(axis(3, 8), [0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(axis(1, 3), [0, 0, 0]);
        assert_eq!(axis(4, 2), [0, 1]);
    }

    #[test]
    fn what_was_continued_is_cut_back() {
        let planes: Vec<f32> = (0..3 * 4 * 5).map(|level| level as f32).collect();
        let padded = resized(&planes, [4, 5], [8, 16]);
        assert_eq!(padded.len(), 3 * 8 * 16);
        assert_eq!(resized(&padded, [8, 16], [4, 5]), planes);
    }
}

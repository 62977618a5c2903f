//! A trained restorer on disk, and whole pictures through it.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use perceive_datasets::picture::Picture;
use perceive_model::{
    metric::{Planes, psnr_rgb},
    network::{Network, NetworkConfig, Restorer as _, Start, whole_picture},
    train::guide::Guide,
    weights::{Checkpoint, load},
};
use serde::{Deserialize, Serialize};

use super::{
    context::{read_json, write_json},
    tiles::in_tiles,
    towers::Tower,
};
use crate::{
    failure::{Exit, Failure},
    home::Home,
    weights_store::{Entry, WeightsStore},
};

const WEIGHTS: &str = "model.safetensors";
const CONFIGURATION: &str = "model.json";

/// What a restorer is, beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    pub network: NetworkConfig,
    /// The DINOv2 that guides it, if it is guided.
    pub guide: Option<Tower>,
}

/// A network ready to restore. A clone shares the weights.
#[derive(Clone)]
pub struct Restorer {
    network: Network,
    guide: Option<Guide>,
    device: Device,
}

/// Writes the restorer into an artefact's folder.
pub fn save(folder: &Path, configuration: &Configuration, weights: Checkpoint) -> Result<(), Failure> {
    save_weights(&folder.join(WEIGHTS), configuration, weights)?;
    write_json(&folder.join(CONFIGURATION), configuration)
}

/// Writes weights in a file that says of what network they are.
pub fn save_weights(path: &Path, configuration: &Configuration, mut weights: Checkpoint) -> Result<(), Failure> {
    let text = serde_json::to_string(&configuration.network).unwrap_or_default();
    weights.metadata.insert("configuration".into(), text);
    Ok(weights.write(path)?)
}

/// Writes weights to be used elsewhere: the file says as well what guides the network, and that its keys are PyTorch's.
pub fn export(path: &Path, configuration: &Configuration, mut weights: Checkpoint) -> Result<(), Failure> {
    let remarks = &mut weights.metadata;
    remarks.insert("format".into(), "pt".into());
    if let Some(guide) = &configuration.guide {
        remarks.insert("guide".into(), serde_json::to_string(guide).unwrap_or_default());
    }
    save_weights(path, configuration, weights)
}

/// What the restorer of an artefact's folder is.
pub fn configuration(folder: &Path) -> Result<Configuration, Failure> {
    read_json(&folder.join(CONFIGURATION))
}

/// The weights of an artefact's folder.
pub fn weights(folder: &Path) -> Result<Start, Failure> {
    let path = folder.join(WEIGHTS);
    Ok(Start {
        of: configuration(folder)?.network,
        weights: Checkpoint::read(&path)?,
        origin: path.display().to_string(),
    })
}

/// Imported weights of that name, and of what network they are.
pub fn imported(store: &WeightsStore, name: &str) -> Result<Start, Failure> {
    let path = store.find_named(name)?;
    Ok(Start {
        of: store.named(name)?.network()?,
        weights: Checkpoint::read(&path)?,
        origin: path.display().to_string(),
    })
}

/// The tower that guides the network of imported weights; `None` for one that restores by itself.
///
/// # Errors
/// [`Exit::Weights`] for a guided network whose file did not say by which weights.
pub fn guide(weights: &Entry) -> Result<Option<&Tower>, Failure> {
    if !weights.network()?.needs_guidance() {
        return Ok(None);
    }
    let silent = || {
        let text = format!(
            "the weights {:?} are of a {} that DINOv2 guides, and their file does not say by which weights",
            weights.name,
            weights.title()
        );
        Failure::new(Exit::Weights, text)
            .help("train on from them with `restore.start_from`, with 0 steps to measure them as they are")
    };
    weights.guide.as_ref().map(Some).ok_or_else(silent)
}

impl Restorer {
    /// Reads the restorer of an artefact's folder.
    pub fn open(folder: &Path, home: &Home, device: &Device) -> Result<Self, Failure> {
        let configuration = configuration(folder)?;
        let Start { of, weights, origin } = weights(folder)?;
        let network = load(Network::new(&of, device), &weights, &origin)?;
        let guide = configuration.guide.map(|tower| tower.guide(home, device)).transpose()?;
        Ok(Self {
            network,
            guide,
            device: device.clone(),
        })
    }

    /// Reads a restorer from the imported weights of that name.
    ///
    /// # Errors
    /// [`Exit::Weights`] for weights that were changed, and for a guided network without its guide.
    pub fn from_weights(home: &Home, name: &str, device: &Device) -> Result<Self, Failure> {
        let store = WeightsStore::of(home);
        let entry = store.named(name)?;
        let guide = guide(&entry)?.map(|tower| tower.guide(home, device)).transpose()?;
        let Start { of, weights, origin } = imported(&store, name)?;
        Ok(Self {
            network: load(Network::new(&of, device), &weights, &origin)?,
            guide,
            device: device.clone(),
        })
    }

    pub fn new(network: Network, guide: Option<Guide>, device: &Device) -> Self {
        Self {
            network,
            guide,
            device: device.clone(),
        }
    }

    /// The same restorer, told which degradation the pictures to come have, for a network that follows instructions.
    #[must_use]
    pub fn told(mut self, degradation: &str) -> Self {
        self.network.tell(degradation);
        self
    }

    /// The degradations that it can be told of; none for a network that finds out itself.
    pub fn degradations(&self) -> Vec<&str> {
        match &self.network {
            Network::InstructIr(network) => network.degradations(),
            _ => Vec::new(),
        }
    }

    /// The restored planes `[3, height, width]` as the network gives them, neither clipped nor rounded.
    pub fn unclipped(&self, degraded: &Picture) -> Vec<f32> {
        let (height, width) = (degraded.height, degraded.width);
        let data = TensorData::new(degraded.to_planes(), [1, 3, height, width]);
        let image = Tensor::<4>::from_data(data, &self.device);
        let tokens = self.guide.as_ref().map(|guide| guide.tokens(image.clone()));
        let restored = whole_picture::restore(&self.network, image, tokens);
        restored.into_data().iter::<f32>().collect()
    }

    /// The restored planes `[3, height, width]`, clipped to \[0, 1\], not rounded. `name` is what an error calls the picture.
    ///
    /// # Errors
    /// [`Exit::Run`] where one of them is NaN or infinite: clipped, that would look like a level.
    pub fn planes(&self, degraded: &Picture, name: &str) -> Result<Vec<f32>, Failure> {
        let mut planes = self.unclipped(degraded);
        if !planes.iter().all(|value| value.is_finite()) {
            let text = format!("{name}: the network makes NaN or infinite values of it");
            return Err(Failure::new(Exit::Run, text).help("its weights have diverged, or are of another network"));
        }
        for value in &mut planes {
            *value = value.clamp(0.0, 1.0);
        }
        Ok(planes)
    }

    /// The restored picture, rounded to 8 bits.
    ///
    /// # Errors
    /// See [`planes`](Self::planes).
    pub fn picture(&self, degraded: &Picture, name: &str) -> Result<Picture, Failure> {
        let planes = self.planes(degraded, name)?;
        Ok(Picture::from_planes(&planes, degraded.width, degraded.height))
    }
}

/// A picture as the metrics take it.
pub fn measurable(picture: &Picture) -> Result<Planes, Failure> {
    Ok(Planes::new(picture.to_planes(), picture.height, picture.width)?)
}

/// PSNR on RGB of 8-bit pictures, in dB.
pub fn psnr(restored: &Picture, clean: &Picture) -> Result<f64, Failure> {
    Ok(psnr_rgb(&measurable(restored)?, &measurable(clean)?)?)
}

/// A picture of any size, restored in overlapping tiles of at most `tile` x `tile` pixels.
///
/// # Errors
/// See [`Restorer::planes`].
pub fn tiled(restorer: &Restorer, degraded: &Picture, name: &str, tile: usize) -> Result<Picture, Failure> {
    let planes = in_tiles(degraded, (tile, tile), |tile| restorer.planes(tile, name))?;
    Ok(Picture::from_planes(&planes, degraded.width, degraded.height))
}

#[cfg(test)]
mod tests {
    use perceive_model::{
        network::Size,
        weights::{recipe, shapes},
    };

    use super::*;

    #[test]
    fn values_that_are_no_numbers_are_an_error_and_no_levels() {
        let device = Device::flex();
        let config = NetworkConfig::sized("nafnet", Size::Tiny).unwrap();
        let mut weights = recipe(&shapes(&Network::new(&config, &device)));
        let restorer = |weights: &Checkpoint| {
            let network = load(Network::new(&config, &device), weights, "recipe").unwrap();
            Restorer::new(network, None, &device)
        };
        let degraded = Picture::new(20, 16);
        let (wild, clipped) = (
            restorer(&weights).unclipped(&degraded),
            restorer(&weights).planes(&degraded, "a").unwrap(),
        );
        let expected: Vec<f32> = wild.iter().map(|value| value.clamp(0.0, 1.0)).collect();
        assert_eq!(clipped, expected);
        // Finite weights whose products are not.
        for key in ["ending.weight", "ending.bias"] {
            weights.tensors.get_mut(key).unwrap().data.fill(3e38);
        }
        let broken = restorer(&weights);
        assert!(!broken.unclipped(&degraded).iter().all(|value| value.is_finite()));
        let failure = tiled(&broken, &degraded, "lab/a.png", 64).unwrap_err();
        assert!(
            failure.exit == Exit::Run && failure.message.starts_with("lab/a.png: "),
            "{failure}"
        );
        assert!(broken.picture(&degraded, "a").is_err());
    }
}

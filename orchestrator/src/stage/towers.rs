//! The frozen towers of a job: which, and from where.

use std::path::PathBuf;

use burn::tensor::Device;
use perceive_model::{
    tower::{Clip, Dinov2, Vgg16, stand_in},
    train::guide::Guide,
    weights::Checkpoint,
};
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    home::Home,
    spec::Towers,
    weights_store::{Kind, WeightsStore, kind, others},
};

/// Where a tower's weights come from; part of every key that depends on the tower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tower {
    /// The small seeded one.
    StandIn,
    /// The imported one, by the blake3 of its file.
    Imported(String),
}

/// DINOv2's published input size in the paper.
const DINO_RESOLUTION: usize = 224;

impl Tower {
    /// The tower of `kind` that an experiment asks for.
    ///
    /// # Errors
    /// [`crate::failure::Exit::Weights`] for a real one that is not installed.
    pub fn of(home: &Home, towers: Towers, kind: &'static Kind) -> Result<Self, Failure> {
        match towers {
            Towers::StandIn => Ok(Self::StandIn),
            Towers::Real => {
                let store = WeightsStore::of(home);
                store.find(kind)?;
                Ok(Self::Imported(store.named(kind.name)?.blake3))
            }
        }
    }

    /// Refuses weights that are not installed, or others than these.
    ///
    /// # Errors
    /// [`crate::failure::Exit::Weights`].
    pub fn check(&self, home: &Home, kind: &Kind) -> Result<(), Failure> {
        match self {
            Self::StandIn => Ok(()),
            Self::Imported(_) => self.file(home, kind).map(drop),
        }
    }

    fn file(&self, home: &Home, kind: &Kind) -> Result<PathBuf, Failure> {
        let store = WeightsStore::of(home);
        let path = store.find(kind)?;
        match self {
            Self::Imported(blake3) if store.named(kind.name)?.blake3 != *blake3 => Err(others(kind.name)),
            _ => Ok(path),
        }
    }

    /// The imported weights, held to what was planned with.
    fn checkpoint(&self, home: &Home, kind: &Kind) -> Result<(Checkpoint, String), Failure> {
        let path = self.file(home, kind)?;
        Ok((Checkpoint::read(&path)?, path.display().to_string()))
    }

    pub fn clip(&self, home: &Home, device: &Device) -> Result<Clip, Failure> {
        if *self == Self::StandIn {
            return Ok(stand_in::clip(device).frozen());
        }
        let (checkpoint, origin) = self.checkpoint(home, &kind::clip::KIND)?;
        Ok(Clip::from_checkpoint(checkpoint, &origin, device)?.frozen())
    }

    pub fn guide(&self, home: &Home, device: &Device) -> Result<Guide, Failure> {
        if *self == Self::StandIn {
            return Ok(Guide::new(stand_in::dinov2(device), stand_in::DINO_RESOLUTION));
        }
        let (checkpoint, origin) = self.checkpoint(home, &kind::dinov2::KIND)?;
        Ok(Guide::new(
            Dinov2::from_checkpoint(&checkpoint, &origin, device)?,
            DINO_RESOLUTION,
        ))
    }

    pub fn vgg16(&self, home: &Home, device: &Device) -> Result<Vgg16, Failure> {
        if *self == Self::StandIn {
            return Ok(stand_in::vgg16(device).frozen());
        }
        let (checkpoint, origin) = self.checkpoint(home, &kind::vgg16::KIND)?;
        Ok(Vgg16::from_checkpoint(checkpoint, &origin, device)?.frozen())
    }
}

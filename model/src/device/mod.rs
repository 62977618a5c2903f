//! Where a network computes: `cpu`, `cuda:0`, ... as people write it, and the Burn device behind it.
//!
//! The device is always chosen by name: Burn's own default would be a GPU backend that may not be there.

mod cuda;
mod group;

use std::{fmt, str::FromStr};

use burn::tensor::Device;

pub use cuda::{Cuda, Missing};
pub use group::DeviceGroup;

/// A device as `--device` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DeviceName {
    /// Burn's Flex backend on all threads.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this number.
    Cuda(usize),
}

/// Why a device cannot be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeviceError {
    #[error("there is no device called '{name}'")]
    Unknown { name: String },
    #[error("cannot use {device}: {missing}")]
    Missing { device: DeviceName, missing: Missing },
    #[error("there is no {device}: this machine has {}", gpus(*.count))]
    Absent { device: DeviceName, count: usize },
    #[error("'{group}' is no group of devices: {reason}")]
    Group { group: String, reason: &'static str },
}

impl DeviceName {
    /// The devices that this program can open on this machine.
    pub fn offered() -> Vec<Self> {
        let gpus = Cuda::look().gpus().unwrap_or(0);
        [Self::Cpu].into_iter().chain((0..gpus).map(Self::Cuda)).collect()
    }

    /// The device itself, without autodiff.
    ///
    /// # Errors
    /// For a GPU that this machine, or this program as it was built, does not have; and what is missing.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::flex()),
            Self::Cuda(number) => {
                let count = Cuda::look()
                    .gpus()
                    .map_err(|missing| DeviceError::Missing { device: self, missing })?;
                if number >= count {
                    return Err(DeviceError::Absent { device: self, count });
                }
                Ok(cuda::device(number))
            }
        }
    }
}

impl FromStr for DeviceName {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown { name: name.into() };
        match name.split_once(':') {
            None if name == "cpu" => Ok(Self::Cpu),
            // Two spellings of one device would be two settings to the record.
            Some(("cuda", number)) if number == "0" || !number.starts_with(['0', '+']) => {
                number.parse().map(Self::Cuda).map_err(|_| unknown())
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

fn gpus(count: usize) -> String {
    match count {
        1 => "one, cuda:0".into(),
        count => format!("{count}, cuda:0 to cuda:{}", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_parsing_and_printing() {
        for name in ["cpu", "cuda:0", "cuda:7", "cuda:12"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn another_name_is_an_unknown_device() {
        for name in [
            "", "gpu", "CPU", "cpu:0", "cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:01",
        ] {
            let error = name.parse::<DeviceName>().unwrap_err();
            assert!(error.to_string().contains(&format!("'{name}'")), "{error}");
        }
    }

    #[test]
    fn what_is_offered_opens_and_what_is_not_says_why() {
        let offered = DeviceName::offered();
        assert_eq!(offered[0], DeviceName::Cpu);
        for device in &offered {
            device.open().unwrap();
        }
        let next = DeviceName::Cuda(offered.len() - 1);
        let error = next.open().unwrap_err().to_string();
        assert!(error.contains(&next.to_string()), "{error}");
        #[cfg(not(feature = "cuda"))]
        assert!(error.contains("built without CUDA"), "{error}");
    }
}

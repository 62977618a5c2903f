//! Where a network computes: `cpu`, `cuda:0`, ... as people write it, and the Burn device behind it.
//!
//! The device is always chosen by name: Burn's own default would pick a GPU backend that may not be there.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use crate::failure::{Exit, Failure};

/// A device as `--device` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DeviceName {
    /// Burn's Flex backend on all threads.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this number.
    Cuda(usize),
}

impl DeviceName {
    /// The devices that this program can open on this machine.
    pub fn offered() -> Vec<Self> {
        vec![Self::Cpu]
    }

    /// The device itself.
    ///
    /// # Errors
    /// [`Exit::Unknown`] for a device that this program was not built for.
    pub fn open(self) -> Result<Device, Failure> {
        match self {
            Self::Cpu => Ok(Device::flex()),
            Self::Cuda(_) => Err(Failure::new(
                Exit::Unknown,
                format!("cannot use {self}: this program was built without CUDA"),
            )
            .help("build with --features cuda, or use --device cpu")),
        }
    }
}

impl FromStr for DeviceName {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        match name.split_once(':') {
            None if name == "cpu" => Ok(Self::Cpu),
            // Two spellings of one device would be two settings to the record.
            Some(("cuda", number)) if number == "0" || !number.starts_with(['0', '+']) => {
                number.parse().map(Self::Cuda).map_err(|_| unknown(name))
            }
            _ => Err(unknown(name)),
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

fn unknown(name: &str) -> Failure {
    Failure::unknown("device", name, ["cpu", "cuda:0"])
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
            let failure = name.parse::<DeviceName>().unwrap_err();
            assert_eq!(failure.exit, Exit::Unknown, "{name}");
            assert!(failure.to_string().contains(&format!("'{name}'")), "{failure}");
        }
    }

    #[test]
    fn the_cpu_opens_and_a_missing_gpu_says_how_to_build_for_it() {
        assert!(DeviceName::Cpu.open().is_ok());
        let failure = DeviceName::Cuda(0).open().unwrap_err();
        assert_eq!(failure.exit, Exit::Unknown);
        assert!(
            failure.to_string().contains("cuda:0") && failure.to_string().contains("without CUDA"),
            "{failure}"
        );
    }
}

//! Devices by name ([`perceive_model::device`]), and what a command says of one that it cannot have.

pub use perceive_model::device::{Cuda, DeviceGroup, DeviceName, Missing};

use perceive_model::device::DeviceError;

use crate::failure::{Exit, Failure};

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        let failure = Self::new(Exit::Unknown, error.to_string());
        match error {
            DeviceError::Unknown { name } => Self::unknown("device", &name, ["cpu", "cuda:0"]),
            DeviceError::Missing { missing, .. } => failure.help(missing.to_do()),
            DeviceError::Absent { .. } => failure.help("`perceive-ir doctor` lists the devices"),
            DeviceError::Group { .. } => failure
                .help("a group is one device or several GPUs, such as cuda:0+cuda:1; commas part one from the next"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_cannot_be_had_is_unknown_and_says_what_to_do() {
        let failures = ["gpu", "cuda:0+cuda:0"].map(|name| Failure::from(name.parse::<DeviceGroup>().unwrap_err()));
        let absent = DeviceName::Cuda(100_000).open().map(|_| ()).unwrap_err().into();
        for failure in failures.into_iter().chain([absent]) {
            assert_eq!(failure.exit, Exit::Unknown);
            assert!(failure.help.is_some(), "{failure}");
        }
    }
}

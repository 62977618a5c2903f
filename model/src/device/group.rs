//! Devices that work on one run together: `cuda:0+cuda:1`.

use std::{fmt, str::FromStr};

use burn::tensor::Device;

use super::{DeviceError, DeviceName};

/// One device or several. Trainings divide each batch among them; everything else is done on the first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceGroup(Vec<DeviceName>);

impl DeviceGroup {
    pub fn names(&self) -> &[DeviceName] {
        &self.0
    }

    /// The devices themselves, without autodiff, the one with the weights first.
    ///
    /// # Errors
    /// See [`DeviceName::open`].
    pub fn open(&self) -> Result<Vec<Device>, DeviceError> {
        self.0.iter().map(|name| name.open()).collect()
    }
}

impl Default for DeviceGroup {
    fn default() -> Self {
        DeviceName::default().into()
    }
}

impl From<DeviceName> for DeviceGroup {
    fn from(name: DeviceName) -> Self {
        Self(vec![name])
    }
}

impl FromStr for DeviceGroup {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let names: Vec<DeviceName> = text.split('+').map(str::parse).collect::<Result<_, _>>()?;
        let wrong = |reason| {
            Err(DeviceError::Group {
                group: text.into(),
                reason,
            })
        };
        let cpus = names.iter().filter(|name| **name == DeviceName::Cpu).count();
        if cpus > 0 && cpus < names.len() {
            return wrong("the devices of a group take equal shares, so CPU and GPU do not go together");
        }
        if cpus == 0 && (1..names.len()).any(|at| names[..at].contains(&names[at])) {
            return wrong("it names a GPU twice");
        }
        Ok(Self(names))
    }
}

impl fmt::Display for DeviceGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_survives_parsing_and_printing() {
        for text in ["cpu", "cuda:3", "cuda:0+cuda:1", "cuda:2+cuda:0+cuda:1", "cpu+cpu"] {
            assert_eq!(text.parse::<DeviceGroup>().unwrap().to_string(), text);
        }
        assert_eq!("cpu+cpu".parse::<DeviceGroup>().unwrap().open().unwrap().len(), 2);
    }

    #[test]
    fn a_group_is_of_one_kind_and_names_no_gpu_twice() {
        for text in ["cpu+cuda:0", "cuda:1+cuda:1", "cuda:0+", "+", "cuda:0+gpu"] {
            let error = text.parse::<DeviceGroup>().unwrap_err().to_string();
            assert!(error.contains('\''), "{error}");
        }
    }
}

//! One golden case: its description, its tensors, its weights.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use burn::{
    module::Module,
    tensor::{Device, Int, Tensor},
};
use perceive_model::{
    device::DeviceName,
    weights::{Array, Checkpoint, load, recipe, shapes},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub struct Case {
    pub name: String,
    /// `NAME.json`
    pub json: Value,
    /// All of `NAME.safetensors`: the state under its keys, inputs and expectations in double underscores.
    pub tensors: BTreeMap<String, Array>,
    /// Where the case is computed, with autodiff: see [`device`].
    pub device: Device,
    folder: PathBuf,
}

impl Case {
    pub fn read(folder: &Path, name: &str) -> Self {
        let tensors = folder.join(format!("{name}.safetensors"));
        let tensors = if tensors.exists() {
            Checkpoint::read(&tensors)
                .unwrap_or_else(|error| panic!("{error}"))
                .tensors
        } else {
            BTreeMap::new()
        };
        Self {
            name: name.to_owned(),
            json: json(&folder.join(format!("{name}.json"))),
            tensors,
            device: device().open().unwrap_or_else(|error| panic!("{error}")).autodiff(),
            folder: folder.to_path_buf(),
        }
    }

    /// The `config` of the description (unknown fields are the type's own affair).
    pub fn config<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.json["config"].clone()).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// A number of the description by its JSON pointer, such as `/values/dpl`.
    pub fn number(&self, pointer: &str) -> f64 {
        let value = self.json.pointer(pointer).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("{}: no number at {pointer}", self.name))
    }

    /// Another file of the folder, such as `metrics_values.json`.
    pub fn beside(&self, file: &str) -> Value {
        json(&self.folder.join(file))
    }

    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub fn array(&self, name: &str) -> &Array {
        let found = self.tensors.get(name);
        found.unwrap_or_else(|| panic!("{}: no tensor {name}", self.name))
    }

    /// On the case's device, without gradient (`.require_grad()` asks for one).
    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.array(name).tensor(&self.device)
    }

    pub fn ints<const D: usize>(&self, name: &str) -> Tensor<D, Int> {
        self.array(name).ints(&self.device)
    }

    /// The state that the file itself holds: every tensor whose name is not in double underscores.
    pub fn state(&self) -> Checkpoint {
        let state = self.tensors.iter().filter(|(key, _)| !key.starts_with("__"));
        Checkpoint {
            tensors: state.map(|(key, array)| (key.clone(), array.clone())).collect(),
            metadata: BTreeMap::new(),
        }
    }

    /// `module` with the weights of the case: stored ones, or by recipe for every key of the case's list of keys (where
    /// there is none, for the module's own keys).
    pub fn load<M: Module>(&self, module: M) -> M {
        let state = match (self.json["weights"].as_str(), self.json["keys_file"].as_str()) {
            (None, _) => self.state(),
            (Some(_), Some(file)) => recipe(&listed(&self.beside(file))),
            (Some(_), None) => recipe(&shapes(&module)),
        };
        load(module, &state, &self.name).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// The CPU, or what `PERCEIVE_DEVICE` names.
pub fn device() -> DeviceName {
    let name = env::var("PERCEIVE_DEVICE").unwrap_or_else(|_| "cpu".into());
    name.parse().unwrap_or_else(|error| panic!("PERCEIVE_DEVICE: {error}"))
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Of `{"key": ["float32", [2, 3]], ...}`.
fn listed(keys: &Value) -> Vec<(String, Vec<usize>)> {
    let keys: BTreeMap<String, (String, Vec<usize>)> =
        serde_json::from_value(keys.clone()).expect("a list of keys, types and shapes");
    keys.into_iter().map(|(key, (_, shape))| (key, shape)).collect()
}

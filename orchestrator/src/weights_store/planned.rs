//! Weights that a job was planned with: its key says which, and they must still be those when it runs.

use std::path::PathBuf;

use super::{Entry, WeightsStore};
use crate::failure::{Exit, Failure};

impl WeightsStore {
    /// The safetensors file of installed weights, if they are the ones that were planned with, as `is_planned` tells.
    ///
    /// # Errors
    /// [`Exit::Weights`] where they are others, or were changed since their import; [`Exit::Unknown`] where they are gone.
    pub fn find_planned(&self, name: &str, is_planned: impl FnOnce(&Entry) -> bool) -> Result<PathBuf, Failure> {
        let entry = self.named(name)?;
        if is_planned(&entry) {
            return self.check(&entry);
        }
        Err(others(name))
    }
}

/// Weights were imported anew between plan and run.
pub fn others(name: &str) -> Failure {
    let text = format!("the weights {name:?} are others than those that this run was planned with");
    Failure::new(Exit::Weights, text).help("give the same command again")
}

#[cfg(test)]
mod tests {
    use perceive_model::weights::{Array, Checkpoint};

    use super::super::{Overrides, Source, kind};
    use super::*;
    use crate::home::Home;

    #[test]
    fn weights_that_were_imported_anew_since_the_plan_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = WeightsStore::of(&Home::at(folder.path().to_path_buf()));
        let import = |value: f32| {
            let mut file = Checkpoint::default();
            let sentence = Array {
                shape: vec![1, 384],
                data: vec![value; 384],
            };
            file.tensors.insert("noise".into(), sentence);
            let path = folder.path().join("mine.safetensors");
            file.write(&path).unwrap();
            let source = Source {
                kind: &kind::instructions::KIND,
                file: &path,
                name: Some("mine"),
                overrides: &Overrides::read(None, &[]).unwrap(),
            };
            store.import(source).unwrap();
            store.named("mine").unwrap().blake3
        };
        let planned = import(0.5);
        assert!(store.find_planned("mine", |entry| entry.blake3 == planned).is_ok());
        store.remove("mine").unwrap();
        import(0.25);
        let failure = store.find_planned("mine", |entry| entry.blake3 == planned).unwrap_err();
        assert_eq!(failure.exit, Exit::Weights);
        assert!(failure.with_help().contains("give the same command again"));
    }
}

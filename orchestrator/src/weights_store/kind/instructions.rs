//! What InstructIR is asked for: sentence embeddings, as a sentence encoder gave them, a tensor for each degradation.

use std::collections::BTreeMap;

use perceive_model::network::instructir::instructions::SENTENCE_DIM;
use serde_json::json;

use super::{Kind, as_it_is};

pub static KIND: Kind = Kind {
    name: "instructions",
    title: "InstructIR's sentences",
    publication: None,
    page: None,
    size: None,
    bare: as_it_is,
    // How many sentences there are for each degradation.
    settings: |shapes| {
        let sets = shapes.checkpoint().tensors.iter();
        let counts = sets.map(|(key, array)| (key.clone(), array.shape.first().copied().unwrap_or_default()));
        json!(counts.collect::<BTreeMap<_, _>>())
    },
    tensors: |settings| {
        let counts: BTreeMap<String, usize> =
            serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        if counts.is_empty() {
            return Err("there is no tensor in it".into());
        }
        let tensor = |(degradation, count): (String, usize)| match count {
            0 => Err(format!("`{degradation}`: a sentence or more")),
            count => Ok((degradation, vec![count, SENTENCE_DIM])),
        };
        counts.into_iter().map(tensor).collect()
    },
};

#[cfg(test)]
mod tests {
    use perceive_model::weights::{Array, Checkpoint, fit};

    use super::*;
    use crate::weights_store::kind::Shapes;

    fn file(shape: Vec<usize>) -> Checkpoint {
        let data = vec![0.1; shape.iter().product()];
        Checkpoint {
            tensors: [("haze".to_owned(), Array { shape, data })].into(),
            ..Checkpoint::default()
        }
    }

    #[test]
    fn a_file_of_sentences_tells_how_many_there_are_and_another_one_is_refused() {
        let settings = |file: &Checkpoint| (KIND.settings)(&Shapes::of(file));
        let good = file(vec![3, SENTENCE_DIM]);
        assert_eq!(settings(&good), json!({ "haze": 3 }));
        fit(&(KIND.tensors)(&settings(&good)).unwrap(), &good, "file").unwrap();
        let narrow = file(vec![3, 512]);
        let tensors = (KIND.tensors)(&settings(&narrow)).unwrap();
        assert!(fit(&tensors, &narrow, "file").unwrap_err().to_string().contains("haze"));
        assert!((KIND.tensors)(&settings(&file(vec![0, SENTENCE_DIM]))).is_err());
        assert!((KIND.tensors)(&json!({})).is_err());
    }
}

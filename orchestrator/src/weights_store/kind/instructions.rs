//! What InstructIR is asked for: sentence embeddings, as a sentence encoder gave them, a tensor for each degradation.

use perceive_model::{
    network::instructir::instructions::SENTENCE_DIM,
    weights::{Checkpoint, Mismatch, WeightsError},
};
use serde_json::{Value, json};

use super::{Kind, none};

pub static KIND: Kind = Kind {
    name: "instructions",
    title: "InstructIR's sentences",
    publication: None,
    harmless: none,
    fit: |checkpoint, origin| {
        let misshapen = checkpoint.tensors.iter().filter(|(_, array)| match array.shape[..] {
            [sentences, width] => sentences == 0 || width != SENTENCE_DIM,
            _ => true,
        });
        let misshapen = misshapen.map(|(key, array)| (key.clone(), vec![1, SENTENCE_DIM], array.shape.clone()));
        let mismatch = Mismatch {
            source: origin.to_owned(),
            misshapen: misshapen.collect(),
            ..Mismatch::default()
        };
        if !mismatch.is_empty() {
            return Err(mismatch.into());
        }
        finite(checkpoint, origin)?;
        Ok(counts(checkpoint))
    },
};

/// Sentences by degradation.
fn counts(checkpoint: &Checkpoint) -> Value {
    let sets = checkpoint.tensors.iter();
    json!(
        sets.map(|(key, array)| (key.clone(), array.shape[0]))
            .collect::<std::collections::BTreeMap<_, _>>()
    )
}

fn finite(checkpoint: &Checkpoint, origin: &str) -> Result<(), WeightsError> {
    let broken = checkpoint.tensors.iter();
    let broken = broken.filter(|(_, array)| !array.data.iter().all(|value| value.is_finite()));
    let tensors: Vec<String> = broken.map(|(key, _)| key.clone()).collect();
    if tensors.is_empty() {
        return Ok(());
    }
    Err(WeightsError::NotFinite {
        origin: origin.to_owned(),
        tensors,
    })
}

#[cfg(test)]
mod tests {
    use perceive_model::weights::Array;

    use super::*;

    fn file(shape: Vec<usize>) -> Checkpoint {
        let data = vec![0.1; shape.iter().product()];
        Checkpoint {
            tensors: [("haze".to_owned(), Array { shape, data })].into(),
            ..Checkpoint::default()
        }
    }

    #[test]
    fn a_file_of_sentences_tells_how_many_there_are_and_another_one_is_refused() {
        assert_eq!(
            (KIND.fit)(&file(vec![3, SENTENCE_DIM]), "file").unwrap(),
            json!({ "haze": 3 })
        );
        for shape in [vec![3, 512], vec![0, SENTENCE_DIM], vec![SENTENCE_DIM]] {
            let error = (KIND.fit)(&file(shape), "file").unwrap_err();
            assert!(error.to_string().contains("haze"), "{error}");
        }
        let mut broken = file(vec![1, SENTENCE_DIM]);
        broken.tensors.get_mut("haze").unwrap().data[4] = f32::NAN;
        assert!(matches!(
            (KIND.fit)(&broken, "file"),
            Err(WeightsError::NotFinite { .. })
        ));
    }
}

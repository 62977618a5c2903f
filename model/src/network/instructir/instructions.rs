//! What InstructIR is asked for: sentences by degradation, as embeddings of a frozen sentence encoder.
//!
//! The encoder itself is not part of the program: embeddings come from a file, a tensor `[sentences, 384]` for each
//! degradation under its name (`noise`, `haze`, `low-light`), or are seeded stand-ins, which tell degradations apart and say
//! nothing.

use burn::{
    module::Param,
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use crate::{
    layer::initial,
    weights::{
        Array, Checkpoint, WeightsError,
        recipe::{hash, units},
    },
};

/// Width of a sentence's embedding, as published.
pub const SENTENCE_DIM: usize = 384;

/// The sentences that ask for one degradation to be taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// As a test set's degradation is called: `haze`, `noise25`.
    pub degradation: String,
    /// How many there are.
    pub sentences: usize,
}

impl Instructions {
    /// One sentence, to be seeded.
    pub fn stand_in(degradation: &str) -> Self {
        Self {
            degradation: degradation.into(),
            sentences: 1,
        }
    }
}

/// The one of `names` that speaks of a degradation: its own name, or that of its kind without numbers (`noise` of
/// `noise25`).
pub fn speaking_of<'a>(degradation: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let kind = degradation.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let named = |name: &str| names.clone().find(|known| *known == name);
    named(degradation).or_else(|| named(kind))
}

/// Stand-ins of length 1 for all sentences, `[rows, 384]`: each depends on its degradation's name and its number alone.
pub fn stand_ins(sets: &[Instructions], device: &Device) -> Param<Tensor<2>> {
    let names = sets.iter().flat_map(|set| {
        let name = |number| format!("instruction {} {number}", set.degradation);
        (0..set.sentences).map(name)
    });
    let values: Vec<f32> = names
        .flat_map(|name| {
            let drawn: Vec<f32> = units(hash(&name)).take(SENTENCE_DIM).collect();
            let length = drawn.iter().map(|value| value * value).sum::<f32>().sqrt();
            drawn.into_iter().map(move |value| value / length)
        })
        .collect();
    let rows = values.len() / SENTENCE_DIM;
    initial([rows, SENTENCE_DIM], device, move |_, index| values[index]).set_require_grad(false)
}

/// The sentences of a file for these sets, row after row.
///
/// # Errors
/// A set that no tensor speaks of, or tensors of another width or number of rows, all in one error; all tensors, where
/// there are no sets that could take them.
pub fn rows(sets: &[Instructions], file: &Checkpoint, origin: &str) -> Result<Array, WeightsError> {
    let mut mismatch = crate::weights::Mismatch {
        source: origin.into(),
        ..Default::default()
    };
    if sets.is_empty() {
        let tensors = file.tensors.iter();
        mismatch.extra = tensors
            .map(|(name, array)| (name.clone(), array.shape.clone()))
            .collect();
    }
    let mut data = Vec::new();
    for set in sets {
        let wanted = vec![set.sentences, SENTENCE_DIM];
        let name = speaking_of(&set.degradation, file.tensors.keys().map(String::as_str));
        match name.and_then(|name| file.tensors.get(name)) {
            Some(array) if array.shape == wanted => data.extend(&array.data),
            Some(array) => {
                let found = (set.degradation.clone(), wanted, array.shape.clone());
                mismatch.misshapen.push(found);
            }
            None => mismatch.missing.push((set.degradation.clone(), wanted)),
        }
    }
    if !mismatch.is_empty() {
        return Err(mismatch.into());
    }
    Ok(Array {
        shape: vec![data.len() / SENTENCE_DIM, SENTENCE_DIM],
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets() -> Vec<Instructions> {
        let set = |(degradation, sentences): (&str, usize)| Instructions {
            degradation: degradation.into(),
            sentences,
        };
        [("noise15", 2), ("noise25", 2), ("haze", 1)].map(set).to_vec()
    }

    #[test]
    fn stand_ins_have_the_length_one_and_differ() {
        let rows = stand_ins(&sets(), &Device::flex())
            .val()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        let rows: Vec<&[f32]> = rows.chunks(SENTENCE_DIM).collect();
        assert_eq!(rows.len(), 5);
        for (index, row) in rows.iter().enumerate() {
            assert!((row.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-4);
            assert!(!rows[..index].contains(row));
        }
    }

    #[test]
    fn sentences_of_a_kind_serve_all_its_levels_and_what_is_missing_is_named() {
        let mut file = Checkpoint::default();
        let array = |rows: usize, value: f32| Array {
            shape: vec![rows, SENTENCE_DIM],
            data: vec![value; rows * SENTENCE_DIM],
        };
        file.tensors.insert("noise".into(), array(2, 0.5));
        file.tensors.insert("noise25".into(), array(2, 0.25));
        let WeightsError::Mismatch(mismatch) = rows(&sets(), &file, "file").unwrap_err() else {
            panic!("another error")
        };
        assert_eq!(mismatch.missing[0].0, "haze");
        let WeightsError::Mismatch(mismatch) = rows(&[], &file, "file").unwrap_err() else {
            panic!("another error")
        };
        assert_eq!(mismatch.extra.len(), 2, "a network without sentences takes none");
        file.tensors.insert("haze".into(), array(1, 0.125));
        let rows = rows(&sets(), &file, "file").unwrap();
        assert_eq!(rows.shape, [5, SENTENCE_DIM]);
        let firsts: Vec<f32> = rows.data.iter().copied().step_by(SENTENCE_DIM).collect();
        assert_eq!(firsts, [0.5, 0.5, 0.25, 0.25, 0.125]);
    }
}

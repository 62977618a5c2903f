//! InstructIR's language head, which makes an instruction of a sentence's embedding. It restores nothing by itself.

use burn::tensor::Device;
use perceive_model::network::instructir::LanguageHead;
use perceive_model::weights::shapes;
use serde_json::json;

use super::{Kind, as_it_is};

pub static KIND: Kind = Kind {
    name: "instructir-language",
    title: "InstructIR's language head",
    publication: None,
    page: Some("https://github.com/mv-lab/InstructIR"),
    size: Some(("text width", "/text_dim")),
    bare: as_it_is,
    settings: |shapes| {
        json!({
            "sentence_dim": shapes.inputs("fc1.weight").unwrap_or(384),
            "text_dim": shapes.outputs("fc1.weight").unwrap_or(256),
            "kinds": shapes.outputs("fc2.weight").unwrap_or(7),
        })
    },
    tensors: |settings| {
        let size = |key: &str| {
            let size = settings[key].as_u64().filter(|size| *size > 0);
            size.map(|size| size as usize)
                .ok_or_else(|| format!("`{key}`: a whole number from 1 on"))
        };
        let head = LanguageHead::new(
            size("sentence_dim")?,
            size("text_dim")?,
            size("kinds")?,
            &Device::flex(),
        );
        Ok(shapes(&head))
    },
};

#[cfg(test)]
mod tests {
    use perceive_model::weights::{Checkpoint, fit, recipe};

    use super::*;
    use crate::weights_store::kind::Shapes;

    #[test]
    fn its_sizes_are_told_by_shapes() {
        let weights = recipe(&shapes(&LanguageHead::new(40, 24, 7, &Device::flex())));
        let settings = (KIND.settings)(&Shapes::of(&weights));
        assert_eq!(settings, json!({"sentence_dim": 40, "text_dim": 24, "kinds": 7}));
        fit(&(KIND.tensors)(&settings).unwrap(), &weights, "head").unwrap();
        let published = (KIND.settings)(&Shapes::of(&Checkpoint::default()));
        let tensors = (KIND.tensors)(&published).unwrap();
        let sum: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        assert_eq!(sum, 100_359);
    }
}

//! CLIP: pictures, texts, learned prompts.

use burn::tensor::Tensor;
use perceive_model::{
    tower::{Clip, ClipConfig},
    weights::Array,
};

use super::{case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let config = if case.json["config"].is_object() {
        case.config()
    } else {
        ClipConfig::default()
    };
    let clip = case.load(Clip::new(&config, &case.device)).frozen();
    let mut outcome = Outcome::default();

    let image = case.tensor::<4>("__input__").require_grad();
    let features = clip.encode_image(image.clone());
    outcome.output("image features", features.clone(), case.array("__output__"));
    let texts = clip.encode_text(case.ints("__token_ids__"));
    outcome.output("text features", texts.clone(), case.array("__text_features__"));

    if case.has("__logits_per_image__") {
        let cosines = unit(features.clone()).matmul(unit(texts).transpose());
        outcome.output(
            "logits",
            cosines * clip.scale().unsqueeze(),
            case.array("__logits_per_image__"),
        );
    }
    if case.has("__grad_input__") {
        let gradients = features.powi_scalar(2).sum().backward();
        let got = image.grad(&gradients).map(|gradient| Array::of(&gradient));
        outcome.gradient("gradient of the image", got, case.array("__grad_input__"));
    }
    if case.has("__ctx__") {
        let context = case.tensor::<3>("__ctx__").require_grad();
        let prompts = clip.encode_prompts(context.clone());
        outcome.output("prompt features", prompts.clone(), case.array("__ctx_features__"));
        let gradients = prompts.powi_scalar(2).sum().backward();
        let got = context.grad(&gradients).map(|gradient| Array::of(&gradient));
        outcome.gradient("gradient of the context", got, case.array("__grad_ctx__"));
    }
    outcome
}

fn unit(features: Tensor<2>) -> Tensor<2> {
    let length = features.clone().powi_scalar(2).sum_dim(1).sqrt();
    features / length
}

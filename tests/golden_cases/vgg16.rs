//! VGG-16: features by torchvision's indices.

use burn::tensor::Tensor;
use perceive_model::{
    tower::{Vgg16, Vgg16Config},
    weights::Array,
};

use super::{case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let config = if case.json["config"].is_object() {
        case.config()
    } else {
        Vgg16Config::default()
    };
    let vgg = case.load(Vgg16::new(&config, &case.device)).frozen();
    let mut outcome = Outcome::default();

    let image = case.tensor::<4>("__input__").require_grad();
    let features = vgg.features(image.clone(), &[3, 7, 11, 15]);
    outcome.output("output", features[3].clone(), case.array("__output__"));
    for index in 0..=15 {
        let feature = || vgg.features(image.clone(), &[index]).remove(0);
        let whole = format!("__feat{index}__");
        if case.has(&whole) {
            outcome.output(&format!("feature {index}"), feature(), case.array(&whole));
        }
        let mean = format!("__feat{index}_mean_hw__");
        if case.has(&mean) {
            let got: Tensor<2> = feature().flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
            outcome.output(&format!("mean of feature {index}"), got, case.array(&mean));
        }
    }
    if case.has("__grad_input__") {
        let squares = features.into_iter().map(|feature| feature.powi_scalar(2).sum());
        let total = squares.reduce(|a, b| a + b).expect("four features");
        let got = image.grad(&total.backward()).map(|gradient| Array::of(&gradient));
        outcome.gradient("gradient of the image", got, case.array("__grad_input__"));
    }
    outcome
}

//! DINOv2: class tokens, all tokens, the resized position table, three picture sizes.

use burn::tensor::Tensor;
use perceive_model::{
    tower::{Dinov2, Dinov2Config},
    weights::Array,
};

use super::{case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let full = !case.json["config"].is_object();
    let (config, blocks) = if full {
        (Dinov2Config::default(), [0, 3, 7, 11])
    } else {
        (case.config(), [0, 1, 2, 3])
    };
    let dino = case.load(Dinov2::new(&config, &case.device)).frozen();
    let mut outcome = Outcome::default();

    let image = case.tensor::<4>("__input__").require_grad();
    compare_tokens(case, "", &dino, image.clone(), &blocks, &mut outcome);
    let last = dino.hidden(image.clone(), &[dino.depth() - 1]).remove(0);
    let tokens = dino.normalised(last);
    let class: Tensor<2> = tokens.clone().narrow(1, 0, 1).squeeze_dim(1);
    outcome.output("output", class.clone(), case.array("__output__"));

    if case.has("__grad_input__") {
        let gradients = class.powi_scalar(2).sum().backward();
        let got = image.grad(&gradients).map(|gradient| Array::of(&gradient));
        outcome.gradient("gradient of the image", got, case.array("__grad_input__"));
    }
    if case.has("__patch_norm_last__") {
        let patches = tokens.dims()[1] - 1;
        outcome.output(
            "patches",
            tokens.narrow(1, 1, patches),
            case.array("__patch_norm_last__"),
        );
        let [_, _, height, width] = image.dims();
        let positions = dino.positions(height / config.patch_size, width / config.patch_size);
        outcome.output("positions", positions, case.array("__pos_embed_resized__"));
        for size in ["_native", "_big"] {
            let image = case.tensor(&format!("__input{size}__"));
            compare_tokens(case, size, &dino, image, &blocks, &mut outcome);
        }
    }
    outcome
}

fn compare_tokens(case: &Case, size: &str, dino: &Dinov2, image: Tensor<4>, blocks: &[usize], outcome: &mut Outcome) {
    let normalised = Tensor::stack::<3>(dino.cls_tokens(image.clone(), blocks), 0);
    let want = case.array(&format!("__cls_norm{size}__"));
    outcome.output(&format!("class tokens{size}"), normalised, want);
    let hidden = dino.hidden(image, blocks).into_iter();
    let raw = hidden.map(|tokens| tokens.narrow(1, 0, 1).squeeze_dim(1)).collect();
    let want = case.array(&format!("__cls_raw{size}__"));
    outcome.output(&format!("raw class tokens{size}"), Tensor::stack::<3>(raw, 0), want);
}

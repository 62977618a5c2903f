//! Every loss: its value and its gradients.

use burn::tensor::{Gradients, Tensor};
use perceive_model::{
    loss::{
        self, contrastive,
        difficulty_adaptive::{Features, Weighting, perceptual},
    },
    weights::Array,
};

use super::{case::Case, outcome::Outcome};

const VALUE_TOLERANCE: f64 = 1e-4;

/// The row of `__ce_text__` of the excellent prompt: excellent, mediocre, terrible.
const EXCELLENT: usize = 0;

pub fn run(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    for scale in [1, 100] {
        quality(case, scale, &mut outcome);
    }
    for temperature in ["0.07", "0.5"] {
        degradation(case, temperature, &mut outcome);
    }
    difficulty(case, &mut outcome);
    reconstruction(case, &mut outcome);
    outcome
}

/// Compares the value, and gives the gradients.
fn value(case: &Case, outcome: &mut Outcome, name: &str, loss: Tensor<1>) -> Gradients {
    let want = case.json["values"][name]
        .as_f64()
        .unwrap_or_else(|| panic!("no value {name}"));
    outcome.value(
        name,
        f64::from(loss.clone().into_scalar::<f32>()),
        want,
        VALUE_TOLERANCE,
    );
    loss.backward()
}

fn gradient<const D: usize>(
    case: &Case,
    outcome: &mut Outcome,
    gradients: &Gradients,
    input: &Tensor<D>,
    expected: &str,
) {
    let got = input.grad(gradients).map(|gradient| Array::of(&gradient));
    outcome.gradient(expected, got, case.array(&format!("__{expected}__")));
}

/// Eqs. 1 and 9.
fn quality(case: &Case, scale: u32, outcome: &mut Outcome) {
    let (image, text) = (
        case.tensor::<2>("__ce_image__").require_grad(),
        case.tensor::<2>("__ce_text__").require_grad(),
    );
    let loss = loss::prompt_cross_entropy(image.clone(), text.clone(), case.ints("__ce_label__"), f64::from(scale));
    let gradients = value(case, outcome, &format!("ce_scale{scale}"), loss);
    gradient(
        case,
        outcome,
        &gradients,
        &image,
        &format!("ce_scale{scale}_grad_image"),
    );
    gradient(case, outcome, &gradients, &text, &format!("ce_scale{scale}_grad_text"));

    let image = case.tensor::<2>("__ce_image__").require_grad();
    let text = case.tensor::<2>("__ce_text__");
    let logits = loss::quality_logits(image.clone(), text.clone(), f64::from(scale));
    let probabilities = burn::tensor::activation::softmax(logits, 1);
    outcome.output(
        "probabilities",
        probabilities,
        case.array(&format!("__clip_aware_scale{scale}_prob__")),
    );
    let loss = loss::clip_aware(image.clone(), text, EXCELLENT, f64::from(scale));
    let gradients = value(case, outcome, &format!("clip_aware_scale{scale}"), loss);
    gradient(
        case,
        outcome,
        &gradients,
        &image,
        &format!("clip_aware_scale{scale}_grad_image"),
    );
}

/// Eq. 12, with given negatives and with the batch's.
fn degradation(case: &Case, temperature: &str, outcome: &mut Outcome) {
    let tau: f64 = temperature.parse().expect("a number");
    let pair = || {
        (
            case.tensor::<2>("__cl_anchor__").require_grad(),
            case.tensor::<2>("__cl_positive__").require_grad(),
        )
    };

    let (anchor, positive) = pair();
    let negative = case.tensor::<3>("__cl_negative__").require_grad();
    let loss = contrastive::with_negatives(anchor.clone(), positive.clone(), negative.clone(), tau);
    let name = format!("cl_tau{temperature}");
    let gradients = value(case, outcome, &name, loss);
    gradient(case, outcome, &gradients, &anchor, &format!("{name}_grad_anchor"));
    gradient(case, outcome, &gradients, &positive, &format!("{name}_grad_positive"));
    gradient(case, outcome, &gradients, &negative, &format!("{name}_grad_negative"));

    let (anchor, positive) = pair();
    let kinds: Vec<usize> = case
        .array("__cl_type__")
        .data
        .iter()
        .map(|kind| *kind as usize)
        .collect();
    let loss = contrastive::in_batch(anchor.clone(), positive.clone(), &kinds, tau);
    let name = format!("cl_batch_tau{temperature}");
    let gradients = value(case, outcome, &name, loss);
    gradient(case, outcome, &gradients, &anchor, &format!("{name}_grad_anchor"));
    gradient(case, outcome, &gradients, &positive, &format!("{name}_grad_positive"));
}

/// Eqs. 10 and 11, with both weightings.
fn difficulty(case: &Case, outcome: &mut Outcome) {
    let setup = |key: &str| case.number(&format!("/values/dpl_setup/{key}"));
    let proxies: Vec<f64> = (0..3).map(|q| setup(&format!("psnrs/{q}"))).collect();
    let weighting = Weighting::adaptive(setup("avg_psnr"), &proxies, setup("gamma"));
    let wanted = Weighting {
        degraded: setup("lam"),
        proxies: (0..3).map(|q| setup(&format!("O/{q}"))).collect(),
    };
    outcome.equal("eq. 10", &weighting, &wanted);

    let features = |kind: &str| -> Features { [0, 1, 2, 3].map(|i| case.tensor(&format!("__dpl_{kind}{i}__"))) };
    let negatives: [Tensor<5>; 4] = [0, 1, 2, 3].map(|i| case.tensor(&format!("__dpl_negative{i}__")));
    let negatives: Vec<Features> = (0..3)
        .map(|q| negatives.clone().map(|layer| layer.narrow(0, q, 1).squeeze_dim(0)))
        .collect();
    for (name, weighting) in [
        ("dpl", weighting.clone()),
        ("dpl_c2pnet_normalised", weighting.normalised()),
    ] {
        let restored = features("restored").map(Tensor::require_grad);
        let loss = perceptual(
            &restored,
            &features("clean"),
            &features("degraded"),
            &negatives,
            &weighting,
        );
        let gradients = value(case, outcome, name, loss);
        for (i, layer) in restored.iter().enumerate() {
            gradient(case, outcome, &gradients, layer, &format!("{name}_grad{i}"));
        }
    }
}

/// A loss between two pictures.
type Loss = fn(Tensor<4>, Tensor<4>) -> Tensor<1>;

fn reconstruction(case: &Case, outcome: &mut Outcome) {
    let picture = |index: usize| -> Tensor<4> {
        case.tensor::<5>("__dpl_vgg_images__")
            .narrow(0, index, 1)
            .squeeze_dim(0)
    };
    let losses: [(&str, Loss); 4] = [
        ("l1", loss::l1),
        ("charbonnier", loss::charbonnier),
        ("edge", loss::edge),
        ("fft_l1", loss::fft_l1),
    ];
    for (name, loss) in losses {
        let restored = picture(0).detach().require_grad();
        let gradients = value(case, outcome, name, loss(restored.clone(), picture(1)));
        gradient(case, outcome, &gradients, &restored, &format!("{name}_grad"));
    }
}

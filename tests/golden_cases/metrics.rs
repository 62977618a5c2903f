//! Every metric of four pairs of pictures, against the code that its protocol comes from.

use perceive_model::{
    metric::{METRICS, Planes},
    weights::Array,
};
use serde_json::Value;

use super::{case::Case, outcome::Outcome};

/// A metric, where its value stands in `metrics_values.json` (for a metric without reference: of either picture, with
/// the picture's name after the first word), and how far it may be off, in its own unit.
const EXPECTED: &[(&str, &str, f64)] = &[
    ("psnr_rgb", "psnr_skimage_f32_range1", 1e-4),
    ("ssim_rgb", "ssim_skimage_f32_range1", 1e-5),
    ("psnr_rgb8", "psnr_255", 1e-4),
    ("psnr_y", "psnr_y_bgr_order", 1e-4),
    ("ssim_gaussian_rgb", "ssim_matlab_per_channel_mean", 1e-5),
    ("ssim_gaussian_y", "ssim_matlab_y_valid", 1e-5),
    ("ssim_restormer_rgb", "ssim_restormer_rgb_3d_255", 1e-5),
    ("ssim_restormer_y", "ssim_restormer_y_replicate", 1e-5),
    ("uciqe", "uciqe_cv2_lab8/uciqe", 1e-4),
    ("uciqe_float", "uciqe_float_lab/uciqe", 1e-4),
    ("uciqe_float_scaled", "uciqe_float_lab/uciqe_scaled", 1e-4),
    ("uiqm", "uiqm_w10/uiqm", 1e-4),
    ("uiqm_w8", "uiqm_w8/uiqm", 1e-4),
];

fn planes(picture: &Array) -> Planes {
    let pixels: Vec<u8> = picture.data.iter().map(|level| *level as u8).collect();
    Planes::from_rgb8(&pixels, picture.shape[0], picture.shape[1]).expect("a picture")
}

fn compare(outcome: &mut Outcome, label: &str, got: f64, want: &Value, tolerance: f64) {
    match want.as_f64() {
        Some(want) => outcome.value(label, got, want, tolerance / want.abs()),
        // What JSON cannot say: the PSNR of equal pictures.
        None => outcome.equal(label, got, f64::INFINITY),
    }
}

pub fn run(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    let values = case.beside("metrics_values.json");
    for (name, expected) in values["pairs"].as_object().expect("pairs") {
        let [clean, degraded] = ["clean", "degraded"].map(|side| planes(case.array(&format!("__{name}_{side}__"))));
        for metric in METRICS {
            let listed = EXPECTED.iter().find(|(listed, ..)| *listed == metric.name);
            // The absolute error has no value there.
            let Some((_, place, tolerance)) = listed else { continue };
            let label = format!("{name} {}", metric.name);
            if metric.needs_reference() {
                let got = metric.measure(&degraded, Some(&clean)).expect("a value");
                compare(&mut outcome, &label, got, &expected[*place], *tolerance);
                continue;
            }
            let (protocol, value) = place.split_once('/').expect("a protocol and its value");
            for (side, picture) in [("clean", &clean), ("degraded", &degraded)] {
                let got = metric.measure(picture, None).expect("a value");
                let want = &expected[format!("{protocol}_{side}")][value];
                compare(&mut outcome, &format!("{label} {side}"), got, want, *tolerance);
            }
        }
    }
    outcome
}

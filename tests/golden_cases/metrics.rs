//! Every metric of four pairs of pictures, against the code that its protocol comes from.

use perceive_model::{
    metric::{METRICS, Planes, find, uciqe, uciqe_float, uiqm},
    weights::Array,
};
use serde_json::Value;

use super::{case::Case, outcome::Outcome};

/// A metric, where its value stands in `metrics_values.json` (for a metric without reference: of either picture, with
/// the picture's name after the first word), and how far it may be off, in its own unit.
const EXPECTED: &[(&str, &str, f64)] = &[
    ("psnr_rgb", "psnr_skimage_f32_range1", 1e-4),
    ("ssim_rgb", "ssim_skimage_f32_range1", 1e-5),
    ("ssim_rgb", "ssim_skimage_f64_range1", 1e-5),
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
        None => outcome.equal(label, (got, want.as_str()), (f64::INFINITY, Some("inf"))),
    }
}

pub fn run(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    let values = case.beside("metrics_values.json");
    for (metric, ..) in EXPECTED {
        outcome.equal(metric, find(metric).is_some(), true);
    }
    for (name, expected) in values["pairs"].as_object().expect("pairs") {
        let [clean, degraded] = ["clean", "degraded"].map(|side| planes(case.array(&format!("__{name}_{side}__"))));
        for metric in METRICS {
            let listed = EXPECTED.iter().filter(|(listed, ..)| *listed == metric.name);
            for (_, place, tolerance) in listed {
                let label = format!("{name} {} {place}", metric.name);
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
        for (side, picture) in [("clean", &clean), ("degraded", &degraded)] {
            for (place, got, tolerance) in terms(picture) {
                let (protocol, value) = place.split_once('/').expect("a protocol and its value");
                let want = &expected[format!("{protocol}_{side}")];
                let want = want.pointer(&format!("/{value}")).unwrap_or(&Value::Null);
                compare(&mut outcome, &format!("{name} {place} {side}"), got, want, tolerance);
            }
        }
    }
    outcome
}

/// What UCIQE and UIQM add up, by where it stands, and how far it may be off.
fn terms(picture: &Planes) -> Vec<(String, f64, f64)> {
    const CLOSE: f64 = 1e-4;
    let mut terms = Vec::new();
    let of = uciqe::terms(picture).expect("a value");
    for (name, value) in [
        ("var_chr", of.deviation),
        ("con_lum", of.contrast),
        ("aver_sat", of.saturation),
    ] {
        terms.push((format!("uciqe_cv2_lab8/{name}"), value, CLOSE));
    }
    let pixels = uciqe::lab8(picture);
    for channel in 0..3 {
        let sum: f64 = pixels.iter().map(|pixel| f64::from(pixel[channel])).sum();
        let place = format!("uciqe_cv2_lab8/lab_mean/{channel}");
        // A pixel or two of thousands are a level off.
        terms.push((place, sum / pixels.len() as f64, 1e-3));
    }
    let of = uciqe_float::terms(picture).expect("a value");
    for (name, value) in [
        ("sigma_c", of.deviation),
        ("con_l", of.contrast),
        ("mu_s", of.saturation),
    ] {
        terms.push((format!("uciqe_float_lab/{name}"), value, CLOSE));
    }
    for window in [10, 8] {
        let of = |blue| uiqm::terms(picture, window, blue).expect("a value");
        let (port, definition) = (of(0.144), of(0.114));
        for (name, value) in [
            ("uicm", port.colourfulness),
            ("uism", port.sharpness),
            ("uiconm", port.contrast),
            ("uism_with_0114", definition.sharpness),
        ] {
            terms.push((format!("uiqm_w{window}/{name}"), value, CLOSE));
        }
    }
    terms
}

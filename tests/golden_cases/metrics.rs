//! PSNR and SSIM of four pairs of pictures, against scikit-image.

use perceive_model::{
    metric::{Planes, psnr_rgb, ssim_rgb},
    weights::Array,
};

use super::{case::Case, outcome::Outcome};

fn planes(picture: &Array) -> Planes {
    let pixels: Vec<u8> = picture.data.iter().map(|level| *level as u8).collect();
    Planes::from_rgb8(&pixels, picture.shape[0], picture.shape[1]).expect("a picture")
}

pub fn run(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    let values = case.beside("metrics_values.json");
    let pairs = values["pairs"].as_object().expect("pairs");
    for (name, expected) in pairs {
        let clean = planes(case.array(&format!("__{name}_clean__")));
        let degraded = planes(case.array(&format!("__{name}_degraded__")));
        let psnr = psnr_rgb(&degraded, &clean).expect("a PSNR");
        match expected["psnr_skimage_f32_range1"].as_f64() {
            // In dB, not relative.
            Some(wanted) => outcome.value(&format!("{name} psnr"), psnr, wanted, 1e-4 / wanted),
            None => outcome.equal(&format!("{name} psnr"), psnr, f64::INFINITY),
        }
        let wanted = expected["ssim_skimage_f32_range1"].as_f64().expect("an SSIM");
        let ssim = ssim_rgb(&degraded, &clean).expect("an SSIM");
        outcome.value(&format!("{name} ssim"), ssim, wanted, 1e-5 / wanted);
    }
    outcome
}

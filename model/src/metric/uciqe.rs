//! UCIQE, underwater colour image quality evaluation (Yang and Sowmya, TIP 2015), of a picture alone.
//!
//! The protocol is that of the port which most papers use: OpenCV's 8-bit Lab divided by 255, its a and b still offset by
//! 128. Values are 0.4 to 0.7; those from an unscaled Lab are [another metric](super::uciqe_float).

use super::{Better, Measure, Metric, MetricError, Planes};

pub const METRIC: Metric = Metric {
    name: "uciqe",
    label: "UCIQE",
    unit: "",
    better: Better::Higher,
    how: Measure::Alone(|picture| {
        let Terms {
            deviation,
            contrast,
            saturation,
        } = terms(picture)?;
        let terms = [deviation, contrast, saturation];
        Ok(COEFFICIENTS.iter().zip(terms).map(|(c, term)| c * term).sum())
    }),
};

/// Of the deviation of chroma, the contrast of luminance and the mean saturation: the published coefficients.
pub(super) const COEFFICIENTS: [f64; 3] = [0.4680, 0.2745, 0.2576];

/// What UCIQE adds up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Of chroma.
    pub deviation: f64,
    /// Of luminance.
    pub contrast: f64,
    pub saturation: f64,
}

/// Of a picture rounded to 8 bits.
pub fn terms(picture: &Planes) -> Result<Terms, MetricError> {
    picture.at_least(1, "UCIQE")?;
    let pixels = lab8(picture);
    let count = pixels.len() as f64;
    let chroma = |[_, a, b]: [u8; 3]| (f64::from(a) / 255.0).hypot(f64::from(b) / 255.0);
    let mean_chroma = pixels.iter().map(|&pixel| chroma(pixel)).sum::<f64>() / count;
    let (mut deviation, mut saturation) = (0.0, 0.0);
    for &pixel in &pixels {
        let chroma = chroma(pixel);
        deviation += (1.0 - (mean_chroma / chroma).powi(2)).abs();
        saturation += chroma / chroma.hypot(f64::from(pixel[0]) / 255.0);
    }
    Ok(Terms {
        deviation: (deviation / count).sqrt(),
        contrast: contrast(&pixels),
        saturation: saturation / count,
    })
}

/// Between the luminances below which 1 % and 99 % of the pixels lie: the share of the picture's own range, counted in
/// 65536 bins over it.
fn contrast(pixels: &[[u8; 3]]) -> f64 {
    const BINS: usize = 65536;
    let mut counts = [0_usize; 256];
    for pixel in pixels {
        counts[usize::from(pixel[0])] += 1;
    }
    let present: Vec<usize> = (0..256).filter(|&level| counts[level] > 0).collect();
    let (Some(&darkest), Some(&brightest)) = (present.first(), present.last()) else {
        return 0.0;
    };
    let bin = |level: usize| ((level - darkest) * BINS / (brightest - darkest).max(1)).min(BINS - 1) as f64;
    let (mut sum, mut low, mut high) = (0, None, None);
    for level in present {
        sum += counts[level];
        let share = sum as f64 / pixels.len() as f64;
        low = low.or((share > 0.01).then(|| bin(level)));
        high = high.or((share >= 0.99).then(|| bin(level)));
    }
    (high.unwrap_or(0.0) - low.unwrap_or(0.0)) / (BINS - 1) as f64
}

/// sRGB to CIE XYZ under D65, as OpenCV and scikit-image have it.
pub(super) const XYZ: [[f64; 3]; 3] = [
    [0.412453, 0.357580, 0.180423],
    [0.212671, 0.715160, 0.072169],
    [0.019334, 0.119193, 0.950227],
];

/// The light that an 8-bit level of sRGB stands for, 0 to 1.
pub(super) fn light(level: u8) -> f64 {
    let value = f64::from(level) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

/// L, a and b of every pixel in OpenCV's whole-number arithmetic: L 0 to 255, a and b about 128.
pub fn lab8(picture: &Planes) -> Vec<[u8; 3]> {
    const WHITE: [f64; 3] = [0.950456, 1.0, 1.088754];
    /// Binary places of a light, of a coefficient, and of a cube root.
    const PLACES: [i32; 3] = [3, 12, 15];
    let whole = |value: f64, places: i32| (value * f64::from(1 << places)).round() as i32;
    let rounded = |value: i32, places: i32| (value + (1 << (places - 1))) >> places;

    let lights: Vec<i32> = (0..=255).map(|level| whole(255.0 * light(level), PLACES[0])).collect();
    let coefficients: [[i32; 3]; 3] =
        std::array::from_fn(|row| XYZ[row].map(|value| whole(value / WHITE[row], PLACES[1])));
    let brightest = 255 << PLACES[0];
    let root = |light: f64| {
        if light < 216.0 / 24389.0 {
            light * 841.0 / 108.0 + 16.0 / 116.0
        } else {
            light.cbrt()
        }
    };
    let roots: Vec<i32> = (0..brightest * 3 / 2)
        .map(|light| whole(root(f64::from(light) / f64::from(brightest)), PLACES[2]))
        .collect();

    let levels = picture.levels();
    let pixels = levels.len() / 3;
    let middle = 128 << PLACES[2];
    (0..pixels)
        .map(|pixel| {
            let lights = [0, 1, 2].map(|channel| lights[usize::from(levels[channel * pixels + pixel])]);
            let [x, y, z] = coefficients.map(|row| {
                let sum: i32 = row
                    .iter()
                    .zip(lights)
                    .map(|(coefficient, light)| coefficient * light)
                    .sum();
                roots[rounded(sum, PLACES[1]) as usize]
            });
            let lightness = (116 * 255 + 50) / 100 * y - (((16 * 255) << PLACES[2]) + 50) / 100;
            [lightness, 500 * (x - y) + middle, 200 * (y - z) + middle]
                .map(|value| rounded(value, PLACES[2]).clamp(0, 255) as u8)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn colours_have_opencvs_lab() {
        let lab = |colour: [f32; 3]| lab8(&flat(colour, 1, 1))[0];
        assert_eq!(lab([0.0; 3]), [0, 128, 128]);
        assert_eq!(lab([1.0; 3]), [255, 128, 128]);
        assert_eq!(lab([1.0, 0.0, 0.0]), [136, 208, 195]);
        assert_eq!(lab([0.0, 1.0, 0.0]), [224, 42, 211]);
        assert_eq!(lab([0.0, 0.0, 1.0]), [82, 207, 20]);
    }

    #[test]
    fn contrast_is_counted_over_the_pictures_own_range() {
        let pixels = |levels: &[(u8, usize)]| -> Vec<[u8; 3]> {
            let runs = levels.iter().flat_map(|&(level, count)| vec![[level, 128, 128]; count]);
            runs.collect()
        };
        assert!((contrast(&pixels(&[(10, 50), (20, 50)])) - 1.0).abs() < 1e-12);
        // One pixel in a thousand at each end is no contrast.
        let narrow = contrast(&pixels(&[(0, 1), (100, 499), (110, 499), (255, 1)]));
        assert!((narrow - 10.0 / 255.0).abs() < 1e-4, "{narrow}");
        assert_eq!(contrast(&pixels(&[(77, 30)])), 0.0);
    }
}

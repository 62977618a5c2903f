//! UCIQE from an unscaled Lab, as scikit-image computes it: the definition's own numbers, and the same with chroma and
//! luminance over 100. Neither can be compared with [the usual port's](super::uciqe).

use super::{
    Better, Measure, Metric, MetricError, Planes,
    uciqe::{COEFFICIENTS, Terms, XYZ, light},
};

/// Values of tens.
pub const METRIC: Metric = Metric {
    name: "uciqe_float",
    label: "UCIQE (Lab)",
    unit: "",
    better: Better::Higher,
    how: Measure::Alone(|picture| terms(picture).map(|terms| weighted(terms, 1.0))),
};

/// Values below 1.
pub const SCALED: Metric = Metric {
    name: "uciqe_float_scaled",
    label: "UCIQE (Lab / 100)",
    unit: "",
    better: Better::Higher,
    how: Measure::Alone(|picture| terms(picture).map(|terms| weighted(terms, 100.0))),
};

fn weighted(terms: Terms, scale: f64) -> f64 {
    let Terms {
        deviation,
        contrast,
        saturation,
    } = terms;
    COEFFICIENTS[0] * deviation / scale + COEFFICIENTS[1] * contrast / scale + COEFFICIENTS[2] * saturation
}

/// Deviation of chroma, contrast of luminance (between the means of the brightest and darkest hundredth), and mean
/// saturation, of a picture rounded to 8 bits.
pub fn terms(picture: &Planes) -> Result<Terms, MetricError> {
    picture.at_least(1, "UCIQE")?;
    let levels = picture.levels();
    let count = levels.len() / 3;
    let lights: Vec<f64> = (0..=255).map(light).collect();
    let (mut luminances, mut chromas) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for pixel in 0..count {
        let [luminance, a, b] = lab([0, 1, 2].map(|channel| lights[usize::from(levels[channel * count + pixel])]));
        luminances.push(luminance);
        chromas.push(a.hypot(b));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mean_chroma = mean(&chromas);
    let variance = chromas.iter().map(|chroma| (chroma - mean_chroma).powi(2)).sum::<f64>() / count as f64;
    let pixels = chromas.iter().zip(&luminances);
    let saturated = pixels.filter(|(chroma, luminance)| **chroma != 0.0 && **luminance != 0.0);
    let saturation = saturated.map(|(chroma, luminance)| chroma / luminance).sum::<f64>() / count as f64;
    luminances.sort_unstable_by(f64::total_cmp);
    let hundredth = ((0.01 * count as f64).round_ties_even() as usize).max(1);
    let contrast = mean(&luminances[count - hundredth..]) - mean(&luminances[..hundredth]);
    Ok(Terms {
        deviation: variance.sqrt(),
        contrast,
        saturation,
    })
}

/// L 0 to 100, a and b about 0, of red, green and blue light.
fn lab(light: [f64; 3]) -> [f64; 3] {
    const WHITE: [f64; 3] = [0.95047, 1.0, 1.08883];
    let [x, y, z] = [0, 1, 2].map(|row| {
        let value = XYZ[row].iter().zip(light).map(|(c, light)| c * light).sum::<f64>() / WHITE[row];
        if value > 0.008856 {
            value.cbrt()
        } else {
            7.787 * value + 16.0 / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn white_has_a_luminance_of_100_and_no_colour() {
        let [luminance, a, b] = lab([1.0; 3]);
        assert!((luminance - 100.0).abs() < 1e-3 && a.abs() < 0.02 && b.abs() < 0.02);
    }

    #[test]
    fn one_colour_has_no_deviation_and_no_contrast() {
        let terms = terms(&flat([0.1, 0.4, 0.5], 8, 9)).unwrap();
        assert!(terms.deviation < 1e-6 && terms.contrast.abs() < 1e-9 && terms.saturation > 0.3);
    }
}

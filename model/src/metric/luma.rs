//! The luma plane Y that denoising and deraining papers measure on: BT.601 as MATLAB's `rgb2ycbcr` has it.

use super::Planes;

/// 16 (black) to 235 (white) of a picture rounded to 8 bits, itself not rounded; row after row.
pub fn luma(picture: &Planes) -> Vec<f64> {
    let levels = picture.levels();
    let (red, rest) = levels.split_at(levels.len() / 3);
    let (green, blue) = rest.split_at(rest.len() / 2);
    let pixels = red.iter().zip(green).zip(blue);
    pixels
        .map(|((&red, &green), &blue)| {
            let [red, green, blue] = [red, green, blue].map(f64::from);
            16.0 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn black_is_16_white_235_and_green_the_brightest() {
        let of = |colour| luma(&flat(colour, 1, 2))[1];
        assert!((of([0.0; 3]) - 16.0).abs() < 1e-9 && (of([1.0; 3]) - 235.0).abs() < 1e-9);
        assert!((of([0.0, 1.0, 0.0]) - 144.553).abs() < 1e-9);
    }
}

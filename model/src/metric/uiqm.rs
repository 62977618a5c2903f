//! UIQM, underwater image quality measure (Panetta et al., JOE 2016), of a picture alone: colourfulness, sharpness and
//! contrast.
//!
//! The protocol is that of FUnIE-GAN's port, which most papers use, with its own readings: windows of 10 pixels (8 in a
//! common copy), 0.144 for blue in the sharpness where the definition has 0.114, and one value less in the trimmed mean
//! than its weight says.

use super::{Better, Measure, Metric, MetricError, Planes};

pub const METRIC: Metric = Metric {
    name: "uiqm",
    label: "UIQM",
    unit: "",
    better: Better::Higher,
    how: Measure::Alone(|picture| uiqm(picture, 10)),
};

pub const WINDOW_8: Metric = Metric {
    name: "uiqm_w8",
    label: "UIQM (8)",
    how: Measure::Alone(|picture| uiqm(picture, 8)),
    ..METRIC
};

/// The port's weight of blue in the sharpness.
const BLUE: f64 = 0.144;

fn uiqm(picture: &Planes, window: usize) -> Result<f64, MetricError> {
    let terms = terms(picture, window, BLUE)?;
    Ok(0.0282 * terms.colourfulness + 0.2953 * terms.sharpness + 3.5753 * terms.contrast)
}

/// What UIQM adds up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// UICM.
    pub colourfulness: f64,
    /// UISM.
    pub sharpness: f64,
    /// UIConM.
    pub contrast: f64,
}

/// Of a picture rounded to 8 bits, levels 0 to 255; `blue` is its weight in the sharpness.
pub fn terms(picture: &Planes, window: usize, blue: f64) -> Result<Terms, MetricError> {
    picture.at_least(window, "UIQM")?;
    let levels: Vec<f64> = picture.levels().into_iter().map(f64::from).collect();
    let blocks = Blocks {
        height: picture.height(),
        width: picture.width(),
        window,
    };
    let channels: [&[f64]; 3] = std::array::from_fn(|channel| {
        let pixels = blocks.height * blocks.width;
        &levels[channel * pixels..][..pixels]
    });
    Ok(Terms {
        colourfulness: colourfulness(channels),
        sharpness: sharpness(channels, blue, &blocks),
        contrast: contrast(channels, &blocks),
    })
}

/// UICM: of red - green and yellow - blue, how far their means are from grey and how much they vary.
fn colourfulness([red, green, blue]: [&[f64]; 3]) -> f64 {
    let pixels = || red.iter().zip(green).zip(blue);
    let red_green: Vec<f64> = pixels().map(|((red, green), _)| red - green).collect();
    let yellow_blue: Vec<f64> = pixels()
        .map(|((red, green), blue)| (red + green) / 2.0 - blue)
        .collect();
    let [(mean_rg, variance_rg), (mean_yb, variance_yb)] = [red_green, yellow_blue].map(trimmed);
    -0.0268 * mean_rg.hypot(mean_yb) + 0.1586 * (variance_rg + variance_yb).sqrt()
}

/// The mean without the tenth at either end, and the variance of all values about it.
fn trimmed(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let count = values.len();
    let (low, high) = (
        (0.1 * count as f64).ceil() as usize,
        (0.1 * count as f64).floor() as usize,
    );
    let kept = values.get(low + 1..count - high).unwrap_or_default();
    let mean = kept.iter().sum::<f64>() / (count - low - high) as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64;
    (mean, variance)
}

/// UISM: in each channel, the contrast of its edges, which are weighted by the channel itself.
fn sharpness(channels: [&[f64]; 3], blue: f64, blocks: &Blocks) -> f64 {
    let of_channel = |channel: &[f64]| {
        let edges = sobel(channel, blocks.width);
        let weighted: Vec<f64> = edges.iter().zip(channel).map(|(edge, level)| edge * level).collect();
        2.0 * blocks.mean(
            &[&weighted],
            |low, high| if low > 0.0 { (high / low).ln() } else { 0.0 },
        )
    };
    0.299 * of_channel(channels[0]) + 0.587 * of_channel(channels[1]) + blue * of_channel(channels[2])
}

/// UIConM: the entropy of the contrast of blocks over all channels.
fn contrast(channels: [&[f64]; 3], blocks: &Blocks) -> f64 {
    -blocks.mean(&channels, |low, high| {
        let contrast = (high - low) / (high + low);
        if high > low { contrast * contrast.ln() } else { 0.0 }
    })
}

/// Square blocks side by side; what is left at the right and below counts for nothing.
struct Blocks {
    height: usize,
    width: usize,
    window: usize,
}

impl Blocks {
    /// The mean over blocks of a function of the lowest and the highest value in all planes of a block.
    fn mean(&self, planes: &[&[f64]], value: impl Fn(f64, f64) -> f64) -> f64 {
        let (rows, columns) = (self.height / self.window, self.width / self.window);
        let mut sum = 0.0;
        for block in 0..rows * columns {
            let (top, left) = (block / columns * self.window, block % columns * self.window);
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for plane in planes {
                for row in top..top + self.window {
                    for &level in &plane[row * self.width + left..][..self.window] {
                        (low, high) = (level.min(low), level.max(high));
                    }
                }
            }
            sum += value(low, high);
        }
        sum / (rows * columns) as f64
    }
}

/// The lengths of Sobel's gradients, scaled to a greatest of 255; the edge of the picture is mirrored.
fn sobel(plane: &[f64], width: usize) -> Vec<f64> {
    let height = plane.len() / width;
    let at = |row: usize, column: usize| plane[row * width + column];
    let length = |index: usize| {
        let (row, column) = (index / width, index % width);
        let [above, below] = [row.saturating_sub(1), (row + 1).min(height - 1)];
        let [before, after] = [column.saturating_sub(1), (column + 1).min(width - 1)];
        let across = |row| at(row, after) - at(row, before);
        let down = |column| at(below, column) - at(above, column);
        let horizontal: f64 = across(above) + 2.0 * across(row) + across(below);
        let vertical: f64 = down(before) + 2.0 * down(column) + down(after);
        horizontal.hypot(vertical)
    };
    let lengths: Vec<f64> = (0..plane.len()).map(length).collect();
    let greatest = lengths.iter().fold(0.0_f64, |greatest, &length| greatest.max(length));
    if greatest == 0.0 {
        return lengths;
    }
    lengths.into_iter().map(|length| length * 255.0 / greatest).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn a_step_has_edges_at_the_step_alone() {
        let plane: Vec<f64> = (0..5 * 6)
            .map(|index| if index % 6 < 3 { 10.0 } else { 30.0 })
            .collect();
        let edges = sobel(&plane, 6);
        assert_eq!(edges[6..12], [0.0, 0.0, 255.0, 255.0, 0.0, 0.0]);
    }

    #[test]
    fn grey_without_edges_measures_nothing() {
        assert_eq!(uiqm(&flat([0.5; 3], 20, 31), 10), Ok(0.0));
    }

    #[test]
    fn what_does_not_fill_a_block_counts_for_nothing() {
        let blocks = Blocks {
            height: 3,
            width: 5,
            window: 2,
        };
        let plane: Vec<f64> = (0..15).map(f64::from).collect();
        assert_eq!(blocks.mean(&[&plane], |_, high| high), 7.0);
        assert_eq!(blocks.mean(&[&plane], |low, _| low), 1.0);
    }
}

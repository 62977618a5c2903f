//! Smoothing that follows edges: the guided filter (He, Sun and Tang 2013), which turns haze's rough depth cue into a map
//! that is smooth on surfaces and jumps where the picture does. One plane of `height * width` f32 values.

/// The guided filter of `input` with a one-channel `guide`: radius in pixels, `epsilon` the variance below which the guide
/// counts as flat (guide in \[0, 1\]).
pub fn guided(input: &[f32], guide: &[f32], width: usize, radius: usize, epsilon: f32) -> Vec<f32> {
    let product = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(x, y)| x * y).collect() };
    let mean_input = box_mean(input, width, radius);
    let mean_guide = box_mean(guide, width, radius);
    let mean_cross = box_mean(&product(input, guide), width, radius);
    let mean_square = box_mean(&product(guide, guide), width, radius);

    let mut slope = Vec::with_capacity(input.len());
    let mut offset = Vec::with_capacity(input.len());
    for (i, (p, g)) in mean_input.iter().zip(&mean_guide).enumerate() {
        let covariance = mean_cross[i] - g * p;
        let variance = (mean_square[i] - g * g).max(0.0);
        let a = covariance / (variance + epsilon);
        slope.push(a);
        offset.push(p - a * g);
    }
    let (slope, offset) = (box_mean(&slope, width, radius), box_mean(&offset, width, radius));
    guide
        .iter()
        .enumerate()
        .map(|(i, g)| slope[i] * g + offset[i])
        .collect()
}

/// The mean over the square of side 2 · `radius` + 1 around each pixel, cut at the borders; time independent of the radius.
pub fn box_mean(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let height = plane.len() / width.max(1);
    let mut rows = vec![0.0f32; plane.len()];
    for (from, to) in plane.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        let mut sum: f64 = from[..radius.min(width)].iter().map(|v| f64::from(*v)).sum();
        for (x, mean) in to.iter_mut().enumerate() {
            if x + radius < width {
                sum += f64::from(from[x + radius]);
            }
            if x > radius {
                sum -= f64::from(from[x - radius - 1]);
            }
            let count = (x + radius + 1).min(width) - x.saturating_sub(radius);
            *mean = (sum / count as f64) as f32;
        }
    }

    let mut out = vec![0.0f32; plane.len()];
    let mut sums = vec![0.0f64; width];
    let add = |sums: &mut [f64], y: usize, sign: f64| {
        for (sum, value) in sums.iter_mut().zip(&rows[y * width..(y + 1) * width]) {
            *sum += sign * f64::from(*value);
        }
    };
    for y in 0..radius.min(height) {
        add(&mut sums, y, 1.0);
    }
    for y in 0..height {
        if y + radius < height {
            add(&mut sums, y + radius, 1.0);
        }
        if y > radius {
            add(&mut sums, y - radius - 1, -1.0);
        }
        let share = 1.0 / ((y + radius + 1).min(height) - y.saturating_sub(radius)) as f64;
        for (to, sum) in out[y * width..(y + 1) * width].iter_mut().zip(&sums) {
            *to = (sum * share) as f32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_mean(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
        let height = plane.len() / width;
        let mut out = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let mut sum = (0.0, 0.0);
                for v in y.saturating_sub(radius)..(y + radius + 1).min(height) {
                    for u in x.saturating_sub(radius)..(x + radius + 1).min(width) {
                        sum = (sum.0 + plane[v * width + u], sum.1 + 1.0);
                    }
                }
                out.push(sum.0 / sum.1);
            }
        }
        out
    }

    #[test]
    fn running_sums_equal_plain_means_at_every_radius() {
        let plane: Vec<f32> = (0..7 * 5).map(|i| ((i * 37) % 11) as f32 / 11.0).collect();
        for width in [7, 5, 35, 1] {
            for radius in [0, 1, 2, 6, 40] {
                let (ours, plain) = (box_mean(&plane, width, radius), plain_mean(&plane, width, radius));
                for (a, b) in ours.iter().zip(&plain) {
                    assert!((a - b).abs() < 1e-5, "{width} {radius}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn the_guide_s_edge_survives_and_noise_does_not() {
        let (width, height) = (40, 20);
        let guide: Vec<f32> = (0..width * height)
            .map(|i| if i % width < 20 { 0.2 } else { 0.8 })
            .collect();
        let rough: Vec<f32> = guide
            .iter()
            .enumerate()
            .map(|(i, g)| g + if i.is_multiple_of(2) { 0.1 } else { -0.1 })
            .collect();
        let smooth = guided(&rough, &guide, width, 4, 1e-4);
        for (s, g) in smooth.iter().zip(&guide) {
            assert!((s - g).abs() < 0.03, "{s} {g}");
        }
    }
}

//! Weights made from nothing but their keys: for comparing full-size networks without their files, and for stand-ins.
//!
//! The rule is that of `recipe.json` among the golden numbers: SplitMix64, seeded by the key's FNV-1a hash, gives even
//! values in -1..1; matrices and kernels are scaled to keep the variance of what flows through them.

use super::checkpoint::{Array, Checkpoint};

/// A checkpoint with these keys and shapes.
pub fn recipe(shapes: &[(String, Vec<usize>)]) -> Checkpoint {
    let tensors = shapes.iter().map(|(key, shape)| (key.clone(), array(key, shape)));
    Checkpoint {
        tensors: tensors.collect(),
        ..Checkpoint::default()
    }
}

fn array(key: &str, shape: &[usize]) -> Array {
    let count: usize = shape.iter().product();
    let longest = shape.iter().copied().max().unwrap_or(1);
    let units = units(hash(key)).take(count);
    let data = if shape.len() >= 2 && count > longest {
        let fan_in: usize = shape[1..].iter().product();
        let scale = (3.0 / fan_in as f64).sqrt() as f32;
        units.map(|unit| unit * scale).collect()
    } else {
        let centre = match key.rsplit('.').next() {
            Some("weight" | "gamma" | "temperature" | "logit_scale") => 1.0,
            _ => 0.0,
        };
        units.map(|unit| centre + 0.1 * unit).collect()
    };
    Array {
        shape: shape.to_vec(),
        data,
    }
}

/// FNV-1a, 64 bits.
pub(crate) fn hash(key: &str) -> u64 {
    key.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// SplitMix64: values in -1..1 in steps of 2⁻²³.
pub(crate) fn units(seed: u64) -> impl Iterator<Item = f32> {
    let mut x = seed;
    std::iter::from_fn(move || {
        x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = x;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        Some((z >> 40) as f32 / (1_u32 << 23) as f32 - 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(key: &str, shape: &[usize]) -> Vec<f32> {
        array(key, shape).data[..3].to_vec()
    }

    #[test]
    fn the_first_values_are_those_of_the_golden_numbers() {
        assert_eq!(first("norm.weight", &[48]), [0.9525895, 0.9053309, 1.0141046]);
        assert_eq!(first("norm.bias", &[48]), [0.06941906, 0.03286789, 0.0869218]);
        assert_eq!(
            first("cls_token", &[1, 1, 48]),
            [-0.00228225, -0.030737758, 0.0010495067]
        );
    }

    #[test]
    fn kernels_keep_the_variance() {
        let kernel = array("conv.weight", &[64, 32, 3, 3]);
        let variance = kernel.data.iter().map(|v| v * v).sum::<f32>() / kernel.data.len() as f32;
        assert!((variance * 288.0 - 1.0).abs() < 0.02, "{variance}");
    }
}

//! The pictures of a row: seeded noise in \[0, 1\], the same on both sides.

use perceive_model::weights::{Array, recipe};

/// `[batch, 3, height, width]` in this order, made of its name by the rule of the golden numbers.
pub fn pixels(name: &str, [batch, height, width]: [usize; 3]) -> Vec<f32> {
    let shape = vec![batch * 3 * height * width];
    // A vector's elements are within a tenth of 0.
    let vector = recipe(&[(name.to_owned(), shape)]).tensors.remove(name);
    let values = vector.map_or_else(Vec::new, |Array { data, .. }| data);
    values.into_iter().map(|value| 0.5 + 5.0 * value).collect()
}

//! Pictures that are restored piece by piece: overlapping tiles that fade into each other.

use perceive_datasets::picture::Picture;

use crate::failure::Failure;

/// Pixels that neighbouring tiles share.
const OVERLAP: usize = 64;

/// Planes `[3, height, width]` of a picture of any size, restored in tiles of at most `width` x `height` pixels. A picture
/// that fits into one tile is restored whole.
///
/// # Errors
/// The first of `restore`, which makes the planes of one tile.
pub fn in_tiles(
    degraded: &Picture,
    (tile_width, tile_height): (usize, usize),
    restore: impl Fn(&Picture) -> Result<Vec<f32>, Failure>,
) -> Result<Vec<f32>, Failure> {
    let (width, height) = (degraded.width, degraded.height);
    if width <= tile_width && height <= tile_height {
        return restore(degraded);
    }
    let overlap = |tile: usize| OVERLAP.min(tile / 4);
    let (across, down) = (overlap(tile_width), overlap(tile_height));
    let mut sum = vec![0.0_f32; 3 * width * height];
    let mut weight = vec![0.0_f32; width * height];
    for y in starts(height, tile_height, down) {
        for x in starts(width, tile_width, across) {
            let (w, h) = (tile_width.min(width - x), tile_height.min(height - y));
            let planes = restore(&degraded.crop(x, y, w, h))?;
            let fade = |at: usize, size: usize, overlap: usize| {
                ((at + 1).min(size - at) as f32 / (overlap + 1) as f32).min(1.0)
            };
            for row in 0..h {
                for column in 0..w {
                    let share = fade(row, h, down) * fade(column, w, across);
                    let to = (y + row) * width + x + column;
                    weight[to] += share;
                    for channel in 0..3 {
                        sum[channel * width * height + to] += share * planes[channel * w * h + row * w + column];
                    }
                }
            }
        }
    }
    for plane in sum.chunks_exact_mut(width * height) {
        plane
            .iter_mut()
            .zip(&weight)
            .for_each(|(value, weight)| *value /= weight);
    }
    Ok(sum)
}

/// Where tiles begin along one side: evenly spread, each sharing at least `overlap` pixels with the next.
fn starts(size: usize, tile: usize, overlap: usize) -> Vec<usize> {
    if size <= tile {
        return vec![0];
    }
    let last = size - tile;
    let count = last.div_ceil(tile - overlap);
    (0..=count).map(|index| index * last / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_pixel_and_overlap() {
        for size in [64, 512, 513, 1000, 4031] {
            let starts = starts(size, 512.min(size), 64);
            assert_eq!(starts[0], 0);
            assert_eq!(starts[starts.len() - 1] + 512.min(size), size);
            assert!(
                starts.windows(2).all(|pair| pair[0] + 512 >= pair[1] + 64),
                "{size}: {starts:?}"
            );
        }
    }

    #[test]
    fn what_each_tile_keeps_the_whole_keeps() {
        let mut picture = Picture::new(50, 33);
        for (at, level) in picture.rgb.iter_mut().enumerate() {
            *level = (at * 7 % 251) as u8;
        }
        for tile in [(50, 33), (16, 16), (20, 9), (7, 40)] {
            let planes = in_tiles(&picture, tile, |tile| Ok(tile.to_planes())).unwrap();
            assert_eq!(Picture::from_planes(&planes, 50, 33), picture, "{tile:?}");
        }
    }
}

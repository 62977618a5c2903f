//! Scenes that the program draws itself, so that the quickstart needs no pictures: varied, structured, with edges at all
//! angles, textures at all sizes, smooth skies and writing. One file a kind; `render` picks kind and everything in it.
//!
//! `canvas`, `colour`, `point`, `shape`, `field`, `texture`, `glyph`, `sky` and `plant` are the painter's box. To add a kind:
//! its file and one line in [`KINDS`].

mod canvas;
mod city;
mod coast;
mod colour;
mod fabric;
mod facade;
mod field;
mod foliage;
mod glyph;
mod interior;
mod landscape;
mod pebbles;
mod plant;
mod point;
mod poster;
mod shape;
mod sky;
mod still_life;
mod texture;

use crate::picture::Picture;
use crate::random::{Key, Stream};
use canvas::Canvas;

/// Paints one kind of scene.
type Draw = fn(&mut Canvas, &mut Stream);

/// The kinds of scenes, in the order in which they take turns.
const KINDS: [(&str, Draw); 10] = [
    ("landscape", landscape::draw),
    ("still-life", still_life::draw),
    ("city", city::draw),
    ("foliage", foliage::draw),
    ("poster", poster::draw),
    ("coast", coast::draw),
    ("facade", facade::draw),
    ("pebbles", pebbles::draw),
    ("interior", interior::draw),
    ("fabric", fabric::draw),
];

/// The scene number `index` of a seed: the same bytes on every machine. Kinds take turns with the index.
pub fn render(seed: u64, index: u64, width: usize, height: usize) -> Picture {
    let (name, draw) = KINDS[(index % KINDS.len() as u64) as usize];
    let mut stream = Key::new("scene", seed).text(name).number(index).stream();
    let mut canvas = Canvas::new(width, height);
    draw(&mut canvas, &mut stream);
    canvas.develop(&mut stream)
}

/// The kind of the scene number `index`.
pub fn kind(index: u64) -> &'static str {
    KINDS[(index % KINDS.len() as u64) as usize].0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::degradation::tests::{digest, psnr};

    #[test]
    fn the_bytes_of_every_kind_are_those_of_the_first_release() {
        let digests: Vec<String> = (0..KINDS.len() as u64).map(|i| digest(&render(1, i, 64, 48))).collect();
        assert_eq!(
            digests,
            [
                "cc96485e21a88b52",
                "72b78bbb4c8cf81e",
                "9b9f116ded827143",
                "25060f43978a6f98",
                "185606ac166ef88c",
                "754d7527bbd3714a",
                "e60f6f6d3c63a0a1",
                "f26635e5fa7f353b",
                "3ad7b17255c8579a",
                "ad5c7fc686a03cd4"
            ]
        );
    }

    #[test]
    fn any_size_can_be_rendered() {
        for (width, height) in [(1, 1), (1, 40), (40, 1), (33, 17)] {
            for index in 0..KINDS.len() as u64 {
                let picture = render(2, index, width, height);
                assert_eq!(
                    (picture.width, picture.height, picture.rgb.len()),
                    (width, height, width * height * 3)
                );
            }
        }
    }

    #[test]
    fn scenes_of_one_kind_differ() {
        for index in 0..KINDS.len() as u64 {
            let (a, b) = (render(1, index, 48, 48), render(1, index + KINDS.len() as u64, 48, 48));
            assert!(psnr(&a, &b) < 20.0, "{}: {:.1} dB", kind(index), psnr(&a, &b));
        }
    }

    #[test]
    fn scenes_use_the_range_of_levels_and_have_detail() {
        let (mut means, mut detail) = (0.0, 0.0);
        let count = 60;
        for index in 0..count {
            let picture = render(4, index, 96, 96);
            let grey: Vec<f64> = picture
                .rgb
                .chunks_exact(3)
                .map(|p| p.iter().map(|v| f64::from(*v)).sum::<f64>() / 3.0)
                .collect();
            let mean = grey.iter().sum::<f64>() / grey.len() as f64;
            let deviation = (grey.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / grey.len() as f64).sqrt();
            let steps: f64 = grey.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f64>() / grey.len() as f64;
            assert!(deviation > 8.0, "{} {index}: flat, σ {deviation:.1}", kind(index));
            means += mean / f64::from(count as u32);
            detail += steps / f64::from(count as u32);
        }
        // BSD400: mean 112, mean step between neighbours 9.
        assert!((85.0..150.0).contains(&means), "{means:.1}");
        assert!((4.0..16.0).contains(&detail), "{detail:.1}");
    }
}

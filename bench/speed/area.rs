//! Cost against picture area: the time per pixel is to be the same, whatever the picture's size.

use std::error::Error;

use super::side::Sides;
use super::work::{Kind, Work};

/// What `--row` calls it.
pub const NAME: &str = "area";

const SIDES: [usize; 4] = [64, 128, 256, 512];

/// Repetitions of the largest; its seconds are many.
const OF_THE_LARGEST: usize = 3;

/// Seconds by side of the picture.
pub struct Area {
    pub title: &'static str,
    pub seconds: Vec<(usize, f64)>,
}

pub fn measure(sides: &Sides) -> Result<Vec<Area>, Box<dyn Error>> {
    let works = [
        ("Restormer, forward", Kind::Forward, "paper"),
        ("Restormer small, forward and backward", Kind::Backward, "small"),
    ];
    let area = |(title, kind, size): (&'static str, Kind, &str)| {
        let seconds = SIDES.map(|side| {
            let work = Work {
                kind,
                network: "restormer",
                size,
                batch: 1,
                height: side,
                width: side,
            };
            eprintln!("{title}, {side}x{side}");
            let times = if side == SIDES[3] {
                sides.times.min(OF_THE_LARGEST)
            } else {
                sides.times
            };
            Ok::<_, Box<dyn Error>>((side, sides.ours(&work, times)?))
        });
        Ok(Area {
            title,
            seconds: seconds.into_iter().collect::<Result<_, _>>()?,
        })
    };
    works.into_iter().map(area).collect()
}

//! Cost against picture area: the time per pixel is to be the same, whatever the picture's size.

use std::error::Error;

use super::side::Sides;
use super::work::{Kind, Work};

/// What `--row` calls it.
pub const NAME: &str = "area";

const SIDES: [usize; 4] = [64, 128, 256, 512];

/// Seconds by side of the picture.
pub struct Area {
    pub title: &'static str,
    pub seconds: Vec<(usize, f64)>,
    /// Seconds to another core and back, at the least and at the most.
    pub apart: [f64; 2],
}

pub fn measure(sides: &Sides) -> Result<Vec<Area>, Box<dyn Error>> {
    let works = [
        ("Restormer, forward", Kind::Forward, "paper"),
        ("Restormer small, forward and backward", Kind::Backward, "small"),
    ];
    let area = |(title, kind, size): (&'static str, Kind, &str)| {
        let works = SIDES.map(|side| Work {
            kind,
            network: "restormer",
            size,
            batch: 1,
            height: side,
            width: side,
        });
        eprintln!("{title}, of {SIDES:?} squared in turn");
        let (seconds, apart) = sides.ours(&works)?;
        Ok(Area {
            title,
            seconds: SIDES.into_iter().zip(seconds).collect(),
            apart,
        })
    };
    works.into_iter().map(area).collect()
}

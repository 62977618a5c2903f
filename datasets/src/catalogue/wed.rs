//! WED: the Waterloo Exploration Database, clean training pictures of denoising.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "wed",
    title: "WED",
    aliases: &["waterloo", "waterloo-exploration"],
    degradation: Degradation::Noise,
    splits: &[Split {
        name: "train",
        official: 4744,
        holds: "pristine pictures 00001.bmp to 04744.bmp, 24 or 32 bits, rows from the top or the bottom",
    }],
    layouts: &["wed-flat"],
    pairing: "clean only; noise is added",
    citation: "Ma et al., Waterloo Exploration Database: new challenges for image quality assessment models, TIP 2017",
    licence: "research use",
    obtained: "https://ece.uwaterloo.ca/~k29ma/exploration/",
};

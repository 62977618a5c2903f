//! GoPro: camera shake and moving objects, averaged from high-speed film.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "gopro",
    title: "GoPro",
    aliases: &["gopro-large"],
    degradation: Degradation::Blur,
    splits: &[
        Split {
            name: "train",
            official: 2103,
            holds: "22 sequences of 1280x720",
        },
        Split {
            name: "test",
            official: 1111,
            holds: "11 other sequences of 1280x720",
        },
    ],
    layouts: &["gopro-archive", "gopro-flat", "gopro-unnamed"],
    pairing: "sequence and frame: GOPR0384_11_00/blur/000001.png with GOPR0384_11_00/sharp/000001.png",
    citation: "Nah et al., Deep multi-scale convolutional neural network for dynamic scene deblurring, CVPR 2017",
    licence: "CC BY 4.0",
    obtained: "https://seungjunnah.github.io/Datasets/gopro",
};

/// The sequences of the training split, ascending. A name tells its split, whatever folder it lies in.
pub static TRAIN: [&str; 22] = [
    "GOPR0372_07_00",
    "GOPR0372_07_01",
    "GOPR0374_11_00",
    "GOPR0374_11_01",
    "GOPR0374_11_02",
    "GOPR0374_11_03",
    "GOPR0378_13_00",
    "GOPR0379_11_00",
    "GOPR0380_11_00",
    "GOPR0384_11_01",
    "GOPR0384_11_02",
    "GOPR0384_11_03",
    "GOPR0384_11_04",
    "GOPR0385_11_00",
    "GOPR0386_11_00",
    "GOPR0477_11_00",
    "GOPR0857_11_00",
    "GOPR0868_11_01",
    "GOPR0868_11_02",
    "GOPR0871_11_01",
    "GOPR0881_11_00",
    "GOPR0884_11_00",
];

/// The sequences of the test split, ascending.
pub static TEST: [&str; 11] = [
    "GOPR0384_11_00",
    "GOPR0384_11_05",
    "GOPR0385_11_01",
    "GOPR0396_11_00",
    "GOPR0410_11_00",
    "GOPR0854_11_00",
    "GOPR0862_11_00",
    "GOPR0868_11_00",
    "GOPR0869_11_00",
    "GOPR0871_11_00",
    "GOPR0881_11_01",
];

//! LOL (v1): pairs of a short and a long exposure of the same scene.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "lol",
    title: "LOL",
    aliases: &["lol-v1", "lolv1", "loldataset"],
    degradation: Degradation::LowLight,
    splits: &[
        Split {
            name: "train",
            official: 485,
            holds: "our485",
        },
        Split {
            name: "test",
            official: 15,
            holds: "eval15",
        },
    ],
    layouts: &["lol-archive", "lol-pairs"],
    pairing: "same name in low/ and high/",
    citation: "Wei et al., Deep Retinex decomposition for low-light enhancement, BMVC 2018",
    licence: "research use; no licence is stated",
    obtained: "https://daooshee.github.io/BMVC2018website/",
};

/// The numbers of eval15, ascending; every other number is of our485.
pub static EVAL15: [u32; 15] = [1, 22, 23, 55, 79, 111, 146, 179, 493, 547, 665, 669, 748, 778, 780];

//! RESIDE: hazy pictures made from clear ones; the β outdoor training set OTS trains dehazing.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "reside",
    title: "RESIDE (OTS)",
    aliases: &["ots", "reside-ots", "reside-beta"],
    degradation: Degradation::Haze,
    splits: &[
        Split {
            name: "train",
            official: 72135,
            holds: "OTS: 2061 clear outdoor pictures, 35 hazy ones of each (atmospheric light x scattering coefficient)",
        },
        Split {
            name: "indoor",
            official: 13990,
            holds: "ITS: 1399 clear indoor pictures, 10 hazy ones of each; not trained on by the paper",
        },
    ],
    layouts: &["reside-ots", "promptir-dehaze", "reside-its"],
    pairing: "the clear picture's name before the first _ of the hazy one's; the ending may differ",
    citation: "Li et al., Benchmarking single-image dehazing and beyond, TIP 2019",
    licence: "research use; no licence is stated",
    obtained: "https://sites.google.com/view/reside-dehaze-datasets/reside-%CE%B2",
};

//! SOTS: the synthetic test sets of RESIDE; the outdoor one tests dehazing.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "sots",
    title: "SOTS-Outdoor",
    aliases: &["sots-outdoor", "reside-sots"],
    degradation: Degradation::Haze,
    splits: &[
        Split {
            name: "test",
            official: 500,
            holds: "the outdoor set: JPEG hazy, PNG clear",
        },
        Split {
            name: "indoor",
            official: 500,
            holds: "the indoor set: 50 clear pictures of 640x480, ten hazy ones of 620x460 of each, cut by 10 pixels on each side",
        },
    ],
    layouts: &["sots-outdoor", "promptir-dehaze-test", "sots-indoor"],
    pairing: "the clear picture's name before the first _ of the hazy one's; indoor, the clear one loses a border of 10 pixels",
    citation: "Li et al., Benchmarking single-image dehazing and beyond, TIP 2019",
    licence: "research use; no licence is stated",
    obtained: "https://sites.google.com/view/reside-dehaze-datasets/reside-standard",
};

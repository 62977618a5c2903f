//! C60: the 60 challenging underwater pictures of UIEB, without references.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "c60",
    title: "C60",
    aliases: &["challenging-60", "uieb-challenging"],
    degradation: Degradation::Underwater,
    splits: &[Split {
        name: "test",
        official: 60,
        holds: "challenging-60",
    }],
    layouts: &["challenging-60"],
    pairing: "none: there is no clean partner, only no-reference metrics apply",
    citation: "Li et al., An underwater image enhancement benchmark dataset and beyond, TIP 2020",
    licence: "research use",
    obtained: "https://li-chongyi.github.io/proj_benchmark.html",
};

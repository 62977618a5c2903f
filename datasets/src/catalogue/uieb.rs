//! UIEB: underwater pictures with a reference chosen by eye among restored ones.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "uieb",
    title: "UIEB",
    aliases: &["uieb-890"],
    degradation: Degradation::Underwater,
    splits: &[Split {
        name: "test",
        official: 890,
        holds: "raw-890 with reference-890",
    }],
    layouts: &["uieb-archive"],
    pairing: "same name in raw-890/ and reference-890/",
    citation: "Li et al., An underwater image enhancement benchmark dataset and beyond, TIP 2020",
    licence: "research use",
    obtained: "https://li-chongyi.github.io/proj_benchmark.html",
};

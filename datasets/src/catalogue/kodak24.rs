//! Kodak24: 24 photographs, a test set of denoising.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "kodak24",
    title: "Kodak24",
    aliases: &["kodak"],
    degradation: Degradation::Noise,
    splits: &[
        Split {
            name: "test",
            official: 24,
            holds: "the 500x500 centre crops that the papers measure",
        },
        Split {
            name: "full",
            official: 24,
            holds: "the same photographs whole, 768x512 or 512x768: their figures differ",
        },
    ],
    layouts: &["kodak-flat"],
    pairing: "clean only; noise is added",
    citation: "Franzen, Kodak lossless true color image suite, 1999; the crops: Zhang et al., FFDNet, TIP 2018",
    licence: "released for unrestricted use",
    obtained: "https://r0k.us/graphics/kodak/; the crops: https://github.com/cszn/FFDNet (testsets/Kodak24)",
};

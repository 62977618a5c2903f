//! Urban100: facades and other regular patterns, a test set of denoising.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "urban100",
    title: "Urban100",
    aliases: &["urban"],
    degradation: Degradation::Noise,
    splits: &[Split {
        name: "test",
        official: 100,
        holds: "the high-resolution pictures of SRF_4, about 1024 pixels wide",
    }],
    layouts: &["selfexsr", "urban-flat"],
    pairing: "clean only; noise is added",
    citation: "Huang et al., Single image super-resolution from transformed self-exemplars, CVPR 2015",
    licence: "Creative Commons photographs from Flickr",
    obtained: "https://github.com/jbhuang0604/SelfExSR",
};

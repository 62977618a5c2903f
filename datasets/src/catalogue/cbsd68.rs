//! CBSD68: the 68 colour test pictures of denoising, from the test half of BSDS300.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "cbsd68",
    title: "CBSD68",
    aliases: &["bsd68", "cbsd"],
    degradation: Degradation::Noise,
    splits: &[Split {
        name: "test",
        official: 68,
        holds: "whole pictures of 481x321 or 321x481",
    }],
    layouts: &["bsd68-flat", "bsd68-numbered"],
    pairing: "clean only; noise is added",
    citation: "Martin et al., A database of human segmented natural images, ICCV 2001; Roth and Black, Fields of experts, IJCV 2009 (the choice of 68)",
    licence: "non-commercial research and education",
    obtained: "https://github.com/cszn/FFDNet (testsets/CBSD68) or https://github.com/clausmichele/CBSD68-dataset",
};

/// The pictures' numbers, ascending; none of them is in BSD400.
#[rustfmt::skip]
pub static IDS: [u32; 68] = [
    3096, 12084, 14037, 16077, 19021, 21077, 24077, 33039, 101085, 101087, 102061, 103070, 105025, 106024, 108005,
    108070, 108082, 109053, 119082, 123074, 126007, 130026, 134035, 143090, 145086, 147091, 148026, 148089, 157055,
    159008, 160068, 163085, 167062, 167083, 170057, 175032, 175043, 182053, 189080, 196073, 197017, 208001, 210088,
    216081, 219090, 220075, 223061, 227092, 229036, 236037, 241004, 241048, 253027, 253055, 260058, 271035, 285079,
    291000, 295087, 296007, 296059, 299086, 300091, 302008, 304034, 304074, 306005, 351093,
];

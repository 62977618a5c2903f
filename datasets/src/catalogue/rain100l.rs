//! Rain100L: light synthetic rain streaks on pictures of BSD.

use super::{Degradation, Entry, Split};

pub static ENTRY: Entry = Entry {
    name: "rain100l",
    title: "Rain100L",
    aliases: &["rain100", "raintrainl"],
    degradation: Degradation::Rain,
    splits: &[
        Split {
            name: "train",
            official: 200,
            holds: "rain-1 to rain-200",
        },
        Split {
            name: "test",
            official: 100,
            holds: "rain-001 to rain-100; only 91 clean pictures are distinct, so equal contents are no fault",
        },
    ],
    layouts: &["rain-flat", "rain-folders", "rain13k"],
    pairing: "the number: rain-N with norain-N, or N in both folders",
    citation: "Yang et al., Deep joint rain detection and removal from a single image, CVPR 2017",
    licence: "research use; no licence is stated",
    obtained: "https://www.icst.pku.edu.cn/struct/Projects/joint_rain_removal.html",
};

//! Bilinear and bicubic resizing, with and without antialiasing.

use perceive_model::tower::resize::{Filter, resize};

use super::{case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    for (name, filter) in [("bilinear", Filter::Bilinear), ("bicubic", Filter::Bicubic)] {
        for (suffix, antialias) in [("", false), ("_aa", true)] {
            for [height, width] in [[16, 20], [56, 56]] {
                let label = format!("{name}{suffix}_{height}x{width}");
                let resized = resize(case.tensor("__input__"), [height, width], filter, antialias);
                outcome.output(&label, resized, case.array(&format!("__{label}__")));
            }
        }
    }
    outcome
}

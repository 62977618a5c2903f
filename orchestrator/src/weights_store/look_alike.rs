//! Which network a checkpoint is of, by its keys and shapes: for the user who named another.

use perceive_model::weights::{Array, Checkpoint, compare};

use super::Kind;
use super::kind::Shapes;

/// A checkpoint is like a network if at least this share of both is common to them.
const LIKE: f64 = 0.5;

/// What another kind makes of a checkpoint.
#[derive(Debug)]
pub struct LookAlike {
    pub kind: &'static Kind,
    /// `width 32`.
    pub size: Option<String>,
    /// From 0 (nothing in common) to 1 (it fits).
    likeness: f64,
}

impl LookAlike {
    /// The kind that a checkpoint is most like, if it is more like that one than like `asked`. The checkpoint is one as it
    /// was published, before [`Kind::bare`] took anything out.
    pub fn of(checkpoint: &Checkpoint, asked: &Kind) -> Option<Self> {
        let light = light(checkpoint);
        let mut best: Option<Self> = None;
        for kind in Kind::ALL {
            let found = Self::to(kind, light.clone());
            // Of two that are equal the first, unless it is what was asked for.
            let before = best.as_ref().map_or(LIKE - f64::EPSILON, |best| best.likeness);
            if found.likeness > before || (found.likeness >= before && kind.name == asked.name) {
                best = Some(found);
            }
        }
        best.filter(|best| best.kind.name != asked.name)
    }

    /// What to do with such a file.
    pub fn advice(&self, file: &str) -> String {
        let size = self.size.as_ref().map_or(String::new(), |size| format!(", {size}"));
        format!(
            "this looks like {}{size}: `perceive-ir weights import {} {file}`",
            self.kind.title, self.kind.name
        )
    }

    fn to(kind: &'static Kind, light: Checkpoint) -> Self {
        let checkpoint = (kind.bare)(light);
        let settings = (kind.settings)(&Shapes::of(&checkpoint));
        let wanted = (kind.tensors)(&settings).unwrap_or_default();
        let mismatch = compare(&wanted, &checkpoint, "");
        let common = wanted.len() - mismatch.missing.len() - mismatch.misshapen.len();
        Self {
            kind,
            size: kind.size_of(&settings),
            likeness: common as f64 / (wanted.len() + mismatch.extra.len()).max(1) as f64,
        }
    }
}

/// Without the numbers, but for those that stand alone: they tell copies of a shared one.
fn light(checkpoint: &Checkpoint) -> Checkpoint {
    let array = |array: &Array| Array {
        shape: array.shape.clone(),
        data: if array.data.len() == 1 {
            array.data.clone()
        } else {
            Vec::new()
        },
    };
    let tensors = checkpoint.tensors.iter();
    Checkpoint {
        tensors: tensors.map(|(key, found)| (key.clone(), array(found))).collect(),
        ..Checkpoint::default()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use perceive_model::network::{Network, NetworkConfig, Size};

    use super::*;

    fn weights(name: &str) -> Checkpoint {
        let config = NetworkConfig::sized(name, Size::Tiny).unwrap();
        Checkpoint::from_module(&Network::new(&config, &Device::flex()))
    }

    #[test]
    fn every_network_is_known_among_all_others() {
        for name in NetworkConfig::NAMES {
            let weights = weights(name);
            for asked in Kind::ALL {
                let found = LookAlike::of(&weights, asked);
                let expected = (asked.name != *name).then_some(*name);
                assert_eq!(found.map(|found| found.kind.name), expected, "{name} as {}", asked.name);
            }
        }
    }

    #[test]
    fn it_is_known_although_some_tensors_are_missing_or_strange() {
        let mut weights = weights("nafnet");
        let gone: Vec<String> = weights.tensors.keys().take(6).cloned().collect();
        for key in gone {
            let stray = weights.tensors.remove(&key).unwrap();
            weights.tensors.insert(format!("strange.{key}"), stray);
        }
        let asked = Kind::named("restormer").unwrap();
        let found = LookAlike::of(&weights, asked).unwrap();
        assert_eq!(
            found.advice("a.pth"),
            "this looks like NAFNet, width 12: `perceive-ir weights import nafnet a.pth`"
        );
        assert!(LookAlike::of(&weights, Kind::named("nafnet").unwrap()).is_none());
        assert!(LookAlike::of(&Checkpoint::default(), asked).is_none());
    }
}

//! Settings of the negatives stage: frozen proxies whose outputs are the hard and very hard negatives of eq. 11.

use serde::{Deserialize, Serialize};

/// Frozen proxies whose outputs are the hard and very hard negatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Negatives {
    /// The models; at least one where the perceptual loss is on.
    pub proxies: Vec<Proxy>,
}

/// One frozen restoration model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Its name in tables and in `negatives regenerate --proxy NAME`.
    pub name: String,
    /// `medium-a` or `medium-b`: the medium stage's model of that fold; anything else: the name of imported weights.
    pub weights: String,
}

impl Default for Negatives {
    fn default() -> Self {
        Self {
            proxies: vec![
                Proxy {
                    name: "restormer-a".into(),
                    weights: "medium-a".into(),
                },
                Proxy {
                    name: "restormer-b".into(),
                    weights: "medium-b".into(),
                },
            ],
        }
    }
}

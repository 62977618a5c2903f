//! Settings of the negatives stage: frozen proxies whose outputs are the hard and very hard negatives of eq. 11.

use serde::{Deserialize, Serialize};

use super::proxy::{Origin, Proxy};

/// Frozen proxies whose outputs are the hard and very hard negatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Negatives {
    /// The proxies; at least one where the perceptual loss is on.
    pub proxies: Vec<Proxy>,
}

impl Default for Negatives {
    fn default() -> Self {
        let medium = |name: &str, fold: &str| Proxy {
            name: name.into(),
            origin: Origin::Weights(fold.into()),
        };
        Self {
            proxies: vec![medium("restormer-a", "medium-a"), medium("restormer-b", "medium-b")],
        }
    }
}

impl Negatives {
    /// What is impossible in these settings: (key, what is wrong).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        for (i, proxy) in self.proxies.iter().enumerate() {
            let mut say = |key: &str, what: String| wrong.push((format!("proxies.{i}.{key}"), what));
            if self.proxies[..i].iter().any(|other| other.name == proxy.name) {
                say("name", format!("{:?} is named twice", proxy.name));
            }
            for (key, what) in proxy.check() {
                say(key, what);
            }
        }
        wrong
    }
}

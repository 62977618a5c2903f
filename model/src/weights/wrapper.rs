//! What training programs put around a network's weights: dictionaries in which the state dict stands beside an
//! optimiser's, and prefixes of every key.

use std::collections::BTreeMap;

use super::checkpoint::Checkpoint;

/// The outermost first. Of a network and its moving average the average is taken: it is what its authors measure.
/// No network here has a key that begins so.
const WRAPPERS: [&str; 10] = [
    "params_ema",       // BasicSR: Restormer, NAFNet, MambaIR
    "params",           // the same
    "state_dict",       // Lightning: PromptIR; MPRNet
    "model_state_dict", // many
    "model",            // FSNet
    "network",          // many
    "net_g",            // restorers that were trained as generators
    "net",              // Lightning: PromptIR
    "module",           // DataParallel
    "_orig_mod",        // torch.compile
];

/// What was taken off, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrapper {
    /// As it stood before every key: `state_dict.net.`; empty where there was none.
    pub prefix: String,
    /// Tensors that stood beside it.
    pub beside: usize,
}

impl Wrapper {
    /// Goes into wrappers as long as there are any; tensors beside them are left out.
    pub fn taken_off<T>(mut tensors: BTreeMap<String, T>) -> (Self, BTreeMap<String, T>) {
        let mut prefix = String::new();
        loop {
            let inner = |wrapper: &&&str| {
                let begin = format!("{prefix}{wrapper}.");
                let first = tensors.range(begin.clone()..).next();
                first.is_some_and(|(key, _)| key.len() > begin.len() && key.starts_with(&begin))
            };
            let Some(wrapper) = WRAPPERS.iter().find(inner) else {
                break;
            };
            prefix = format!("{prefix}{wrapper}.");
        }
        let before = tensors.len();
        if !prefix.is_empty() {
            let all = std::mem::take(&mut tensors).into_iter();
            tensors = all
                .filter_map(|(key, tensor)| Some((key.strip_prefix(&prefix)?.to_owned(), tensor)))
                .collect();
        }
        let beside = before - tensors.len();
        (Self { prefix, beside }, tensors)
    }
}

impl Checkpoint {
    /// The weights without what a training program put around them.
    pub fn unwrapped(self) -> (Self, Wrapper) {
        let (wrapper, tensors) = Wrapper::taken_off(self.tensors);
        let metadata = self.metadata;
        (Self { tensors, metadata }, wrapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keys: &[&str], prefix: &str, left: &[&str]) {
        let tensors: BTreeMap<String, usize> = keys.iter().map(|key| ((*key).to_owned(), key.len())).collect();
        let (wrapper, tensors) = Wrapper::taken_off(tensors);
        assert_eq!(wrapper.prefix, prefix);
        assert_eq!(wrapper.beside, keys.len() - left.len());
        assert_eq!(tensors.into_keys().collect::<Vec<_>>(), left);
    }

    #[test]
    fn wrappers_and_prefixes_are_taken_off_in_any_combination() {
        check(&["params.a.weight", "params.b"], "params.", &["a.weight", "b"]);
        check(&["params.a", "params_ema.a"], "params_ema.", &["a"]);
        check(
            &["optimizer.state.a", "state_dict.net.a", "state_dict.net.b"],
            "state_dict.net.",
            &["a", "b"],
        );
        check(
            &["state_dict.module.a", "state_dict.module.b"],
            "state_dict.module.",
            &["a", "b"],
        );
        check(&["model.module.a", "scheduler.b"], "model.module.", &["a"]);
        check(&["net._orig_mod.a", "loss.vgg.b"], "net._orig_mod.", &["a"]);
    }

    #[test]
    fn the_keys_of_networks_are_left_as_they_are() {
        let own = [
            "E.E.queue",
            "R.head.0.weight",
            "backbone.intro.weight",
            "modules.a",
            "visual.proj",
        ];
        check(&own, "", &own);
        check(&["params."], "", &["params."]);
    }
}

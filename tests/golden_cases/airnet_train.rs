//! One step of AirNet's own training: momentum contrast, norms by the batch's statistics, and what the step leaves.

use perceive_model::{
    loss::{contrastive, l1},
    network::{
        AirNet, AirNetConfig,
        airnet::{MomentumContrast, split},
    },
    weights::{Array, Checkpoint, gradient, load},
};

use super::{airnet::Official, case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let config: AirNetConfig = case.config::<Official>().into();
    let (learned, training) = split(case.state());
    let network = AirNet::new(&config, &case.device);
    let mut network = load(network, &learned, &case.name).expect("the case's weights");
    let mut contrast = contrast(case, &network, &training);
    let mut outcome = Outcome::default();

    let [query, key] = ["__input_query__", "__input_key__"].map(|name| case.tensor(name));
    let (image, logits) = network.learn(&mut contrast, query, key, case.number("/config/T"));
    outcome.output("output", image.clone(), case.array("__output__"));
    outcome.output("logits", logits.clone(), case.array("__logits__"));
    let (l1, contrastive) = (l1(image, case.tensor("__target__")), contrastive::of_logits(logits));
    outcome.output("L1", l1.clone(), case.array("__l1_loss__"));
    outcome.output("contrastive loss", contrastive.clone(), case.array("__contrast_loss__"));
    let loss = l1 + contrastive * 0.1;
    outcome.output("loss", loss.clone(), case.array("__loss__"));
    let gradients = loss.backward();
    for (name, want) in &case.tensors {
        if let Some(key) = name.strip_prefix("__grad_param__.") {
            let label = format!("gradient of {key}");
            outcome.gradient(&label, gradient(&network, &gradients, key), want);
        }
    }

    let mut after = Checkpoint::from_module(&network).tensors;
    let beside = Checkpoint::from_module(&contrast).tensors.into_iter();
    after.extend(beside.map(|(key, array)| (format!("E.E.{key}"), array)));
    for (name, want) in &case.tensors {
        if let Some(key) = name.strip_prefix("__after__.") {
            let got: &Array = after.get(key).unwrap_or_else(|| panic!("no {key}"));
            let got = got.tensor::<2>(&case.device);
            outcome.output(&format!("{key} afterwards"), got, want);
        }
    }
    outcome
}

fn contrast(case: &Case, network: &AirNet, training: &Checkpoint) -> MomentumContrast {
    let keys = case.number("/config/moco_K") as usize;
    let contrast = network.contrast(keys, 0, &case.device.clone().inner());
    load(contrast, training, &case.name).expect("the case's queue")
}

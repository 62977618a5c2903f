//! LPIPS with either network: the package's own channel weights, and a network by recipe.

use burn::tensor::Tensor;
use perceive_model::{
    metric::lpips::{Backbone, ChannelWeights, Lpips},
    tower::{AlexNet, Vgg16},
    weights::{Array, Checkpoint, recipe},
};

use super::{case::Case, outcome::Outcome};

pub fn alex(case: &Case) -> Outcome {
    let tower = AlexNet::from_checkpoint(tower(case), &case.name, &case.device).expect("AlexNet by recipe");
    compare(case, &Lpips::alex(tower, weights(case, Backbone::Alex)))
}

pub fn vgg(case: &Case) -> Outcome {
    let tower = Vgg16::from_checkpoint(tower(case), &case.name, &case.device).expect("VGG-16 by recipe");
    compare(case, &Lpips::vgg(tower, weights(case, Backbone::Vgg)))
}

fn compare(case: &Case, lpips: &Lpips) -> Outcome {
    let mut outcome = Outcome::default();
    let second = case.tensor::<4>("__input1__").require_grad();
    let distances = lpips.distances(case.tensor("__input0__"), second.clone());
    let layers = Tensor::stack::<2>(distances.to_vec(), 0);
    outcome.output("each layer", layers.clone(), case.array("__per_layer__"));
    let sum: Tensor<2> = layers.sum_dim(0);
    let pictures = sum.dims()[1];
    outcome.output(
        "output",
        sum.clone().reshape([pictures, 1, 1, 1]),
        case.array("__output__"),
    );
    let got = second.grad(&sum.sum().backward()).map(|gradient| Array::of(&gradient));
    outcome.gradient("gradient of the second picture", got, case.array("__grad_input1__"));
    outcome
}

fn weights(case: &Case, backbone: Backbone) -> ChannelWeights {
    ChannelWeights::from_checkpoint(backbone, &case.state(), &case.name, &case.device).expect("the case's weights")
}

/// The recipe goes by the package's keys (`net.slice2.3.weight`), the network by torchvision's (`features.3.weight`);
/// kernels are half as large again as the recipe has them.
fn tower(case: &Case) -> Checkpoint {
    let keys = case.json["backbone_keys"].as_object().expect("the network's keys");
    let shapes = keys.iter().map(|(key, shape)| {
        let shape = serde_json::from_value(shape.clone()).expect("a shape");
        (key.clone(), shape)
    });
    let tensors = recipe(&shapes.collect::<Vec<_>>()).tensors.into_iter();
    let renamed = tensors.map(|(key, mut array)| {
        if array.shape.len() == 4 {
            array.data.iter_mut().for_each(|value| *value *= 1.5);
        }
        let layer = key.splitn(3, '.').nth(2).expect("net, slice, layer");
        (format!("features.{layer}"), array)
    });
    Checkpoint {
        tensors: renamed.collect(),
        ..Checkpoint::default()
    }
}

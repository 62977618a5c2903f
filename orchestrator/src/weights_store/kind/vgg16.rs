//! torchvision's VGG-16, its convolutions only: the perceptual loss of eqs. 10-11.

use burn::tensor::Device;
use perceive_model::tower::{Vgg16, Vgg16Config};
use perceive_model::weights::shapes;
use serde_json::json;

use super::Kind;
use crate::weights_store::{Check, Publication};

pub static KIND: Kind = Kind {
    name: "vgg16",
    title: "VGG-16",
    publication: Some(Publication {
        url: "https://download.pytorch.org/models/vgg16-397923af.pth",
        check: Check::Sha256Begins("397923af"),
        bytes: 553_433_881,
        parameters: 14_714_688,
    }),
    page: None,
    size: None,
    bare: |mut checkpoint| {
        checkpoint.tensors.retain(|key, _| !key.starts_with("classifier."));
        checkpoint
    },
    settings: |_| json!(Vgg16Config::default()),
    tensors: |_| Ok(shapes(&Vgg16::new(&Vgg16Config::default(), &Device::flex()))),
};

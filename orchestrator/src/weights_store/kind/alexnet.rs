//! torchvision's AlexNet, its convolutions only: LPIPS looks through it.

use burn::tensor::Device;
use perceive_model::tower::AlexNet;
use perceive_model::weights::shapes;
use serde_json::json;

use super::Kind;
use crate::weights_store::{Check, Publication};

pub static KIND: Kind = Kind {
    name: "alexnet",
    title: "AlexNet",
    publication: Some(Publication {
        url: "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        check: Check::Sha256Begins("7be5be79"),
        bytes: 244_408_911,
        parameters: 2_469_696,
    }),
    page: None,
    size: None,
    bare: |mut checkpoint| {
        checkpoint.tensors.retain(|key, _| !key.starts_with("classifier."));
        checkpoint
    },
    settings: |_| json!({}),
    tensors: |_| Ok(shapes(&AlexNet::new(&Device::flex()))),
};

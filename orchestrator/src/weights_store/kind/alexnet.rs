//! torchvision's AlexNet, its convolutions only: LPIPS looks through it.

use burn::tensor::Device;
use perceive_model::tower::AlexNet;
use serde_json::json;

use super::Kind;
use crate::weights_store::{Check, Publication};

pub static KIND: Kind = Kind {
    name: "alexnet",
    title: "AlexNet",
    publication: Some(Publication {
        url: "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        check: Check::Sha256Begins("7be5be79"),
        parameters: 2_469_696,
        conversion: None,
    }),
    harmless: |key| key.starts_with("classifier."),
    fit: |checkpoint, origin| {
        AlexNet::from_checkpoint(checkpoint.clone(), origin, &Device::flex())?;
        Ok(json!({}))
    },
};

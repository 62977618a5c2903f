//! Meta's DINOv2 ViT-B/14 (without registers): guides the restorer.

use burn::tensor::Device;
use perceive_model::tower::{Dinov2, Dinov2Config};
use serde_json::json;

use super::{Kind, none};
use crate::weights_store::{Check, Publication};

pub static KIND: Kind = Kind {
    name: "dinov2-vitb14",
    title: "DINOv2 ViT-B/14",
    publication: Some(Publication {
        url: "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/dinov2_vitb14_pretrain.pth",
        check: Check::FirstImport,
        parameters: 86_580_480,
        conversion: None,
    }),
    harmless: none,
    fit: |checkpoint, origin| {
        Dinov2::from_checkpoint(checkpoint, origin, &Device::flex())?;
        Ok(json!(Dinov2Config::from_checkpoint(checkpoint)))
    },
};

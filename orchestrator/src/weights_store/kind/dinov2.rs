//! Meta's DINOv2 ViT-B/14 (without registers): guides the restorer.

use burn::tensor::Device;
use perceive_model::tower::{Dinov2, Dinov2Config};
use perceive_model::weights::shapes;
use serde_json::json;

use super::{Kind, as_it_is};
use crate::weights_store::{Check, Publication};

pub static KIND: Kind = Kind {
    name: "dinov2-vitb14",
    title: "DINOv2 ViT-B/14",
    publication: Some(Publication {
        url: "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/dinov2_vitb14_pretrain.pth",
        check: Check::FirstImport,
        bytes: 346_378_731,
        parameters: 86_580_480,
    }),
    page: None,
    size: Some(("width", "/embed_dim")),
    bare: as_it_is,
    settings: |shapes| json!(Dinov2Config::from_checkpoint(shapes.checkpoint())),
    tensors: |settings| {
        let config: Dinov2Config = serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        Ok(shapes(&Dinov2::new(&config, &Device::flex())))
    },
};

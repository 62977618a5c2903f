//! OpenAI's CLIP ViT-B/32: the perceiver's frozen half. Published as a TorchScript archive in half precision.

use burn::tensor::Device;
use perceive_model::tower::{Clip, ClipConfig};
use perceive_model::weights::shapes;
use serde_json::json;

use super::Kind;
use crate::weights_store::{Check, Publication};

pub static KIND: Kind = Kind {
    name: "clip-vit-b32",
    title: "CLIP ViT-B/32",
    publication: Some(Publication {
        url: "https://openaipublic.azureedge.net/clip/models/40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af/ViT-B-32.pt",
        check: Check::Sha256("40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"),
        bytes: 353_976_522,
        parameters: 151_277_313,
    }),
    page: None,
    size: Some(("width", "/vision_width")),
    // Three numbers that OpenAI's archive holds beside the weights, and the mask that the text's attention computes.
    bare: |mut checkpoint| {
        let beside = ["input_resolution", "context_length", "vocab_size"];
        checkpoint
            .tensors
            .retain(|key, _| !beside.contains(&key.as_str()) && !key.ends_with("attn_mask"));
        checkpoint
    },
    settings: |shapes| json!(ClipConfig::from_checkpoint(shapes.checkpoint())),
    tensors: |settings| {
        let config: ClipConfig = serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        Ok(shapes(&Clip::new(&config, &Device::flex())))
    },
};

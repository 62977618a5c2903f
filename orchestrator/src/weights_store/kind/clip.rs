//! OpenAI's CLIP ViT-B/32: the perceiver's frozen half.

use burn::tensor::Device;
use perceive_model::tower::{Clip, ClipConfig};
use serde_json::json;

use super::Kind;
use crate::weights_store::{Check, Publication};

pub static KIND: Kind = Kind {
    name: "clip-vit-b32",
    title: "CLIP ViT-B/32",
    publication: Some(Publication {
        url: "https://openaipublic.azureedge.net/clip/models/40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af/ViT-B-32.pt",
        check: Check::Sha256("40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"),
        parameters: 151_277_313,
        conversion: Some(
            "convert it with PyTorch (a TorchScript archive opens in no other program):\n\
             \x20 import torch; from safetensors.torch import save_file\n\
             \x20 weights = torch.jit.load(\"{file}\", map_location=\"cpu\").state_dict()\n\
             \x20 save_file({key: value.contiguous() for key, value in weights.items()}, \"{kind}.safetensors\")",
        ),
    }),
    // Three numbers that OpenAI's archive holds beside the weights.
    harmless: |key| matches!(key, "input_resolution" | "context_length" | "vocab_size"),
    fit: |checkpoint, origin| {
        Clip::from_checkpoint(checkpoint.clone(), origin, &Device::flex())?;
        Ok(json!(ClipConfig::from_checkpoint(checkpoint)))
    },
};

//! How much each channel counts in LPIPS, version 0.1, of either network; the network's own weights are other kinds.

use burn::tensor::Device;
use perceive_model::metric::lpips::{Backbone, ChannelWeights};
use perceive_model::weights::shapes;
use serde_json::json;

use super::{Kind, Tensors, as_it_is};
use crate::weights_store::{Check, Publication};

pub static ALEX: Kind = Kind {
    name: "lpips-alex",
    title: "LPIPS (AlexNet)",
    publication: Some(Publication {
        url: "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/alex.pth",
        check: Check::Sha256("df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
        bytes: 6009,
        parameters: 1152,
    }),
    page: None,
    size: None,
    bare: as_it_is,
    settings: |_| json!({}),
    tensors: |_| Ok(tensors(Backbone::Alex)),
};

pub static VGG: Kind = Kind {
    name: "lpips-vgg",
    title: "LPIPS (VGG-16)",
    publication: Some(Publication {
        url: "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth",
        check: Check::Sha256("a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
        bytes: 7289,
        parameters: 1472,
    }),
    page: None,
    size: None,
    bare: as_it_is,
    settings: |_| json!({}),
    tensors: |_| Ok(tensors(Backbone::Vgg)),
};

fn tensors(backbone: Backbone) -> Tensors {
    shapes(&ChannelWeights::new(backbone, &Device::flex()))
}

//! The stack of residual blocks that CLIP's two networks have in common.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::{
    kernel::{Activation, linear, token_attention},
    layer::{LayerNorm, Linear, constant, uniform},
};

#[derive(Module, Debug)]
pub struct Transformer {
    resblocks: Vec<Block>,
}

#[derive(Module, Debug)]
struct Block {
    attn: Attention,
    ln_1: LayerNorm,
    mlp: Mlp,
    ln_2: LayerNorm,
}

/// `nn.MultiheadAttention`: one matrix for queries, keys and values.
#[derive(Module, Debug)]
struct Attention {
    /// `[3 width, width]`
    in_proj_weight: Param<Tensor<2>>,
    /// `[3 width]`
    in_proj_bias: Param<Tensor<1>>,
    out_proj: Linear,
    heads: usize,
}

#[derive(Module, Debug)]
struct Mlp {
    c_fc: Linear,
    c_proj: Linear,
}

impl Transformer {
    pub fn new(width: usize, layers: usize, heads: usize, device: &Device) -> Self {
        let block = |_| Block {
            attn: Attention {
                in_proj_weight: uniform([3 * width, width], (1.5 / width as f32).sqrt(), device),
                in_proj_bias: constant([3 * width], 0.0, device),
                out_proj: Linear::new(width, width, true, device),
                heads,
            },
            ln_1: LayerNorm::new(width, 1e-5, device),
            mlp: Mlp {
                c_fc: Linear::new(width, 4 * width, true, device),
                c_proj: Linear::new(4 * width, width, true, device),
            },
            ln_2: LayerNorm::new(width, 1e-5, device),
        };
        Self {
            resblocks: (0..layers).map(block).collect(),
        }
    }

    /// # Shapes
    /// - x and output `[B, T, width]`; `causal`: a token sees itself and those before it
    pub fn forward(&self, x: Tensor<3>, causal: bool) -> Tensor<3> {
        self.resblocks.iter().fold(x, |x, block| block.forward(x, causal))
    }
}

impl Block {
    fn forward(&self, x: Tensor<3>, causal: bool) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.ln_1.forward(x), causal);
        let normed = self.ln_2.forward(x.clone());
        let hidden = self.mlp.c_fc.activated(normed, Activation::QuickGelu);
        x + self.mlp.c_proj.forward(hidden)
    }
}

impl Attention {
    fn forward(&self, x: Tensor<3>, causal: bool) -> Tensor<3> {
        let (weight, bias) = (self.in_proj_weight.val(), self.in_proj_bias.val());
        let qkv = linear(x, weight, Some(bias), Activation::Identity);
        self.out_proj.forward(token_attention(qkv, self.heads, causal))
    }
}

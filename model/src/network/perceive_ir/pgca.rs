//! PGCA, prior guidance cross attention (eqs. 7 and 8): channel attention whose queries come from the modulated Y
//! and whose keys and values come from X. In its single form it has exactly MDTA's parameters.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::kernel::channel_attention_q_kv;
use crate::layer::{Conv2d, constant};
use crate::network::channel_norm::ChannelNorm;
use crate::network::convolution::{depthwise, pointwise};
use crate::network::restormer::Mdta;

#[derive(Module, Debug)]
pub struct Pgca {
    /// `[heads, 1, 1]`, starts at 1: eq. 7's 1/α, a learned multiplier.
    pub temperature: Param<Tensor<3>>,
    q: Conv2d,
    q_dwconv: Conv2d,
    kv: Conv2d,
    kv_dwconv: Conv2d,
    /// Of the single form.
    project_out: Option<Conv2d>,
    /// Of eq. 8's literal form.
    mdta: Option<Mdta>,
}

impl Pgca {
    /// One attention and its output projection.
    pub fn single(channels: usize, heads: usize, device: &Device) -> Self {
        let project_out = Some(pointwise(channels, channels, false, device));
        Self {
            project_out,
            ..Self::bare(channels, heads, device)
        }
    }

    /// Eq. 8 literally: the attention, then a whole MDTA.
    pub fn then_mdta(channels: usize, heads: usize, device: &Device) -> Self {
        let mdta = Some(Mdta::new(channels, heads, false, device));
        Self {
            mdta,
            ..Self::bare(channels, heads, device)
        }
    }

    fn bare(channels: usize, heads: usize, device: &Device) -> Self {
        Self {
            temperature: constant([heads, 1, 1], 1.0, device),
            q: pointwise(channels, channels, false, device),
            q_dwconv: depthwise(channels, false, device),
            kv: pointwise(channels, 2 * channels, false, device),
            kv_dwconv: depthwise(2 * channels, false, device),
            project_out: None,
            mdta: None,
        }
    }

    /// `onto + PGCA(norm(x), norm(y))`, all of them `[B, C, H, W]`.
    pub fn forward_onto(&self, onto: Tensor<4>, norm: &ChannelNorm, x: Tensor<4>, y: Tensor<4>) -> Tensor<4> {
        let q = norm.then_filtered(&self.q, &self.q_dwconv, y);
        let kv = norm.then_filtered(&self.kv, &self.kv_dwconv, x);
        let attended = channel_attention_q_kv(q, kv, self.temperature.val());
        match (&self.project_out, &self.mdta) {
            (Some(project), _) => project.forward_onto(onto, attended),
            (None, Some(mdta)) => mdta.forward(attended) + onto,
            (None, None) => attended + onto,
        }
    }
}

//! SS2D, MambaIR's selective scan over a picture: along its rows and its columns, forwards and backwards.

#![allow(non_snake_case, reason = "the official code's keys")]

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor,
        activation::{silu, softplus},
    },
};

use super::MambaIrConfig;
use crate::kernel::selective_scan;
use crate::layer::{Conv2d, LayerNorm, Linear, constant, initial, uniform};
use crate::network::convolution::depthwise;

/// The four ways through the picture.
const WAYS: usize = 4;
/// The first step widths lie between these, evenly in their logarithms.
const STEPS: [f32; 2] = [0.001, 0.1];

#[derive(Module, Debug)]
pub struct Scan {
    /// To the step width's code, B and C: `[4, rank + 2 N, D]`.
    x_proj_weight: Param<Tensor<3>>,
    /// From the code to the step width of each channel: `[4, D, rank]`.
    dt_projs_weight: Param<Tensor<3>>,
    /// `[4, D]`
    dt_projs_bias: Param<Tensor<2>>,
    /// `A = -exp` of it: `[4 D, N]`, starts with A = -1, -2, …, -N.
    A_logs: Param<Tensor<2>>,
    /// What of the input goes past the scan: `[4 D]`, starts at 1.
    Ds: Param<Tensor<1>>,
    in_proj: Linear,
    conv2d: Conv2d,
    out_norm: LayerNorm,
    out_proj: Linear,
}

/// `[B, C, H, W]` to `[B, H, W, C]`.
fn channels_last(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 2, 3, 1])
}

impl Scan {
    pub fn new(channels: usize, config: &MambaIrConfig, device: &Device) -> Self {
        let inner = (channels as f64 * config.expansion) as usize;
        let (rank, states) = (channels.div_ceil(16), config.states);
        Self {
            x_proj_weight: uniform([WAYS, rank + 2 * states, inner], 1.0 / (inner as f32).sqrt(), device),
            dt_projs_weight: uniform([WAYS, inner, rank], 1.0 / (rank as f32).sqrt(), device),
            dt_projs_bias: initial([WAYS, inner], device, |unit, _| {
                let [low, high] = STEPS.map(f32::ln);
                let step = (f32::midpoint(unit, 1.0) * (high - low) + low).exp();
                step + (-(-step).exp_m1()).ln() // so that its softplus is the step
            }),
            A_logs: initial([WAYS * inner, states], device, move |_, index| {
                ((index % states + 1) as f32).ln()
            }),
            Ds: constant([WAYS * inner], 1.0, device),
            in_proj: Linear::new(channels, 2 * inner, false, device),
            conv2d: depthwise(inner, true, device),
            out_norm: LayerNorm::new(inner, 1e-5, device),
            out_proj: Linear::new(inner, channels, false, device),
        }
    }

    /// `[B, H, W, C]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let halves = self.in_proj.forward(x).chunk(2, 3);
        let (x, gate) = (halves[0].clone(), halves[1].clone());
        let x = silu(self.conv2d.forward(x.permute([0, 3, 1, 2])));
        let scanned = self.out_norm.forward(channels_last(self.ways(x)));
        self.out_proj.forward(scanned * silu(gate))
    }

    /// The sum of the four scans, `[B, D, H, W]` to the same.
    fn ways(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, inner, height, width] = x.dims();
        let length = height * width;
        let rows = x.clone().reshape([batch, 1, inner, length]);
        let columns = x.swap_dims(2, 3).reshape([batch, 1, inner, length]);
        let there = Tensor::cat(vec![rows, columns], 1);
        let ways = Tensor::cat(vec![there.clone(), there.flip([3])], 1); // [B, 4, D, L]

        let scanned = self.scan(ways).reshape([batch, WAYS, inner, length]);
        let there = scanned.clone().narrow(1, 0, 2) + scanned.narrow(1, 2, 2).flip([3]);
        let rows = there.clone().narrow(1, 0, 1).reshape([batch, inner, height, width]);
        let columns = there.narrow(1, 1, 1).reshape([batch, inner, width, height]);
        rows + columns.swap_dims(2, 3)
    }

    /// Each way with its own weights: `[B, 4, D, L]` to `[B, 4 D, L]`.
    fn scan(&self, ways: Tensor<4>) -> Tensor<3> {
        let [batch, _, inner, length] = ways.dims();
        let weight = self.dt_projs_weight.val();
        let [_, _, rank] = weight.dims();
        let projected = self.x_proj_weight.val().unsqueeze::<4>().matmul(ways.clone());
        let states = (projected.dims()[2] - rank) / 2;
        let steps = weight.unsqueeze::<4>().matmul(projected.clone().narrow(2, 0, rank));
        let bias = self.dt_projs_bias.val().reshape([1, WAYS, inner, 1]);
        let delta = softplus(steps + bias, 1.0).reshape([batch, WAYS * inner, length]);
        let b = projected.clone().narrow(2, rank, states);
        let c = projected.narrow(2, rank + states, states);
        let u = ways.reshape([batch, WAYS * inner, length]);
        let past = self.Ds.val().reshape([1, WAYS * inner, 1]) * u.clone();
        selective_scan(u, delta, self.A_logs.val().exp().neg(), b, c) + past
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{NetworkSettings, Size};

    #[test]
    fn first_steps_and_decays_are_those_that_they_should_be() {
        let device = Device::flex();
        let scan = Scan::new(12, &MambaIrConfig::sized(Size::Tiny), &device);
        let steps = softplus(scan.dt_projs_bias.val(), 1.0);
        let (least, most): (f32, f32) = (steps.clone().min().into_scalar(), steps.max().into_scalar());
        assert!(
            (0.000_99..0.003).contains(&least) && (0.03..0.101).contains(&most),
            "{least} {most}"
        );
        let decays = scan.A_logs.val().exp().narrow(0, 5, 1);
        let decays = decays.into_data().try_to_vec::<f32>().unwrap();
        assert!((1..=16).zip(decays).all(|(n, decay)| (decay - n as f32).abs() < 1e-4));
    }
}

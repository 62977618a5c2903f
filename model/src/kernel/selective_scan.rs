//! The selective scan of state space models (Mamba): a linear recurrence whose coefficients depend on its input.
//!
//! For each channel, with a state h of N numbers that starts at 0:
//! `h_t = exp(δ_t A) ⊙ h_{t-1} + δ_t u_t B_t`, `y_t = C_t · h_t`.
//!
//! The steps of a channel follow each other, so channels are what runs in parallel; the N states of a channel are the
//! lanes of a register. The backward pass computes the states once more and then goes back through them.

use burn::tensor::{FloatDType, Shape, Tensor};

use crate::layer::{in_f32, is_half};

use super::{
    dispatch::{Simd, multiversion},
    gaussian::exp,
    operation::{Kernel, fits, run4},
    plain,
    sums::sum_parts,
    threads::Share,
};

/// δ is above 0 and A below.
///
/// # Shapes
/// - u and delta `[B, D, L]`, A `[D, N]`
/// - b and c `[B, G, N, L]`: channel d reads group `d / (D / G)`
/// - output `[B, D, L]`
pub fn selective_scan(u: Tensor<3>, delta: Tensor<3>, a: Tensor<2>, b: Tensor<4>, c: Tensor<4>) -> Tensor<3> {
    if is_half(&u) {
        let (delta, a) = (delta.cast(FloatDType::F32), a.cast(FloatDType::F32));
        let [b, c] = [b, c].map(|x| x.cast(FloatDType::F32));
        return in_f32(u, |u| selective_scan(u, delta, a, b, c));
    }
    if !fits(&u) {
        return plain::selective_scan(u, delta, a, b, c);
    }
    let [batch, channels, length] = u.dims();
    let [_, groups, states, _] = b.dims();
    assert_eq!(a.dims(), [channels, states], "selective_scan: A is [D, N]");
    assert!(
        channels.is_multiple_of(groups),
        "selective_scan: groups divide channels"
    );
    let kernel = SelectiveScan {
        batch,
        channels,
        groups,
        states,
        length,
    };
    // Step by step, B and C side by side.
    let steps = Tensor::cat(vec![b, c], 2)
        .swap_dims(2, 3)
        .reshape([batch, groups, length * 2 * states]);
    run4(kernel, u, delta, steps, a)
}

#[derive(Clone, Debug)]
struct SelectiveScan {
    batch: usize,
    channels: usize,
    groups: usize,
    states: usize,
    length: usize,
}

impl Kernel<4> for SelectiveScan {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.channels, self.length])
    }

    fn reads(&self, wanted: [bool; 4]) -> [bool; 4] {
        [wanted.contains(&true); 4]
    }

    fn forward(&self, [u, delta, steps, a]: [&[f32]; 4]) -> (Vec<f32>, ()) {
        let simd = Simd::current();
        let mut output = vec![0.0; u.len()];
        output.chunks_exact_mut(self.length).enumerate().share_with(
            || vec![0.0; self.states],
            |state, (row, output)| {
                let at = row * self.length..(row + 1) * self.length;
                state.fill(0.0);
                scan(
                    simd,
                    output,
                    state,
                    &u[at.clone()],
                    &delta[at],
                    self.steps_of(steps, row),
                    self.a_of(a, row),
                );
            },
        );
        (output, ())
    }

    fn backward(
        &self,
        [u, delta, steps, a]: [&[f32]; 4],
        (): (),
        gradient: &[f32],
        _: [bool; 4],
    ) -> [Option<Vec<f32>>; 4] {
        let simd = Simd::current();
        let in_group = self.channels / self.groups;
        let rows = in_group * self.length;
        let mut gradients = [vec![0.0; u.len()], vec![0.0; u.len()], vec![0.0; steps.len()]];
        let mut of_a = vec![0.0; self.batch * a.len()];
        let [of_u, of_delta, of_steps] = &mut gradients;
        let groups = of_u
            .chunks_exact_mut(rows)
            .zip(of_delta.chunks_exact_mut(rows))
            .zip(of_steps.chunks_exact_mut(self.step_numbers()))
            .zip(of_a.chunks_exact_mut(in_group * self.states));
        // One task a group, as its channels add to one gradient of B and C.
        groups
            .enumerate()
            .share(|(group, (((of_u, of_delta), of_steps), of_a))| {
                let mut history = vec![0.0; (self.length + 1) * self.states];
                let mut decays = vec![0.0; self.length * self.states];
                let mut flow = vec![0.0; self.states];
                for channel in 0..in_group {
                    let row = group * in_group + channel;
                    let at = row * self.length..(row + 1) * self.length;
                    let own = channel * self.length..(channel + 1) * self.length;
                    let (steps, a) = (self.steps_of(steps, row), self.a_of(a, row));
                    let (u, delta) = (&u[at.clone()], &delta[at.clone()]);
                    remember(simd, &mut history, &mut decays, u, delta, steps, a);
                    flow.fill(0.0);
                    go_back(
                        simd,
                        [&mut of_u[own.clone()], &mut of_delta[own]],
                        [of_steps, &mut of_a[channel * self.states..][..self.states]],
                        &mut flow,
                        [&history, &decays],
                        &gradient[at],
                        [u, delta],
                        [steps, a],
                    );
                }
            });
        let [of_u, of_delta, of_steps] = gradients.map(Some);
        [of_u, of_delta, of_steps, Some(sum_parts(&of_a, a.len()))]
    }
}

impl SelectiveScan {
    /// Of B and C, in one group of one picture.
    fn step_numbers(&self) -> usize {
        self.length * 2 * self.states
    }

    /// B and C, step by step, of a row of all pictures' channels.
    fn steps_of<'a>(&self, steps: &'a [f32], row: usize) -> &'a [f32] {
        let group = row / (self.channels / self.groups);
        &steps[group * self.step_numbers()..][..self.step_numbers()]
    }

    fn a_of<'a>(&self, a: &'a [f32], row: usize) -> &'a [f32] {
        &a[row % self.channels * self.states..][..self.states]
    }
}

multiversion! {
    fn scan<A, L>(output: &mut [f32], state: &mut [f32], u: &[f32], delta: &[f32], steps: &[f32], a: &[f32]) {
        let states = state.len();
        for t in 0..u.len() {
            let (b, c) = steps[t * 2 * states..][..2 * states].split_at(states);
            let (delta, input) = (delta[t], delta[t] * u[t]);
            let mut sum = 0.0;
            for n in 0..states {
                let decay = exp::<A>((delta * a[n]).max(-87.0));
                state[n] = A::mul_add(decay, state[n], input * b[n]);
                sum = A::mul_add(c[n], state[n], sum);
            }
            output[t] = sum;
        }
    }
}

multiversion! {
    /// All states, the first before the first step, and by what each step multiplied them.
    fn remember<A, L>(history: &mut [f32], decays: &mut [f32], u: &[f32], delta: &[f32], steps: &[f32], a: &[f32]) {
        let states = a.len();
        history[..states].fill(0.0);
        for t in 0..u.len() {
            let (before, after) = history[t * states..].split_at_mut(states);
            let b = &steps[t * 2 * states..][..states];
            let decays = &mut decays[t * states..][..states];
            let input = delta[t] * u[t];
            for n in 0..states {
                decays[n] = exp::<A>((delta[t] * a[n]).max(-87.0));
                after[n] = A::mul_add(decays[n], before[n], input * b[n]);
            }
        }
    }
}

multiversion! {
    /// From the last step to the first: `flow` is the gradient of the state. Adds to the gradients of B, C and A.
    fn go_back<A, L>(
        of_inputs: [&mut [f32]; 2],
        of_coefficients: [&mut [f32]; 2],
        flow: &mut [f32],
        remembered: [&[f32]; 2],
        gradient: &[f32],
        inputs: [&[f32]; 2],
        coefficients: [&[f32]; 2],
    ) {
        let ([of_u, of_delta], [of_steps, of_a]) = (of_inputs, of_coefficients);
        let ([history, decays], [u, delta], [steps, a]) = (remembered, inputs, coefficients);
        let states = a.len();
        for t in (0..u.len()).rev() {
            let (before, after) = history[t * states..][..2 * states].split_at(states);
            let decays = &decays[t * states..][..states];
            let (b, c) = steps[t * 2 * states..][..2 * states].split_at(states);
            let (of_b, of_c) = of_steps[t * 2 * states..][..2 * states].split_at_mut(states);
            let (mut by_b, mut by_decay) = (0.0, 0.0);
            for n in 0..states {
                let flowing = A::mul_add(gradient[t], c[n], flow[n]);
                of_c[n] = A::mul_add(gradient[t], after[n], of_c[n]);
                of_b[n] = A::mul_add(flowing, delta[t] * u[t], of_b[n]);
                let kept = flowing * decays[n] * before[n];
                of_a[n] = A::mul_add(kept, delta[t], of_a[n]);
                by_decay = A::mul_add(kept, a[n], by_decay);
                by_b = A::mul_add(flowing, b[n], by_b);
                flow[n] = flowing * decays[n];
            }
            of_u[t] = by_b * delta[t];
            of_delta[t] = A::mul_add(by_b, u[t], by_decay);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::activation::softplus;
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<3>, Tensor<3>, Tensor<2>, Tensor<4>, Tensor<4>) -> Tensor<3>;

    /// Sizes are batch, groups, channels of a group, states and steps.
    fn shaped([batch, g, d, n, l]: [usize; 5], operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let leaf = |index: usize| leaves[index].clone();
            let y = operation(
                leaf(0).reshape([batch, g * d, l]),
                softplus(leaf(1), 1.0).reshape([batch, g * d, l]),
                softplus(leaf(2), 1.0).neg().reshape([g * d, n]),
                leaf(3).reshape([batch, g, n, l]),
                leaf(4).reshape([batch, g, n, l]),
            );
            y.unsqueeze()
        }
    }

    fn lengths([batch, g, d, n, l]: [usize; 5]) -> [usize; 5] {
        let (rows, steps) = (batch * g * d * l, batch * g * n * l);
        [rows, rows, g * d * n, steps, steps]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn equals_plain(batch in 1_usize..3, g in 1_usize..4, d in 1_usize..4, n in 1_usize..20, l in 1_usize..20, seed: u64) {
            let size = [batch, g, d, n, l];
            let (own, plain) = (shaped(size, selective_scan), shaped(size, plain::selective_scan));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 4, 3, 16, 50];
        assert_independent_of_threads(&lengths(size), &shaped(size, selective_scan));
    }
}

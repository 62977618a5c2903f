//! CLIP's network for texts and for learned prompts.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Clip;

impl Clip {
    pub(super) fn text_features(&self, ids: Tensor<2, Int>) -> Tensor<2> {
        let [texts, length] = ids.dims();
        let ends = ids.clone().argmax(1).reshape([texts]);
        let table = self.token_embedding.weight.val();
        let width = table.dims()[1];
        let tokens = table
            .select(0, ids.reshape([texts * length]))
            .reshape([texts, length, width]);
        self.features_at(tokens, ends)
    }

    pub(super) fn prompt_features(&self, context: Tensor<3>) -> Tensor<2> {
        let [prompts, length, width] = context.dims();
        let table = self.token_embedding.weight.val();
        // The last two of the vocabulary are the start and the end token.
        let vocabulary = table.dims()[0];
        let fixed = |id: usize| {
            let token = table.clone().narrow(0, id, 1);
            token.unsqueeze::<3>().expand([prompts, 1, width])
        };
        let tokens = Tensor::cat(vec![fixed(vocabulary - 2), context, fixed(vocabulary - 1)], 1);
        let ends = Tensor::<1, Int>::full([prompts], length as i64 + 1, &tokens.device());
        self.features_at(tokens, ends)
    }

    /// Tokens `[P, T, width]` through the network; the feature of each row at its end `[P]`.
    fn features_at(&self, tokens: Tensor<3>, ends: Tensor<1, Int>) -> Tensor<2> {
        let [texts, length, width] = tokens.dims();
        let device = tokens.device();
        let positions = self.positional_embedding.val();
        let context = positions.dims()[0];
        assert!(
            length <= context,
            "{length} tokens do not fit into a context of {context}"
        );
        let tokens = tokens + positions.narrow(0, 0, length).unsqueeze();
        let tokens = self.transformer.forward(tokens, Some(&causal(length, &device)));
        let rows = Tensor::<1, Int>::arange(0..texts as i64, &device).mul_scalar(length as i64) + ends;
        let features = tokens.reshape([texts * length, width]).select(0, rows);
        self.ln_final.forward(features).matmul(self.text_projection.val())
    }
}

/// 0 where a token may look (itself and before), minus infinity behind it.
fn causal(length: usize, device: &Device) -> Tensor<2> {
    let open = |at: usize| at % length <= at / length;
    let mask = (0..length * length).map(|at| if open(at) { 0.0 } else { f32::NEG_INFINITY });
    Tensor::from_data(TensorData::new(mask.collect::<Vec<f32>>(), [length, length]), device)
}

//! CLIP's network for texts and for learned prompts.

use burn::tensor::{Int, Tensor, TensorData};

use super::Clip;

impl Clip {
    pub(super) fn text_features(&self, ids: Tensor<2, Int>) -> Tensor<2> {
        let [texts, length] = ids.dims();
        let ends = ids
            .clone()
            .argmax(1)
            .into_data()
            .iter::<i64>()
            .map(|end| end as usize)
            .collect();
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
        self.features_at(tokens, vec![length + 1; prompts])
    }

    /// Tokens `[P, T, width]` through the network; the feature of each row at its end.
    fn features_at(&self, tokens: Tensor<3>, ends: Vec<usize>) -> Tensor<2> {
        let [texts, length, width] = tokens.dims();
        let device = tokens.device();
        let positions = self.positional_embedding.val();
        let context = positions.dims()[0];
        assert!(
            length <= context,
            "{length} tokens do not fit into a context of {context}"
        );
        let tokens = tokens + positions.narrow(0, 0, length).unsqueeze();
        let tokens = self.transformer.forward(tokens, true);
        let rows: Vec<i64> = ends
            .iter()
            .enumerate()
            .map(|(text, end)| (text * length + end) as i64)
            .collect();
        let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [texts]), &device);
        let features = tokens.reshape([texts * length, width]).select(0, rows);
        self.ln_final.forward(features).matmul(self.text_projection.val())
    }
}

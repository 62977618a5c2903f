//! What the PGMs of each level are told: the degradation representation Z and that level's DINOv2 token, side by side.

use burn::tensor::Tensor;

use super::Cfe;
use crate::network::Guidance;

/// Z and the conditions c_l = `[Z; F_l]` of levels 1 to 4; what a network does not have is left out.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// `[B, z_dim]`
    pub z: Option<Tensor<2>>,
    /// Each `[B, condition_dim]`.
    pub levels: [Option<Tensor<2>>; 4],
}

impl Conditions {
    /// `z` replaces what the CFE would compute; `feats` are ignored where the network is not guided.
    ///
    /// # Panics
    /// Where the network is guided and no tokens are given.
    pub fn new(
        image: &Tensor<4>,
        cfe: Option<&Cfe>,
        guided: bool,
        feats: Option<Guidance>,
        z: Option<Tensor<2>>,
    ) -> Self {
        assert!(
            feats.is_some() || !guided,
            "this Perceive-IR is guided: it needs DINOv2 tokens"
        );
        let z = cfe.map(|cfe| z.unwrap_or_else(|| cfe.forward(image.clone())));
        let tokens = feats
            .filter(|_| guided)
            .map_or([const { None }; 4], |feats| feats.map(Some));
        let levels = tokens.map(|token| {
            let parts: Vec<_> = z.clone().into_iter().chain(token).collect();
            (!parts.is_empty()).then(|| Tensor::cat(parts, 1))
        });
        Self { z, levels }
    }
}

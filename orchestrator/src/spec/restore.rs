//! Settings of the restore stage: the network, which of its parts are on, and the loss of eq. 13.

use perceive_model::network::NetworkConfig;
use serde::{Deserialize, Serialize};

use super::{
    size::Size,
    training::{Precision, Training},
    unknown,
};

/// The restore stage: the network, which of its parts are on, and its loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Restore {
    /// `perceive-ir`, or a plain backbone to compare with.
    pub network: String,
    /// How large it is.
    pub size: Size,
    /// Imported weights that it starts from, or a run or an experiment whose restorer it starts from: its own kind's, or
    /// for `perceive-ir` and `perceive-ir-nafnet` their backbone's; empty: drawn ones. The backbone's sizes are then those
    /// of the weights, and with 0 steps it is measured as it is.
    pub start_from: String,
    /// Compact feature extraction: the degradation's code Z (Fig. 3b).
    pub cfe: bool,
    /// DINOv2's features in the prompt guidance (Fig. 3c).
    pub guidance: bool,
    /// The prompt guidance module: Y = gamma X + beta (eq. 6). Without it, Z and DINOv2's features are only added.
    pub pgm: bool,
    /// Attention with q from Y: `single` (the figure), `eq8` (literally, with a second attention) or `off`.
    pub pgca: String,
    /// One PGM inside each ETB (`block`), or one a level (`level`, as Fig. 3 draws it).
    pub pgm_scope: String,
    /// Width between a PGM's linear map and its convolution; 0: the level's channels.
    pub pgm_hidden: usize,
    /// Size of a PGM's convolution, 1 or 3.
    pub pgm_kernel: usize,
    /// For `instructir` without `start_from`: imported sentence embeddings, by their name; empty: seeded stand-ins. With
    /// `start_from` it follows the instructions of those weights.
    pub instructions: String,
    /// The weights of the loss.
    pub loss: Loss,
    /// How the network is trained.
    pub training: Training,
}

/// Whose patches are the negatives of eq. 12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContrastiveNegatives {
    /// Those with another degradation, as the paper says. A training of one kind has none: the term is 0.
    Degradations,
    /// Those of any other picture.
    Pictures,
    /// A queue of what a moving average of AirNet's encoder said of earlier batches (MoCo), as AirNet was published: of
    /// whole batches in f32 on one device.
    Queue,
}

/// Eq. 13: `L1 + contrastive * L_cl + clip_aware * L_clip + perceptual * L_dpl`. A weight of 0 switches a term off,
/// and with it the stages that only it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Loss {
    /// lambda 1, of eq. 12.
    pub contrastive: f64,
    /// tau of eq. 12.
    pub contrastive_temperature: f64,
    /// Those with another degradation, of any other picture, or AirNet's queue.
    pub contrastive_negatives: ContrastiveNegatives,
    /// lambda 2, of eq. 9.
    pub clip_aware: f64,
    /// lambda 3, of eqs. 10 and 11.
    pub perceptual: f64,
    /// gamma of eq. 10.
    pub difficulty: f64,
    /// Divide the weights of eq. 11 by their sum, as C2PNet does.
    pub normalised_weights: bool,
    /// Steps between two measurements of the network's average PSNR (eq. 10's epoch); 0: as many as the training pairs fill.
    pub epoch: u64,
    /// Training crops that the average PSNR is measured on.
    pub slice: usize,
}

impl Default for Loss {
    fn default() -> Self {
        Self {
            contrastive: 0.1,
            contrastive_temperature: 0.07,
            contrastive_negatives: ContrastiveNegatives::Degradations,
            clip_aware: 0.05,
            perceptual: 0.1,
            difficulty: 0.25,
            normalised_weights: false,
            epoch: 0,
            slice: 32,
        }
    }
}

impl Default for Restore {
    fn default() -> Self {
        Self {
            network: "perceive-ir".into(),
            size: Size::Paper,
            start_from: String::new(),
            cfe: true,
            guidance: true,
            pgm: true,
            pgca: "single".into(),
            pgm_scope: "block".into(),
            pgm_hidden: 0,
            pgm_kernel: 1,
            instructions: String::new(),
            loss: Loss::default(),
            training: Training::default(),
        }
    }
}

impl Loss {
    /// Whether eq. 12's negatives are a queue.
    pub fn learns_by_queue(&self) -> bool {
        self.contrastive > 0.0 && self.contrastive_negatives == ContrastiveNegatives::Queue
    }

    /// These settings with the defaults where a term is off that alone looks at them: equal ones train equally.
    pub fn effective(&self) -> Self {
        let default = Self::default();
        let mut loss = self.clone();
        if loss.contrastive == 0.0 {
            loss.contrastive_temperature = default.contrastive_temperature;
            loss.contrastive_negatives = default.contrastive_negatives;
        }
        if loss.perceptual == 0.0 {
            loss.difficulty = default.difficulty;
            loss.normalised_weights = default.normalised_weights;
            loss.epoch = default.epoch;
            loss.slice = default.slice;
        }
        loss
    }
}

impl Restore {
    /// What is impossible in these settings: (key, what is wrong).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let unknown = unknown("network", &self.network, NetworkConfig::NAMES.iter().copied());
        let known = unknown.is_none();
        wrong.extend(unknown.map(|what| ("network".into(), what)));
        for (key, weight) in [
            ("loss.contrastive", self.loss.contrastive),
            ("loss.clip_aware", self.loss.clip_aware),
            ("loss.perceptual", self.loss.perceptual),
        ] {
            if !(weight.is_finite() && weight >= 0.0) {
                wrong.push((
                    key.into(),
                    format!("a loss weight of {weight} is impossible; 0 switches the term off"),
                ));
            }
        }
        if self.loss.contrastive_temperature <= 0.0 {
            wrong.push(("loss.contrastive_temperature".into(), "must be above 0".into()));
        }
        if !(0.0..1.0).contains(&self.loss.difficulty) {
            wrong.push(("loss.difficulty".into(), "must lie between 0 and 1".into()));
        }
        if self.loss.slice == 0 && self.loss.perceptual > 0.0 {
            wrong.push(("loss.slice".into(), "the average PSNR needs at least one crop".into()));
        }
        if !["single", "eq8", "off"].contains(&self.pgca.as_str()) {
            wrong.push((
                "pgca".into(),
                format!("{:?} is unknown; single, eq8 and off are possible", self.pgca),
            ));
        }
        if !["block", "level"].contains(&self.pgm_scope.as_str()) {
            wrong.push((
                "pgm_scope".into(),
                format!("{:?} is unknown; block and level are possible", self.pgm_scope),
            ));
        }
        wrong.extend(self.training.check_started(!self.start_from.is_empty()));
        let teachable = match self.network.as_str() {
            "perceive-ir" | "perceive-ir-nafnet" => self.cfe,
            network => network == "airnet",
        };
        if self.loss.contrastive > 0.0 && known && !teachable {
            wrong.push((
                "loss.contrastive".into(),
                "the contrastive loss teaches the CFE: set it to 0, or use network = \"perceive-ir\" with cfe = true"
                    .into(),
            ));
        }
        if !self.instructions.is_empty() && known && self.network != "instructir" {
            wrong.push((
                "instructions".into(),
                format!(
                    "{} follows no instructions: only network = \"instructir\" does",
                    self.network
                ),
            ));
        }
        if !self.instructions.is_empty() && !self.start_from.is_empty() {
            wrong.push((
                "instructions".into(),
                "start_from brings its own sentences along: leave one of the two out".into(),
            ));
        }
        let queue = self.loss.learns_by_queue();
        if queue && known && self.network != "airnet" {
            wrong.push((
                "loss.contrastive_negatives".into(),
                "only network = \"airnet\" learns by a queue; \"degradations\" and \"pictures\" are for every other"
                    .into(),
            ));
        }
        if queue && (self.training.accumulate > 1 || self.training.precision != Precision::F32) {
            wrong.push((
                "loss.contrastive_negatives".into(),
                "a queue takes each batch whole and in f32: set training.accumulate to 1 and training.precision to \"f32\""
                    .into(),
            ));
        }
        wrong
    }
}

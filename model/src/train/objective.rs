//! Eq. 13: `L1 + λ1·contrastive + λ2·CLIP-aware + λ3·difficulty-adaptive perceptual`, each term with its frozen tower.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::{
    loss::{
        clip_aware, contrastive,
        difficulty_adaptive::{BatchDistances, Features, Weighting, perceptual},
        l1,
    },
    tower::{
        Clip, Vgg16,
        input::{clip_input, vgg_input},
    },
};

/// The terms beside L1 that are switched on.
#[derive(Clone, Debug, Default)]
pub struct Objective {
    pub contrastive: Option<Contrastive>,
    pub clip_aware: Option<ClipAware>,
    pub perceptual: Option<Perceptual>,
}

/// λ1 and τ of eq. 12.
#[derive(Clone, Copy, Debug)]
pub struct Contrastive {
    pub weight: f64,
    pub temperature: f64,
}

impl Contrastive {
    /// Z and Z⁺ are the CFE's codes of two crops of each picture, `[B, z]`.
    pub fn loss(&self, z: Tensor<2>, positive: Tensor<2>, kinds: &[usize]) -> Tensor<1> {
        contrastive::in_batch(z, positive, kinds, self.temperature)
    }
}

/// λ2 of eq. 9, the perceiver's eye and its learned prompts.
#[derive(Clone, Debug)]
pub struct ClipAware {
    pub weight: f64,
    pub clip: Clip,
    /// Text features of the prompts, best quality first, `[P, features]`.
    pub text: Tensor<2>,
    pub scale: f64,
}

impl ClipAware {
    /// `1 - p(excellent)` of restored pictures `[B, 3, H, W]`.
    pub fn loss(&self, restored: Tensor<4>) -> Tensor<1> {
        let image = self.clip.encode_image(clip_input(restored, self.clip.resolution()));
        clip_aware(image, self.text.clone(), 0, self.scale)
    }
}

/// λ3 of eqs. 10 and 11, VGG-16 and what the proxies reached.
#[derive(Clone, Debug)]
pub struct Perceptual {
    pub weight: f64,
    tower: Vgg16,
    /// The tower once more for pictures that no gradient goes to.
    fixed: Vgg16,
    /// Each proxy's average PSNR in dB, in the order of a batch's negatives.
    pub proxies: Vec<f64>,
    /// γ of eq. 10.
    pub difficulty: f64,
    /// Divide the weights by their sum.
    pub normalised: bool,
}

/// "3, 7, 11, 15" of eq. 11: relu1_2, conv2_2 before its ReLU, relu3_1, relu3_3 of torchvision's `features`.
const LAYERS: [usize; 4] = [3, 7, 11, 15];

/// What eq. 11 compares, `[B, 3, H, W]` each; `average_psnr` is the network's own, measured at the epoch's start.
pub struct Compared {
    pub restored: Tensor<4>,
    pub clean: Tensor<4>,
    pub degraded: Tensor<4>,
    pub negatives: Vec<Tensor<4>>,
    pub average_psnr: f64,
}

impl Perceptual {
    pub fn new(weight: f64, tower: Vgg16, proxies: Vec<f64>, difficulty: f64, normalised: bool) -> Self {
        let tower = tower.frozen();
        Self {
            weight,
            fixed: tower.valid(),
            tower,
            proxies,
            difficulty,
            normalised,
        }
    }

    /// Eq. 11 of a whole batch.
    pub fn loss(&self, compared: Compared) -> Tensor<1> {
        let seen = self.see(compared, true);
        perceptual(
            &seen.restored,
            &seen.clean,
            &seen.degraded,
            &seen.negatives,
            &seen.weighting,
        )
    }

    /// Adds the distances of a part of a batch, `share` of it, to those of the batch. No gradient.
    pub fn measure(&self, compared: Compared, share: f64, batch: &mut BatchDistances) {
        let seen = self.see(compared, false);
        batch.add(
            share,
            &seen.restored,
            &seen.clean,
            &seen.degraded,
            &seen.negatives,
            &seen.weighting,
        );
    }

    /// What has a part's gradient of the whole batch's eq. 11.
    pub fn part(&self, compared: Compared, batch: &BatchDistances) -> Tensor<1> {
        let seen = self.see(compared, true);
        batch.part(
            &seen.restored,
            &seen.clean,
            &seen.degraded,
            &seen.negatives,
            &seen.weighting,
        )
    }

    /// The tower's features; only those of the restored picture may need a gradient.
    fn see(&self, compared: Compared, gradient: bool) -> Seen {
        let fixed = |picture: Tensor<4>| {
            let seen = features(&self.fixed, picture.inner());
            if gradient { seen.map(Tensor::autodiff) } else { seen }
        };
        Seen {
            weighting: self.weighting(compared.average_psnr),
            negatives: compared.negatives.into_iter().map(fixed).collect(),
            restored: if gradient {
                features(&self.tower, compared.restored)
            } else {
                fixed(compared.restored)
            },
            clean: fixed(compared.clean),
            degraded: fixed(compared.degraded),
        }
    }

    fn weighting(&self, average_psnr: f64) -> Weighting {
        let weighting = Weighting::adaptive(average_psnr, &self.proxies, self.difficulty);
        if self.normalised {
            weighting.normalised()
        } else {
            weighting
        }
    }
}

/// What the tower sees in what is compared.
struct Seen {
    restored: Features,
    clean: Features,
    degraded: Features,
    negatives: Vec<Features>,
    weighting: Weighting,
}

fn features(tower: &Vgg16, picture: Tensor<4>) -> Features {
    let mut found = tower.features(vgg_input(picture), &LAYERS).into_iter();
    std::array::from_fn(|_| {
        found
            .next()
            .unwrap_or_else(|| unreachable!("four layers give four features"))
    })
}

impl Objective {
    /// What a term of this name is multiplied by in the sum.
    pub fn weight(&self, term: &str) -> f64 {
        let weight = match term {
            "contrastive" => self.contrastive.map(|term| term.weight),
            "clip_aware" => self.clip_aware.as_ref().map(|term| term.weight),
            "perceptual" => self.perceptual.as_ref().map(|term| term.weight),
            _ => None,
        };
        weight.unwrap_or(1.0)
    }

    /// The same on another device.
    #[must_use]
    pub fn to_device(&self, device: &Device) -> Self {
        let tower = |tower: &Vgg16| tower.clone().fork(device);
        Self {
            contrastive: self.contrastive,
            clip_aware: self.clip_aware.as_ref().map(|term| ClipAware {
                clip: term.clip.clone().fork(device),
                text: term.text.clone().to_device(device),
                ..*term
            }),
            perceptual: self.perceptual.as_ref().map(|term| Perceptual {
                tower: tower(&term.tower),
                fixed: tower(&term.fixed),
                ..term.clone()
            }),
        }
    }
}

/// The loss and its terms by name, for the record. L1 is always on.
pub struct Terms {
    pub total: Tensor<1>,
    pub parts: Vec<Part>,
}

/// One term of the sum.
pub struct Part {
    pub name: &'static str,
    pub weight: f64,
    /// Before it is weighted.
    pub loss: Tensor<1>,
}

impl Terms {
    /// Begins with L1 (the first term of eq. 13).
    pub fn l1(restored: Tensor<4>, clean: Tensor<4>) -> Self {
        let loss = l1(restored, clean);
        Self {
            total: loss.clone(),
            parts: vec![Part {
                name: "l1",
                weight: 1.0,
                loss,
            }],
        }
    }

    pub fn add(&mut self, name: &'static str, weight: f64, loss: Tensor<1>) {
        self.total = self.total.clone() + loss.clone() * weight;
        self.parts.push(Part { name, weight, loss });
    }
}

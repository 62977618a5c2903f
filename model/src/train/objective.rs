//! Eq. 13: `L1 + λ1·contrastive + λ2·CLIP-aware + λ3·difficulty-adaptive perceptual`, each term with its frozen tower.

use burn::{module::Module, tensor::Tensor};

use crate::{
    loss::{
        clip_aware, contrastive,
        difficulty_adaptive::{Features, Weighting, perceptual},
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

    /// All pictures `[B, 3, H, W]`; `average_psnr` is the network's own, measured at the epoch's start.
    pub fn loss(
        &self,
        restored: Tensor<4>,
        clean: Tensor<4>,
        degraded: Tensor<4>,
        negatives: Vec<Tensor<4>>,
        average_psnr: f64,
    ) -> Tensor<1> {
        let weighting = Weighting::adaptive(average_psnr, &self.proxies, self.difficulty);
        let weighting = if self.normalised {
            weighting.normalised()
        } else {
            weighting
        };
        let fixed = |picture: Tensor<4>| features(&self.fixed, picture.inner()).map(Tensor::autodiff);
        let negatives: Vec<Features> = negatives.into_iter().map(fixed).collect();
        perceptual(
            &features(&self.tower, restored),
            &fixed(clean),
            &fixed(degraded),
            &negatives,
            &weighting,
        )
    }
}

fn features(tower: &Vgg16, picture: Tensor<4>) -> Features {
    let mut found = tower.features(vgg_input(picture), &LAYERS).into_iter();
    std::array::from_fn(|_| {
        found
            .next()
            .unwrap_or_else(|| unreachable!("four layers give four features"))
    })
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

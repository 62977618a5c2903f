//! LPIPS, learned perceptual image patch similarity (Zhang et al., CVPR 2018), version 0.1: how far apart two pictures
//! are in the features of a frozen network, each channel weighed as people's judgements taught.
//!
//! The protocol is that of the authors' `lpips` package: pictures in \[-1, 1\] and the features after five ReLUs, each
//! pixel's of length 1; their squared differences, weighed, averaged over the picture and summed over the five. It needs
//! two files: torchvision's weights of the network, and the package's weights of the channels.

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};

use super::{Better, Measure, Metric, MetricError, Planes};
use crate::{
    layer::{Conv2d, Gap},
    tower::{AlexNet, Vgg16},
    weights::{Checkpoint, WeightsError, load},
};

/// With AlexNet, the package's own choice for comparing pictures.
pub const ALEX: Metric = Metric {
    name: "lpips_alex",
    label: "LPIPS",
    unit: "",
    better: Better::Lower,
    how: Measure::Learned(Backbone::Alex),
};

/// With VGG-16.
pub const VGG: Metric = Metric {
    name: "lpips_vgg",
    label: "LPIPS (VGG)",
    how: Measure::Learned(Backbone::Vgg),
    ..ALEX
};

/// What the pictures are seen through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backbone {
    Alex,
    Vgg,
}

impl Backbone {
    /// Of the features after each of the five ReLUs.
    fn channels(self) -> [usize; 5] {
        match self {
            Self::Alex => [64, 192, 384, 256, 256],
            Self::Vgg => [64, 128, 256, 512, 512],
        }
    }

    /// Behind which of torchvision's layers the five parts end; the last layer of each is a ReLU.
    fn ends(self) -> [usize; 5] {
        match self {
            Self::Alex => [2, 5, 8, 10, 12],
            Self::Vgg => [4, 9, 16, 23, 30],
        }
    }

    /// The smallest width and height that leave a pixel for the last part.
    fn smallest(self) -> usize {
        match self {
            Self::Alex => 31,
            Self::Vgg => 16,
        }
    }
}

/// A frozen network.
#[derive(Clone, Debug)]
enum Tower {
    Alex(AlexNet),
    Vgg(Vgg16),
}

/// How much each channel of the five features counts: the learned part, `lin0.model.1.weight` to `lin4.model.1.weight`.
#[derive(Module, Debug)]
pub struct ChannelWeights {
    lin0: Layer,
    lin1: Layer,
    lin2: Layer,
    lin3: Layer,
    lin4: Layer,
}

/// The package's dropout, then a 1x1 convolution to one channel, without a bias.
#[derive(Module, Debug)]
struct Layer {
    model: (Gap, Conv2d),
}

impl ChannelWeights {
    pub fn new(backbone: Backbone, device: &Device) -> Self {
        let layer = |channels| Layer {
            model: (Gap, Conv2d::new(channels, 1, 1, 1, 0, 1, false, device)),
        };
        let [lin0, lin1, lin2, lin3, lin4] = backbone.channels().map(layer);
        Self {
            lin0,
            lin1,
            lin2,
            lin3,
            lin4,
        }
    }

    /// The package's `alex.pth` or `vgg.pth`, which an error calls `origin`.
    pub fn from_checkpoint(
        backbone: Backbone,
        checkpoint: &Checkpoint,
        origin: &str,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        load(Self::new(backbone, device), checkpoint, origin)
    }

    fn layers(&self) -> [&Conv2d; 5] {
        let layers = [&self.lin0, &self.lin1, &self.lin2, &self.lin3, &self.lin4];
        layers.map(|layer| &layer.model.1)
    }
}

/// The whole metric, with its weights.
#[derive(Clone, Debug)]
pub struct Lpips {
    backbone: Backbone,
    tower: Tower,
    weights: ChannelWeights,
}

impl Lpips {
    pub fn alex(tower: AlexNet, weights: ChannelWeights) -> Self {
        Self {
            backbone: Backbone::Alex,
            tower: Tower::Alex(tower.frozen()),
            weights: weights.no_grad(),
        }
    }

    pub fn vgg(tower: Vgg16, weights: ChannelWeights) -> Self {
        Self {
            backbone: Backbone::Vgg,
            tower: Tower::Vgg(tower.frozen()),
            weights: weights.no_grad(),
        }
    }

    /// The distance in each of the five features, from the shallowest; LPIPS is their sum. Gradients flow to the pictures.
    ///
    /// # Shapes
    /// - x, y `[B, 3, H, W]` in \[-1, 1\]
    /// - each `[B]`
    pub fn distances(&self, x: Tensor<4>, y: Tensor<4>) -> [Tensor<1>; 5] {
        let (mut x, mut y) = (normalised(x), normalised(y));
        let ends = self.backbone.ends();
        let layers = self.weights.layers();
        std::array::from_fn(|part| {
            let begin = if part == 0 { 0 } else { ends[part - 1] };
            x = self.through(x.clone(), begin..ends[part]);
            y = self.through(y.clone(), begin..ends[part]);
            let difference = of_length_one(x.clone()) - of_length_one(y.clone());
            let weighed = layers[part].forward(difference.powi_scalar(2));
            let batch = weighed.dims()[0] as i32;
            weighed.reshape([batch, -1]).mean_dim(1).squeeze_dim(1)
        })
    }

    /// LPIPS of RGB in \[0, 1\], 0 for equal pictures; nothing is rounded, cut or clamped.
    pub fn measure(&self, restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
        restored.of_one_size(clean)?;
        restored.at_least(self.backbone.smallest(), "LPIPS")?;
        let device = self.weights.lin0.model.1.weight.device();
        let tensor = |picture: &Planes| {
            let size = [1, 3, picture.height(), picture.width()];
            let pixels = TensorData::new(picture.values().to_vec(), size);
            Tensor::<4>::from_data(pixels, &device) * 2.0 - 1.0
        };
        let distances = self.distances(tensor(restored), tensor(clean));
        let distances = distances.map(|distance| f64::from(distance.into_scalar::<f32>()));
        Ok(distances.iter().sum())
    }

    fn through(&self, x: Tensor<4>, layers: std::ops::Range<usize>) -> Tensor<4> {
        match &self.tower {
            Tower::Alex(tower) => tower.through(x, layers),
            Tower::Vgg(tower) => tower.through(x, layers),
        }
    }
}

/// The package's `ScalingLayer`: ImageNet's mean and deviation in the range -1 to 1.
fn normalised(image: Tensor<4>) -> Tensor<4> {
    let device = image.device();
    let channels = |values: [f32; 3]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device);
    (image - channels([-0.030, -0.088, -0.188])) / channels([0.458, 0.448, 0.450])
}

/// Each pixel's features divided by their length.
fn of_length_one(features: Tensor<4>) -> Tensor<4> {
    let length = features.clone().powi_scalar(2).sum_dim(1).sqrt();
    features / (length + 1e-10)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::waves, *};
    use crate::weights::{recipe, shapes};

    fn seeded(backbone: Backbone) -> Lpips {
        let device = Device::flex();
        let weights = ChannelWeights::new(backbone, &device);
        let mut positive = recipe(&shapes(&weights));
        for array in positive.tensors.values_mut() {
            array.data.iter_mut().for_each(|weight| *weight = weight.abs());
        }
        let weights = load(weights, &positive, "recipe").unwrap();
        match backbone {
            Backbone::Alex => Lpips::alex(AlexNet::new(&device), weights),
            Backbone::Vgg => Lpips::vgg(Vgg16::new(&crate::tower::Vgg16Config::default(), &device), weights),
        }
    }

    #[test]
    fn equal_pictures_have_no_distance_and_more_difference_is_further() {
        let (height, width) = (40, 36);
        let lpips = seeded(Backbone::Alex);
        let clean = waves(height, width, 0.0);
        assert_eq!(lpips.measure(&clean, &clean), Ok(0.0));
        let [near, far] = [0.1, 0.6].map(|phase| lpips.measure(&waves(height, width, phase), &clean).unwrap());
        assert!(0.0 < near && near < far, "{near} {far}");
    }

    #[test]
    fn the_smallest_pictures_are_measured_and_smaller_ones_refused() {
        for backbone in [Backbone::Alex, Backbone::Vgg] {
            let (lpips, side) = (seeded(backbone), backbone.smallest());
            let (a, b) = (waves(side, side, 0.0), waves(side, side, 0.4));
            assert!(lpips.measure(&a, &b).unwrap() > 0.0, "{backbone:?}");
            let small = waves(side - 1, side, 0.0);
            assert!(matches!(
                lpips.measure(&small, &small),
                Err(MetricError::TooSmall { .. })
            ));
        }
    }
}

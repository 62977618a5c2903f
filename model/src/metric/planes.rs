//! Pictures as metrics take them.

use super::MetricError;

/// A picture as three planes (red, green, blue), row after row, values 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    values: Vec<f32>,
    height: usize,
    width: usize,
}

impl Planes {
    /// Of `[3, height, width]` values.
    pub fn new(values: Vec<f32>, height: usize, width: usize) -> Result<Self, MetricError> {
        if values.len() == 3 * height * width {
            Ok(Self { values, height, width })
        } else {
            Err(MetricError::Length {
                length: values.len(),
                height,
                width,
            })
        }
    }

    /// Of 8-bit pixels, `[height, width, 3]`.
    pub fn from_rgb8(pixels: &[u8], height: usize, width: usize) -> Result<Self, MetricError> {
        let plane = |channel: usize| {
            pixels
                .iter()
                .skip(channel)
                .step_by(3)
                .map(|&level| f32::from(level) / 255.0)
        };
        Self::new((0..3).flat_map(plane).collect(), height, width)
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// `[3, height, width]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Without `border` pixels at each side, as BasicSR's `crop_border` cuts both pictures before it compares them.
    pub fn without_border(&self, border: usize) -> Result<Self, MetricError> {
        let (height, width) = (self.height, self.width);
        if 2 * border >= height.min(width) {
            return Err(MetricError::Border { border, height, width });
        }
        let rows = self.values.chunks(width).enumerate();
        let inside = rows.filter(|(row, _)| (border..height - border).contains(&(row % height)));
        let values = inside.flat_map(|(_, row)| &row[border..width - border]).copied();
        Self::new(values.collect(), height - 2 * border, width - 2 * border)
    }

    /// Rounded to the 256 levels of a stored picture, `[3, height, width]`.
    pub(super) fn levels(&self) -> Vec<u8> {
        self.values.iter().map(|&value| (value * 255.0).round() as u8).collect()
    }

    pub(super) fn of_one_size(&self, other: &Self) -> Result<(), MetricError> {
        if (self.height, self.width) == (other.height, other.width) {
            return Ok(());
        }
        let (height, width, other_height, other_width) = (self.height, self.width, other.height, other.width);
        Err(MetricError::Sizes {
            height,
            width,
            other_height,
            other_width,
        })
    }

    /// Whether `metric`'s window fits into the picture.
    pub(super) fn at_least(&self, window: usize, metric: &'static str) -> Result<(), MetricError> {
        let (height, width) = (self.height, self.width);
        if height >= window && width >= window {
            return Ok(());
        }
        Err(MetricError::TooSmall {
            metric,
            height,
            width,
            window,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_planes() {
        let planes = Planes::from_rgb8(&[255, 0, 51, 0, 255, 102], 1, 2).unwrap();
        assert_eq!(planes.values(), [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
        assert!(matches!(
            Planes::from_rgb8(&[0; 5], 1, 2),
            Err(MetricError::Length { .. })
        ));
    }

    #[test]
    fn a_border_is_cut_from_every_plane() {
        let values: Vec<f32> = (0..3 * 4 * 5).map(|value| value as f32).collect();
        let planes = Planes::new(values, 4, 5).unwrap();
        let inside = planes.without_border(1).unwrap();
        assert_eq!((inside.height(), inside.width()), (2, 3));
        assert_eq!(inside.values()[..6], [6.0, 7.0, 8.0, 11.0, 12.0, 13.0]);
        assert_eq!(inside.values()[6..9], [26.0, 27.0, 28.0]);
        assert_eq!(planes.without_border(0).unwrap(), planes);
        assert!(planes.without_border(2).unwrap_err().to_string().contains("5x4"));
    }

    #[test]
    fn levels_are_the_bytes_again_and_stay_in_range() {
        let bytes: Vec<u8> = (0..=255).chain(0..=43).collect();
        let planes = Planes::from_rgb8(&bytes, 10, 10).unwrap();
        let levels = planes.levels();
        assert!((0..100).all(|pixel| levels[pixel] == bytes[3 * pixel]));
        let outside = Planes::new(vec![-0.4, 1.3, 0.5], 1, 1).unwrap();
        assert_eq!(outside.levels(), [0, 255, 128]);
    }
}

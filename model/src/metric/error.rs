//! What can be wrong with pictures that are to be measured.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    #[error(
        "pictures of different sizes: {width}x{height} and {other_width}x{other_height}; compare pairs of one size"
    )]
    Sizes {
        height: usize,
        width: usize,
        other_height: usize,
        other_width: usize,
    },
    #[error("a picture of {width}x{height} is too small for {metric}, which looks through a {window}x{window} window")]
    TooSmall {
        metric: &'static str,
        height: usize,
        width: usize,
        window: usize,
    },
    #[error("{length} values do not make three planes of {width}x{height}")]
    Length { length: usize, height: usize, width: usize },
    #[error("{metric} compares with a clean picture, and there is none; without one only {without} can be measured")]
    NoReference { metric: &'static str, without: String },
    #[error("{metric} looks through a network, and has none here")]
    NoNetwork { metric: &'static str },
    #[error("a border of {border} pixels leaves nothing of {width}x{height}")]
    Border { border: usize, height: usize, width: usize },
}

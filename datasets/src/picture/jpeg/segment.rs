//! Marker segments (ITU T.81, annex B): what a JPEG is made of.

/// A marker segment: the marker, and where its body begins and ends.
pub struct Segment {
    pub marker: u8,
    pub body: usize,
    pub end: usize,
}

impl Segment {
    /// The segment at `at`, or none where the bytes end or no marker stands. Its end may lie behind theirs.
    pub fn at(bytes: &[u8], mut at: usize) -> Option<Self> {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        while *bytes.get(at)? == 0xff {
            at += 1;
        }
        let marker = bytes[at];
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            return Some(Self {
                marker,
                body: at + 1,
                end: at + 1,
            });
        }
        let length = usize::from(*bytes.get(at + 1)?) << 8 | usize::from(*bytes.get(at + 2)?);
        Some(Self {
            marker,
            body: at + 3,
            end: at + 1 + length.max(2),
        })
    }
}

/// Whether a JPEG runs to its end-of-image marker, found by walking segments and scans: the same two bytes may stand in
/// a thumbnail or a table.
pub fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(segment) = Segment::at(bytes, at) {
        at = segment.end;
        match segment.marker {
            0xd9 => return true,
            0xda => {
                // Coded data: a marker is 0xff and neither a stuffed zero, a restart, nor a fill byte.
                while at + 1 < bytes.len() && (bytes[at] != 0xff || matches!(bytes[at + 1], 0 | 0xd0..=0xd7 | 0xff)) {
                    at += 1;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::super::decode::tests::jpeg;
    use super::*;

    #[test]
    fn an_end_marker_inside_a_comment_does_not_make_a_jpeg_whole() {
        let whole = jpeg(&image::RgbImage::new(32, 32));
        assert!(is_whole(&whole));
        let mut bytes = whole[..2].to_vec();
        bytes.extend([0xff, 0xfe, 0, 4, 0xff, 0xd9]);
        bytes.extend(&whole[2..whole.len() - 2]);
        assert!(!is_whole(&bytes));
    }
}

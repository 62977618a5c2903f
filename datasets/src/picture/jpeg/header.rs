//! All that stands before the coded data: the frame, its tables, and whether this is a JPEG that is read here.

use std::ops::Range;

use image::metadata::Orientation;

use super::super::Rectangle;
use super::huffman::Codes;
use super::segment::Segment;

/// What the segments before the coded data say.
pub struct Header {
    /// In pixels, as stored: before the orientation.
    pub width: usize,
    pub height: usize,
    /// One of grey, three of colour (Y, Cb, Cr).
    pub components: Vec<Component>,
    /// Units (MCUs) between two restart markers; 0 without any.
    pub restart: usize,
    /// Where the coded data begin.
    pub data: usize,
    pub orientation: Orientation,
}

/// One component of the frame, with the tables of its own.
pub struct Component {
    /// Blocks of 8x8 in a unit, across and down.
    pub across: usize,
    pub down: usize,
    /// Quantisation steps in zigzag order.
    pub steps: [u16; 64],
    /// Codes of the first coefficient's differences, and of the other 63.
    pub first: Codes,
    pub others: Codes,
}

/// A component as the frame header has it.
struct Framed {
    id: u8,
    across: usize,
    down: usize,
    steps: usize,
}

/// What has been read on the way.
#[derive(Default)]
struct Tables {
    steps: [Option<[u16; 64]>; 4],
    first: [Option<Codes>; 4],
    others: [Option<Codes>; 4],
}

impl Header {
    /// Of a sequential JPEG of 8 bits with Huffman codes, whose one scan holds grey, or Y, Cb and Cr with chroma at full size, at
    /// half the width, or at half of both. None for every other one, and where something does not add up.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (mut tables, mut framed) = (Tables::default(), Vec::new());
        let (mut width, mut height, mut restart) = (0, 0, 0);
        let (mut jfif, mut adobe) = (false, None);
        let mut orientation = Orientation::NoTransforms;
        let mut at = 2;
        loop {
            let segment = Segment::at(bytes, at)?;
            let body = bytes.get(segment.body..segment.end)?;
            at = segment.end;
            match segment.marker {
                0xc0 | 0xc1 => {
                    let [8, h1, h0, w1, w0, count, components @ ..] = body else {
                        return None;
                    };
                    (width, height) = (word(*w1, *w0), word(*h1, *h0));
                    if !framed.is_empty() || components.len() != 3 * usize::from(*count) {
                        return None;
                    }
                    framed.extend(components.chunks_exact(3).map(|component| Framed {
                        id: component[0],
                        across: usize::from(component[1] >> 4),
                        down: usize::from(component[1] & 15),
                        steps: usize::from(component[2]),
                    }));
                }
                0xc4 => tables.huffman(body)?,
                // Progressive, lossless, arithmetic, a height that follows: the library's.
                0xc2..=0xcf | 0xdc | 0xd9 => return None,
                0xdb => tables.quantisation(body)?,
                0xdd => restart = word(*body.first()?, *body.get(1)?),
                0xe0 if body.starts_with(b"JFIF\0") => jfif = true,
                0xee if body.starts_with(b"Adobe") => adobe = Some(*body.get(11)?),
                0xe1 if body.starts_with(b"Exif\0\0") => {
                    orientation = Orientation::from_exif_chunk(&body[6..]).unwrap_or(orientation);
                }
                0xda => {
                    let ids: Vec<u8> = framed.iter().map(|component| component.id).collect();
                    let is_read = width > 0 && height > 0 && sampling_is_read(&framed, width);
                    // As libjpeg tells: JFIF is YCbCr, Adobe says what it is, else the components' names do.
                    let is_rgb = !jfif && (adobe == Some(0) || adobe.is_none() && ids == *b"RGB");
                    if !is_read || is_rgb {
                        return None;
                    }
                    let header = Self {
                        width,
                        height,
                        components: tables.scan(body, &framed)?,
                        restart,
                        data: at,
                        orientation,
                    };
                    return header.can_be_coded_in(bytes.len() - at).then_some(header);
                }
                _ => {}
            }
        }
    }

    /// Whether so many bytes can hold the picture: a block takes two bits or more. A false size asks for no memory then.
    fn can_be_coded_in(&self, bytes: usize) -> bool {
        let (columns, rows) = self.units();
        columns * rows * self.blocks() <= 4 * bytes
    }

    /// Units of the picture, across and down.
    pub fn units(&self) -> (usize, usize) {
        let (width, height) = self.unit();
        (self.width.div_ceil(width), self.height.div_ceil(height))
    }

    /// Columns and rows of units that a part of the picture is made of.
    pub fn units_of(&self, part: Rectangle) -> (Range<usize>, Range<usize>) {
        let ((width, height), (columns, rows)) = (self.unit(), self.units());
        // Chroma is interpolated from one sample around, which is two pixels.
        let range = |from: usize, length: usize, unit: usize, count: usize| {
            from.saturating_sub(2) / unit..(from + length + 2).div_ceil(unit).min(count)
        };
        (
            range(part.x, part.width, width, columns),
            range(part.y, part.height, height, rows),
        )
    }

    /// Blocks of a unit.
    pub fn blocks(&self) -> usize {
        self.components
            .iter()
            .map(|component| component.across * component.down)
            .sum()
    }

    /// Size of a unit in pixels.
    pub fn unit(&self) -> (usize, usize) {
        (8 * self.components[0].across, 8 * self.components[0].down)
    }
}

/// Grey, or three components of which the first has all pixels and the others all, half the columns, or half of both.
fn sampling_is_read(components: &[Framed], width: usize) -> bool {
    match components {
        [_] => true,
        [y, others @ ..] if others.len() == 2 => {
            // Libjpeg interpolates chroma that is wider than two pixels.
            let wide = y.across == 1 || width.div_ceil(2) > 2;
            let plain = others.iter().all(|other| (other.across, other.down) == (1, 1));
            matches!((y.across, y.down), (1 | 2, 1) | (2, 2)) && plain && wide
        }
        _ => false,
    }
}

impl Tables {
    /// A segment of quantisation tables (B.2.4.1).
    fn quantisation(&mut self, mut body: &[u8]) -> Option<()> {
        while let [head, rest @ ..] = body {
            let wide = usize::from(head >> 4 != 0);
            let values = rest.get(..64 << wide)?;
            let mut steps = [0; 64];
            for (step, value) in steps.iter_mut().zip(values.chunks_exact(1 << wide)) {
                *step = value.iter().fold(0, |step, byte| step << 8 | u16::from(*byte));
            }
            *self.steps.get_mut(usize::from(head & 15))? = Some(steps);
            body = &rest[64 << wide..];
        }
        Some(())
    }

    /// A segment of Huffman tables (B.2.4.2).
    fn huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while let [head, rest @ ..] = body {
            let lengths: &[u8; 16] = rest.first_chunk()?;
            let count = lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
            let symbols = rest.get(16..16 + count)?;
            let of_others = head >> 4 != 0;
            let kind = if of_others { &mut self.others } else { &mut self.first };
            *kind.get_mut(usize::from(head & 15))? = Some(Codes::new(lengths, symbols, !of_others)?);
            body = &rest[16 + count..];
        }
        Some(())
    }

    /// The components with the tables that the scan header (B.2.3) gives them; none unless it is the only scan.
    fn scan(&self, body: &[u8], framed: &[Framed]) -> Option<Vec<Component>> {
        let [count, rest @ ..] = body else {
            return None;
        };
        let (named, [0, 63, 0]) = rest.split_at_checked(2 * usize::from(*count))? else {
            return None;
        };
        if named.len() != 2 * framed.len() {
            return None;
        }
        let grey = framed.len() == 1;
        let components = framed.iter().zip(named.chunks_exact(2)).map(|(component, named)| {
            let (first, others) = (usize::from(named[1] >> 4), usize::from(named[1] & 15));
            (named[0] == component.id).then_some(())?;
            Some(Component {
                // The units of a scan of one component are its blocks.
                across: if grey { 1 } else { component.across },
                down: if grey { 1 } else { component.down },
                steps: (*self.steps.get(component.steps)?)?,
                first: self.first.get(first)?.clone()?,
                others: self.others.get(others)?.clone()?,
            })
        });
        components.collect()
    }
}

fn word(high: u8, low: u8) -> usize {
    usize::from(high) << 8 | usize::from(low)
}

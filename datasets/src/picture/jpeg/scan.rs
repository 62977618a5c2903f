//! The coded data: unit after unit, each some blocks of 64 coefficients; and the index of places where reading can begin.
//!
//! Codes have no fixed length, and a block's first coefficient is coded as its difference from the last block's. So a unit
//! can be read only after all before it, unless position and first coefficients were kept when it was passed once.

use super::header::{Component, Header};
use super::huffman::{Bits, Position};

/// An entry of the index stands for so many pixels of width.
const EVERY: usize = 64;

/// Where the units of a scan begin: an entry for some units of a row, 16 bytes each, in all about half a percent of the decoded
/// picture.
#[derive(Debug)]
pub struct Index {
    places: Vec<Place>,
    /// Units of a row, and those from one place to the next.
    row: usize,
    every: usize,
}

/// All that is to be known in order to read on from a unit.
#[derive(Clone, Copy, Debug)]
struct Place {
    position: Position,
    before: [i16; 3],
}

/// A reader of units.
pub struct Scan<'a> {
    header: &'a Header,
    bytes: &'a [u8],
    bits: Bits<'a>,
    /// The first coefficient of each component's last block.
    before: [i32; 3],
    /// The unit that is read next.
    unit: usize,
}

/// The coefficients of a block, quantisation undone.
#[derive(Clone)]
pub struct Block {
    /// By rows.
    pub coefficients: [i32; 64],
    /// Whether any but the first may be other than zero.
    pub varied: bool,
}

impl Index {
    /// Of the coded data in `bytes`, all of which are read. None where they are no whole scan.
    pub fn new(header: &Header, bytes: &[u8]) -> Option<Self> {
        let (row, rows) = header.units();
        let every = EVERY / header.unit().0;
        let mut places = Vec::with_capacity(row.div_ceil(every) * rows);
        let mut scan = Scan::new(header, bytes);
        for _ in 0..rows {
            for column in 0..row {
                if column % every == 0 {
                    places.push(scan.place()?);
                }
                scan.pass()?;
            }
            scan.is_sound()?;
        }
        Some(Self { places, row, every })
    }

    /// The last place at or before a unit, and the unit there.
    fn before(&self, unit: usize) -> Option<(usize, Place)> {
        let (row, column) = (unit / self.row, unit % self.row);
        let entry = column / self.every;
        let place = self.places.get(row * self.row.div_ceil(self.every) + entry)?;
        Some((row * self.row + entry * self.every, *place))
    }
}

impl<'a> Scan<'a> {
    /// From the first unit on.
    pub fn new(header: &'a Header, bytes: &'a [u8]) -> Self {
        Self {
            header,
            bytes,
            bits: Bits::new(bytes, header.data),
            before: [0; 3],
            unit: 0,
        }
    }

    /// Goes on to the unit in this column and row, which comes later: straight to its place, if an index knows one on the
    /// way, else through all units before it.
    #[inline(always)]
    pub fn go_to(&mut self, (column, row): (usize, usize), index: Option<&Index>) -> Option<()> {
        let unit = row * self.header.units().0 + column;
        if let Some((at, place)) = index.and_then(|index| index.before(unit))
            && at > self.unit
        {
            self.unit = at;
            self.bits = Bits::from(self.bytes, place.position);
            self.before = place.before.map(i32::from);
        }
        while self.unit < unit {
            self.pass()?;
        }
        Some(())
    }

    /// Whether nothing was read but what stands there.
    pub fn is_sound(&self) -> Option<()> {
        (!self.bits.are_overrun()).then_some(())
    }

    fn place(&self) -> Option<Place> {
        let [y, cb, cr] = self.before;
        let small = |before: i32| i16::try_from(before).ok();
        Some(Place {
            position: self.bits.position()?,
            before: [small(y)?, small(cb)?, small(cr)?],
        })
    }

    /// Begins the next unit: passes over the restart marker before it, where there is one.
    #[inline(always)]
    fn begin(&mut self) -> Option<()> {
        let every = self.header.restart;
        if every > 0 && self.unit > 0 && self.unit.is_multiple_of(every) {
            self.bits.restart(self.unit / every - 1)?;
            self.before = [0; 3];
        }
        self.unit += 1;
        Some(())
    }

    /// Passes over a unit.
    #[inline(always)]
    fn pass(&mut self) -> Option<()> {
        self.begin()?;
        let header = self.header;
        for (component, before) in header.components.iter().zip(&mut self.before) {
            for _ in 0..component.across * component.down {
                read(&mut self.bits, component, before, |_, _| {})?;
            }
        }
        Some(())
    }

    /// Reads a unit: the blocks of its components in turn, each component's row by row.
    #[inline(always)]
    pub fn read(&mut self, blocks: &mut [Block]) -> Option<()> {
        self.begin()?;
        let header = self.header;
        let mut blocks = blocks.iter_mut();
        for (component, before) in header.components.iter().zip(&mut self.before) {
            for block in blocks.by_ref().take(component.across * component.down) {
                *block = Block::default();
                let (coefficients, steps) = (&mut block.coefficients, &component.steps);
                block.varied = read(&mut self.bits, component, before, |k, value| {
                    coefficients[usize::from(BY_ROWS[k])] = value.wrapping_mul(i32::from(steps[k]));
                })?;
            }
        }
        Some(())
    }
}

impl Default for Block {
    fn default() -> Self {
        Self {
            coefficients: [0; 64],
            varied: false,
        }
    }
}

/// Reads a block (F.2.2) and gives each coefficient that is not zero, and the first, with its index in zigzag order. Says whether
/// there is any but the first.
#[inline(always)]
fn read(all: &mut Bits, component: &Component, before: &mut i32, mut keep: impl FnMut(usize, i32)) -> Option<bool> {
    let mut bits = *all;
    let (_, difference) = bits.read(&component.first)?;
    *before = before.wrapping_add(difference);
    keep(0, *before);
    let mut k = 1;
    while k < 64 {
        let (code, value) = bits.read(&component.others)?;
        if code.size > 0 {
            k += usize::from(code.run);
            (k < 64).then(|| keep(k, value))?;
            k += 1;
        } else if code.run == 15 {
            k += 16;
        } else {
            break;
        }
    }
    *all = bits;
    Some(k > 1)
}

/// Where a coefficient stands in its block by rows, from its index in zigzag order (figure A.6).
static BY_ROWS: [u8; 64] = {
    let mut by_rows = [0; 64];
    let (mut row, mut column, mut k) = (0_usize, 0_usize, 0);
    while k < 64 {
        by_rows[k] = (row * 8 + column) as u8;
        let up = (row + column).is_multiple_of(2);
        if up && column == 7 || !up && column == 0 && row < 7 {
            row += 1;
        } else if up && row == 0 || !up && row == 7 {
            column += 1;
        } else if up {
            (row, column) = (row - 1, column + 1);
        } else {
            (row, column) = (row + 1, column - 1);
        }
        k += 1;
    }
    by_rows
};

//! Huffman codes (ITU T.81, annexes C and F), and the bits that they are read from.

/// Bits that are looked up at once: nearly every code, and mostly the coefficient behind it too.
const AT_ONCE: u32 = 9;

/// A table of codes.
#[derive(Clone)]
pub struct Codes {
    /// By the next [`AT_ONCE`] bits.
    at_once: [Code; 1 << AT_ONCE],
    /// Longer codes: all codes of up to `length` bits, filled up to 16, are below `limits[length]`.
    limits: [u32; 17],
    /// Index of the first symbol of `length`, less its code.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

/// What the next bits mean: a coefficient behind a run of zeros.
#[derive(Clone, Copy, Default)]
pub struct Code {
    /// The coefficient; 0 where `size` bits of it are still to be read, and where there is none.
    pub value: i16,
    /// Zeros before it.
    pub run: u8,
    /// Bits of the coefficient that follow.
    pub size: u8,
    /// Bits to pass over: the code's, with the coefficient's if it is known; 0 for no code of this table.
    pub length: u8,
}

impl Codes {
    /// From the number of codes of each length and their symbols. `first`: they are of differences of first coefficients.
    /// None where they are no code.
    pub fn new(lengths: &[u8; 16], symbols: &[u8], first: bool) -> Option<Self> {
        if first && symbols.iter().any(|symbol| *symbol > 15) {
            return None;
        }
        let mut codes = Self {
            at_once: [Code::default(); 1 << AT_ONCE],
            limits: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut index) = (0_u32, 0);
        for length in 1..=16 {
            codes.offsets[length as usize] = index as i32 - code as i32;
            for _ in 0..lengths[length as usize - 1] {
                if code >= 1 << length {
                    return None;
                }
                if length <= AT_ONCE {
                    codes.fill(code, length, symbols[index]);
                }
                code += 1;
                index += 1;
            }
            codes.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(codes)
    }

    /// All entries that begin with a code.
    fn fill(&mut self, code: u32, length: u32, symbol: u8) {
        let left = AT_ONCE - length;
        let (run, size) = (symbol >> 4, symbol & 15);
        for behind in 0..1_u32 << left {
            let entry = &mut self.at_once[(code << left | behind) as usize];
            *entry = Code {
                value: 0,
                run,
                size,
                length: length as u8,
            };
            if size > 0 && u32::from(size) <= left {
                entry.value = extended(behind >> (left - u32::from(size)), size) as i16;
                entry.size = 0;
                entry.length += size;
            }
        }
    }

    /// The next code and what it says. A `length` of 0: no code begins so.
    #[inline(always)]
    pub fn next(&self, bits: &Bits) -> Code {
        let code = self.at_once[bits.next(AT_ONCE) as usize];
        if code.length > 0 { code } else { self.longer(bits) }
    }

    #[cold]
    fn longer(&self, bits: &Bits) -> Code {
        let next = bits.next(16);
        let length = (AT_ONCE + 1..=16).find(|length| next < self.limits[*length as usize]);
        let symbol = length.and_then(|length| {
            let index = self.offsets[length as usize] + (next >> (16 - length)) as i32;
            Some((length, *self.symbols.get(index as usize)?))
        });
        symbol.map_or_else(Code::default, |(length, symbol)| Code {
            value: 0,
            run: symbol >> 4,
            size: symbol & 15,
            length: length as u8,
        })
    }
}

/// A coefficient from its bits (F.2.2.1, EXTEND).
#[inline(always)]
fn extended(bits: u32, size: u8) -> i32 {
    let (bits, half) = (bits as i32, 1 << (size - 1));
    if bits < half { bits - 2 * half + 1 } else { bits }
}

/// Coded data as bits. A zero stuffed behind 0xff is passed over; behind the end, or a marker, come zeros.
pub struct Bits<'a> {
    bytes: &'a [u8],
    /// The byte that is taken in next.
    at: usize,
    /// Taken in and not yet read, the next one highest.
    held: u64,
    count: u32,
    /// Zeros among them that stand in no byte.
    made_up: u32,
}

/// A bit of the coded data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    byte: u32,
    bit: u8,
}

impl<'a> Bits<'a> {
    /// Bits from the byte `at` on.
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            held: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Bits from a position that [`Bits::position`] told of the same bytes.
    pub fn from(bytes: &'a [u8], position: Position) -> Self {
        let mut bits = Self::new(bytes, position.byte as usize);
        bits.take_in();
        bits.pass(u32::from(position.bit));
        bits
    }

    /// Takes in bytes until a code and its coefficient (31 bits) are sure to be there.
    #[inline(always)]
    pub fn take_in(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(four) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<4>)
            && !four.contains(&0xff)
        {
            self.held |= u64::from(u32::from_be_bytes(*four)) << (32 - self.count);
            self.count += 32;
            self.at += 4;
        } else {
            self.take_in_slowly();
        }
    }

    #[cold]
    fn take_in_slowly(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..).unwrap_or_default() {
                [0xff, 0, ..] => {
                    self.at += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.made_up += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    *byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next bits, up to 31, without passing over them.
    #[inline(always)]
    fn next(&self, count: u32) -> u32 {
        (self.held >> (64 - count)) as u32
    }

    /// Passes over bits that have been taken in.
    #[inline(always)]
    fn pass(&mut self, count: u32) {
        self.held <<= count;
        self.count -= count;
    }

    /// Passes over a code and gives its coefficient, whose bits are read where they follow; none for no code.
    #[inline(always)]
    pub fn value(&mut self, code: Code) -> Option<i32> {
        if code.length == 0 {
            return None;
        }
        self.pass(u32::from(code.length));
        if code.size == 0 {
            return Some(i32::from(code.value));
        }
        let bits = self.next(u32::from(code.size));
        self.pass(u32::from(code.size));
        Some(extended(bits, code.size))
    }

    /// Whether more was read than there is.
    pub fn are_overrun(&self) -> bool {
        self.made_up > self.count
    }

    /// Where the next bit stands; none where nothing more stands.
    pub fn position(&self) -> Option<Position> {
        let unread = self.count.checked_sub(self.made_up)?;
        let mut byte = self.at;
        for _ in 0..unread.div_ceil(8) {
            let stuffed = byte >= 2 && self.bytes[byte - 2..byte] == [0xff, 0];
            byte -= if stuffed { 2 } else { 1 };
        }
        Some(Position {
            byte: u32::try_from(byte).ok()?,
            bit: (unread.div_ceil(8) * 8 - unread) as u8,
        })
    }

    /// Passes over the rest of a byte and the restart marker of this number that must follow.
    pub fn restart(&mut self, number: usize) -> Option<()> {
        self.take_in_slowly();
        let whole = self.count.checked_sub(self.made_up)? < 8;
        let fills = self.bytes.get(self.at..)?.iter().take_while(|byte| **byte == 0xff);
        let marker = self.at + fills.count();
        let is_it = marker > self.at && *self.bytes.get(marker)? == 0xd0 + (number % 8) as u8;
        (whole && is_it).then(|| *self = Self::new(self.bytes, marker + 1))
    }
}

//! Huffman codes (ITU T.81, annexes C and F), and the bits that they are read from.

/// Bits that are looked up at once: nearly every code is that short.
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
    /// Zeros before the coefficient.
    pub run: u8,
    /// Bits of the coefficient, which follow; 0 where there is none.
    pub size: u8,
    /// Bits of the code; 0 for no code of this table.
    length: u8,
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
        let (first, count) = (code << (AT_ONCE - length), 1 << (AT_ONCE - length));
        self.at_once[first as usize..(first + count) as usize].fill(Code::new(symbol, length));
    }

    /// The code that the next bits begin with; none of this table has a length of 0.
    #[inline(always)]
    fn first(&self, bits: u64) -> Code {
        let code = self.at_once[(bits >> (64 - AT_ONCE)) as usize];
        if code.length > 0 {
            code
        } else {
            self.longer((bits >> 48) as u32)
        }
    }

    #[cold]
    fn longer(&self, next: u32) -> Code {
        let length = (AT_ONCE + 1..=16).find(|length| next < self.limits[*length as usize]);
        let code = length.and_then(|length| {
            let index = self.offsets[length as usize] + (next >> (16 - length)) as i32;
            Some(Code::new(*self.symbols.get(index as usize)?, length))
        });
        code.unwrap_or_default()
    }
}

impl Code {
    fn new(symbol: u8, length: u32) -> Self {
        Self {
            run: symbol >> 4,
            size: symbol & 15,
            length: length as u8,
        }
    }
}

/// A coefficient from its bits (F.2.2.1, EXTEND); 0 of no bits. Without a branch, which would be guessed wrong.
#[inline(always)]
fn extended(bits: i32, size: u8) -> i32 {
    let all = 1 << size;
    bits + if bits < all / 2 { 1 - all } else { 0 }
}

/// Coded data as bits. A zero stuffed behind 0xff is passed over; behind the end, or a marker, come zeros.
///
/// It goes by value into what is not inlined, so that it stays in registers elsewhere.
#[derive(Clone, Copy)]
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
    fn take_in(&mut self) {
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
            *self = self.by_bytes();
        }
    }

    /// With bytes taken in one by one until no more fit.
    #[cold]
    fn by_bytes(mut self) -> Self {
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
        self
    }

    /// Passes over bits that have been taken in.
    #[inline(always)]
    fn pass(&mut self, count: u32) {
        self.held <<= count;
        self.count -= count;
    }

    /// Reads a code and the coefficient behind it; none for no code of the table.
    #[inline(always)]
    pub fn read(&mut self, codes: &Codes) -> Option<(Code, i32)> {
        self.take_in();
        let code = codes.first(self.held);
        if code.length == 0 {
            return None;
        }
        let (length, size) = (u32::from(code.length), u32::from(code.size));
        let bits = self.held << length >> 1 >> (63 - size);
        self.pass(length + size);
        Some((code, extended(bits as i32, code.size)))
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
        *self = self.by_bytes();
        let whole = self.count.checked_sub(self.made_up)? < 8;
        let fills = self.bytes.get(self.at..)?.iter().take_while(|byte| **byte == 0xff);
        let marker = self.at + fills.count();
        let is_it = marker > self.at && *self.bytes.get(marker)? == 0xd0 + (number % 8) as u8;
        (whole && is_it).then(|| *self = Self::new(self.bytes, marker + 1))
    }
}

//! From planes of components to 8-bit RGB: chroma at half size is interpolated, then Y, Cb, Cr become R, G, B; all to the last bit as
//! libjpeg does it ("fancy upsampling", JFIF's colours).

use super::super::{Picture, Rectangle};
use super::header::Header;
use super::planes::Plane;

/// Interpolates the chroma of a row.
#[derive(Default)]
struct Wide {
    /// The component's own columns, weighted over two rows, one more at each end.
    sums: Vec<u16>,
    /// Full columns, from an even one on.
    levels: Vec<u16>,
}

/// Paints the rectangle from planes that hold it, and one column and row of chroma around it.
#[inline(always)]
pub fn paint(header: &Header, planes: &[Plane], rectangle: Rectangle) -> Picture {
    let Rectangle { x, y, width, height } = rectangle;
    let mut picture = Picture::new(width, height);
    let (mut cb, mut cr) = (Wide::default(), Wide::default());
    for (row, pixels) in picture.rgb.chunks_exact_mut(width * 3).enumerate() {
        let from = x - planes[0].from.0;
        let luma = &planes[0].row(y + row)[from..from + width];
        if let [_, blue, red] = planes {
            let (across, down) = (header.components[0].across, header.components[0].down);
            let cb = cb.row(blue, (across, down), (x, y + row), width);
            let cr = cr.row(red, (across, down), (x, y + row), width);
            colour(luma, cb, cr, pixels);
        } else {
            for (pixel, level) in pixels.chunks_exact_mut(3).zip(luma) {
                pixel.fill(*level);
            }
        }
    }
    picture
}

impl Wide {
    /// The levels of `width` pixels from (`x`, `y`) on, of a plane that has every `across`th column and `down`th row.
    #[inline(always)]
    fn row(&mut self, plane: &Plane, (across, down): (usize, usize), (x, y): (usize, usize), width: usize) -> &[u16] {
        let near = plane.row(y / down);
        if across == 1 {
            self.levels.clear();
            let from = x - plane.from.0;
            self.levels
                .extend(near[from..from + width].iter().copied().map(u16::from));
            return &self.levels;
        }
        // Columns first..last of the plane, and their neighbours.
        let (first, last) = (x / 2, (x + width).div_ceil(2));
        let far = match (down, y % 2) {
            (1, _) => near,
            (_, 0) => plane.row((y / 2).saturating_sub(1)),
            _ => plane.row(y / 2 + 1),
        };
        let (left, right) = (first.saturating_sub(1), (last + 1).min(plane.size.0));
        let columns = left - plane.from.0..right - plane.from.0;
        self.sums.clear();
        self.sums.resize(usize::from(first == 0), 0);
        let pairs = near[columns.clone()].iter().zip(&far[columns]);
        self.sums
            .extend(pairs.map(|(near, far)| 3 * u16::from(*near) + u16::from(*far)));
        if first == 0 {
            self.sums[0] = self.sums[1];
        }
        if last == plane.size.0 {
            self.sums.push(self.sums[self.sums.len() - 1]);
        }
        // Libjpeg rounds the halves of neighbours differently, lest they drift. One row alone has been weighted by 4.
        let (left, right) = if down == 1 { (4, 8) } else { (8, 7) };
        self.levels.resize(2 * (last - first), 0);
        for (two, around) in self.levels.chunks_exact_mut(2).zip(self.sums.windows(3)) {
            two[0] = (3 * around[1] + around[0] + left) >> 4;
            two[1] = (3 * around[1] + around[2] + right) >> 4;
        }
        &self.levels[x % 2..x % 2 + width]
    }
}

/// Y, Cb, Cr to R, G, B, row by row.
#[inline(always)]
fn colour(luma: &[u8], cb: &[u16], cr: &[u16], pixels: &mut [u8]) {
    const AT_ONCE: usize = 16;
    let whole = luma.len() - luma.len() % AT_ONCE;
    let (many, few) = pixels.split_at_mut(3 * whole);
    colour_by::<AT_ONCE>(&luma[..whole], &cb[..whole], &cr[..whole], many);
    colour_by::<1>(&luma[whole..], &cb[whole..], &cr[whole..], few);
}

/// `N` pixels at once (JFIF 1.02, ITU-R BT.601 in full range), factors of 16 bits behind the point.
#[inline(always)]
fn colour_by<const N: usize>(luma: &[u8], cb: &[u16], cr: &[u16], pixels: &mut [u8]) {
    const HALF: i32 = 1 << 15;
    const CR_TO_R: i32 = 91881; // 1.402
    const CB_TO_G: i32 = 22554; // 0.344136
    const CR_TO_G: i32 = 46802; // 0.714136
    const CB_TO_B: i32 = 116130; // 1.772
    let components = luma.chunks_exact(N).zip(cb.chunks_exact(N)).zip(cr.chunks_exact(N));
    for (pixels, ((y, cb), cr)) in pixels.chunks_exact_mut(3 * N).zip(components) {
        let (mut red, mut green, mut blue) = ([0; N], [0; N], [0; N]);
        for i in 0..N {
            let (y, cb, cr) = (i32::from(y[i]), i32::from(cb[i]) - 128, i32::from(cr[i]) - 128);
            red[i] = (y + ((CR_TO_R * cr + HALF) >> 16)).clamp(0, 255) as u8;
            green[i] = (y + ((HALF - CB_TO_G * cb - CR_TO_G * cr) >> 16)).clamp(0, 255) as u8;
            blue[i] = (y + ((CB_TO_B * cb + HALF) >> 16)).clamp(0, 255) as u8;
        }
        for (i, pixel) in pixels.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&[red[i], green[i], blue[i]]);
        }
    }
}

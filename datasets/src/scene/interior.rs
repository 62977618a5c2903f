//! A room in one-point perspective: floor, walls and ceiling by intersecting the line of sight, pictures on the wall, a window
//! and the light that comes through it, a rug, a cupboard, a hanging lamp.

use super::canvas::Canvas;
use super::colour::{Palette, Rgb, hex};
use super::field::{fractal, fraction};
use super::point::{Bounds, Point, at, smooth};
use super::shape;
use super::texture::{PRINTED, Pattern, Texture};
use crate::random::Stream;

/// Where the eye looks and how the room is built: the back wall is at depth 1.
struct Room {
    vanish: Point,
    /// Borders of the back wall on the canvas.
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Room {
    /// A place on the back wall, at the given depth: 1 at the wall, smaller nearer.
    fn at_depth(&self, on_wall: Point, depth: f32) -> Point {
        self.vanish + (on_wall - self.vanish) * (1.0 / depth)
    }
}

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let palette = Palette::random(stream);
    let vanish = at(canvas.aspect * stream.span(0.3, 0.7), stream.span(0.38, 0.52));
    let room = Room {
        vanish,
        left: vanish.x - stream.span(0.22, 0.38) * canvas.aspect,
        right: vanish.x + stream.span(0.22, 0.38) * canvas.aspect,
        top: vanish.y - stream.span(0.2, 0.3),
        bottom: vanish.y + stream.span(0.16, 0.28),
    };
    shell(canvas, stream, &palette, &room);
    window(canvas, stream, &room);
    for _ in 0..=stream.below(3) {
        framed(canvas, stream, &palette, &room);
    }
    if stream.chance(0.7) {
        rug(canvas, stream, &palette, &room);
    }
    if stream.chance(0.8) {
        cupboard(canvas, stream, &palette, &room);
    }
    if stream.chance(0.6) {
        lamp(canvas, stream, &palette, &room);
    }
}

fn shell(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, room: &Room) {
    let floor = Texture::random(
        stream,
        palette,
        &[Pattern::Checker, Pattern::Planks, Pattern::Marble],
        [0.16, 0.3],
        canvas.texel * 2.0,
    )
    .level();
    let papers = [
        Pattern::Stripes,
        Pattern::Dots,
        Pattern::Plain,
        Pattern::Plain,
        Pattern::Zigzag,
    ];
    let paper = Texture::random(stream, palette, &papers, [0.06, 0.14], canvas.texel).level();
    let calm = palette.lightest().mix(palette.any(stream), 0.35);
    let strength = stream.span(0.15, 0.6);
    let ceiling = Rgb(0.93, 0.92, 0.89).vary(stream, 0.06);
    let from_left = stream.chance(0.5);
    let (vanish, left, right, top, bottom) = (room.vanish, room.left, room.right, room.top, room.bottom);
    canvas.paint(|p| {
        let ray = p - vanish;
        // How much nearer than the back wall each face is met along the line of sight.
        let ahead_x = if ray.x > 0.0 {
            (right - vanish.x) / ray.x
        } else {
            (left - vanish.x) / ray.x.min(-1e-6)
        };
        let ahead_y = if ray.y > 0.0 {
            (bottom - vanish.y) / ray.y
        } else {
            (top - vanish.y) / ray.y.min(-1e-6)
        };
        let depth = ahead_x.min(ahead_y).clamp(0.05, 1.0);
        let place = vanish + ray * depth;
        // Corners gather less light.
        let corner = at(
            (place.x - left).min(right - place.x),
            (place.y - top).min(bottom - place.y),
        );
        let back = 1.0 - depth;
        let occluded = |d: f32| 1.0 - 0.3 * (1.0 - smooth(0.0, 0.09, d));
        let (colour, shade) = if depth >= 1.0 {
            (
                calm.mix(paper.at(place), strength),
                occluded(corner.x) * occluded(corner.y) * 0.95,
            )
        } else if ahead_y < ahead_x {
            let along = at(place.x, 1.6 / depth * 0.35);
            let shade = occluded(corner.x) * occluded(back * 0.6);
            if ray.y > 0.0 {
                (floor.at(at(along.x, -along.y)), shade)
            } else {
                (ceiling, shade * 0.9)
            }
        } else {
            let bright = if (ray.x < 0.0) == from_left { 0.72 } else { 1.08 };
            let along = at(0.6 * depth * 2.0, place.y);
            (
                calm.mix(paper.at(along), strength),
                occluded(corner.y) * occluded(back * 0.6) * bright,
            )
        };
        colour * shade
    });
    let skirting = palette.lightest() * 0.9;
    canvas.fill(
        Bounds::new(left, bottom - 0.03, right, bottom),
        |p| shape::sheet(p, left, bottom - 0.022, right, bottom),
        |_| skirting,
    );
}

fn window(canvas: &mut Canvas, stream: &mut Stream, room: &Room) {
    let half = at(stream.span(0.06, 0.12), stream.span(0.07, 0.11));
    let centre = at(
        stream.span(room.left + half.x + 0.02, room.right - half.x - 0.02),
        room.top + half.y + 0.04,
    );
    let (sky, far) = (hex(0xbfe0f2).vary(stream, 0.1), hex(0x6f8f5a).vary(stream, 0.3));
    let seed = stream.bits32();
    let bounds = Bounds::new(
        centre.x - half.x - 0.03,
        centre.y - half.y - 0.03,
        centre.x + half.x + 0.03,
        centre.y + half.y + 0.03,
    );
    canvas.fill(
        bounds,
        |p| shape::rectangle(p, centre, half + at(0.014, 0.014), 0.0),
        |_| Rgb(0.95, 0.94, 0.9),
    );
    canvas.fill(
        bounds,
        |p| {
            shape::rectangle(p, centre, half, 0.0)
                .max(0.006 - (p.x - centre.x).abs())
                .max(0.006 - (p.y - centre.y).abs())
        },
        |p| {
            let hill = centre.y + 0.3 * half.y + 0.03 * fractal(seed, at(p.x * 14.0, 0.0), 3);
            sky.mix(Rgb::WHITE, 0.5 * (p.y - centre.y + half.y) / half.y).mix(
                far * (1.0 + 0.4 * fractal(seed, p * 40.0, 2)),
                smooth(-0.004, 0.004, p.y - hill),
            )
        },
    );
    // The patch of sun on the floor: the window again, sheared and in perspective.
    let lean = stream.span(-0.12, 0.12);
    let corners = [(-1.0, 0.86), (1.0, 0.86), (1.0, 0.6), (-1.0, 0.6)].map(|(side, depth)| {
        room.at_depth(
            at(centre.x + side * half.x + lean * (1.0 - depth) * 4.0, room.bottom),
            depth,
        )
    });
    let warm = Rgb(1.0, 0.96, 0.82);
    canvas.change(Bounds::ALL, |p, under| {
        let inside = 1.0 - smooth(-0.006, 0.006, shape::polygon(p, &corners));
        under.mix(under.tint(warm) * 1.55 + Rgb(0.06, 0.05, 0.03), inside)
    });
    canvas.veil(Bounds::around(centre, 0.5), Rgb::WHITE, |p| {
        0.28 * smooth(0.3, 0.0, shape::rectangle(p, centre, half, 0.0))
    });
}

fn framed(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, room: &Room) {
    let half = at(stream.span(0.03, 0.08), stream.span(0.035, 0.07));
    let middle = 0.5 * (room.top + room.bottom);
    let centre = at(
        stream.span(room.left + half.x, room.right - half.x),
        middle + stream.span(-0.02, 0.06),
    );
    let art = Texture::random(stream, palette, &PRINTED, [0.02, 0.06], canvas.texel);
    let frame = palette.darkest();
    let bounds = Bounds::around(centre, 0.13);
    canvas.shadow(bounds, 0.4, 0.012, |p| {
        shape::rectangle(p, centre + at(0.006, 0.01), half, 0.0)
    });
    canvas.fill(bounds, |p| shape::rectangle(p, centre, half, 0.0), |_| frame);
    canvas.fill(
        bounds,
        |p| shape::rectangle(p, centre, half - at(0.008, 0.008), 0.0),
        |_| Rgb(0.95, 0.93, 0.88),
    );
    canvas.fill(
        bounds,
        |p| shape::rectangle(p, centre, half - at(0.02, 0.02), 0.0),
        |p| art.at(p),
    );
}

fn rug(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, room: &Room) {
    let cloth = Texture::random(stream, palette, &PRINTED, [0.06, 0.14], canvas.texel * 1.5).level();
    let middle = stream.span(room.left, room.right);
    let half = stream.span(0.1, 0.22);
    let (far, near) = (stream.span(0.75, 0.9), stream.span(0.42, 0.6));
    let corners = [(-1.0, far), (1.0, far), (1.0, near), (-1.0, near)]
        .map(|(side, depth)| room.at_depth(at(middle + side * half, room.bottom), depth));
    let (vanish, level) = (room.vanish, room.bottom - room.vanish.y);
    let border = palette.any(stream);
    canvas.fill(
        Bounds::ALL,
        |p| shape::polygon(p, &corners),
        |p| {
            let depth = level / (p.y - vanish.y).max(1e-3);
            let across = vanish.x + (p.x - vanish.x) * depth - middle;
            let edge = (half - across.abs()).min((depth - near).min(far - depth) * 0.5);
            border.mix(cloth.at(at(across, 0.5 / depth)), smooth(0.012, 0.018, edge)) * 0.95
        },
    );
}

fn cupboard(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, room: &Room) {
    let wood = Texture::random(
        stream,
        palette,
        &[Pattern::Planks, Pattern::Plain],
        [0.1, 0.2],
        canvas.texel,
    )
    .level();
    let wide = stream.span(0.1, 0.2);
    let left = stream.span(room.left, (room.right - wide).max(room.left + 0.01));
    let (high, depth) = (stream.span(0.1, 0.26), stream.span(0.75, 0.9));
    let front = |x: f32, y: f32| room.at_depth(at(x, y), depth);
    let (a, b) = (front(left, room.bottom - high), front(left + wide, room.bottom));
    let (vanish, top) = (room.vanish, room.bottom - high);
    // One side and the top show, whichever the eye is nearer to.
    let inner = if vanish.x > left + 0.5 * wide {
        left + wide
    } else {
        left
    };
    let side = [
        front(inner, top),
        front(inner, room.bottom),
        at(inner, room.bottom),
        at(inner, top),
    ];
    let lid = [
        front(left, top),
        front(left + wide, top),
        at(left + wide, top),
        at(left, top),
    ];
    canvas.shadow(Bounds::ALL, 0.5, 0.03, |p| {
        shape::sheet(p, a.x - 0.01, b.y - 0.02, b.x + 0.01, b.y + 0.012)
    });
    canvas.fill(Bounds::ALL, |p| shape::polygon(p, &side), |p| wood.at(p) * 0.6);
    canvas.fill(Bounds::ALL, |p| shape::polygon(p, &lid), |p| wood.at(p) * 1.2);
    let doors = (1 + stream.below(3)) as f32;
    let shelves = (1 + stream.below(3)) as f32;
    canvas.fill(
        Bounds::new(a.x, a.y, b.x, b.y),
        |p| shape::sheet(p, a.x, a.y, b.x, b.y),
        |p| {
            let q = at((p.x - a.x) / (b.x - a.x) * doors, (p.y - a.y) / (b.y - a.y) * shelves);
            let cell = at(fraction(q.x) - 0.5, fraction(q.y) - 0.5);
            let seam = smooth(0.5, 0.46, cell.x.abs().max(cell.y.abs()));
            let knob = smooth(0.07, 0.04, (cell - at(0.3, 0.0)).length());
            (wood.at(p) * (0.5 + 0.45 * seam)).mix(Rgb(0.85, 0.75, 0.5), knob)
        },
    );
}

fn lamp(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, room: &Room) {
    let centre = at(room.vanish.x + stream.span(-0.25, 0.25), stream.span(0.12, 0.26));
    let size = stream.span(0.05, 0.09);
    let shade = palette.any(stream).mix(Rgb::WHITE, 0.3);
    let bounds = Bounds::new(centre.x - 2.0 * size, 0.0, centre.x + 2.0 * size, centre.y + 2.0 * size);
    canvas.fill(
        bounds,
        |p| (p.x - centre.x).abs().max(p.y - centre.y) - 0.003,
        |_| Rgb(0.15, 0.14, 0.13),
    );
    let cone = [
        centre + at(-0.35 * size, -0.7 * size),
        centre + at(0.35 * size, -0.7 * size),
        centre + at(size, 0.35 * size),
        centre + at(-size, 0.35 * size),
    ];
    canvas.fill(
        bounds,
        |p| shape::polygon(p, &cone),
        |p| shade * (1.1 - 0.5 * ((p.x - centre.x) / size).abs()),
    );
    canvas.veil(Bounds::around(centre, 0.6), Rgb(1.0, 0.93, 0.75), |p| {
        0.3 * smooth(0.4, 0.0, shape::circle(p, centre + at(0.0, 0.4 * size), 0.3 * size))
    });
}

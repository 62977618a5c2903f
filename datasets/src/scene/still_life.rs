//! Things on a table before a wall: balls, bottles, boxes and cups, patterned, lit from one side, each with its shadow.

use super::canvas::Canvas;
use super::colour::{Palette, Rgb};
use super::field::noise;
use super::point::{Bounds, Point, at, smooth};
use super::shape;
use super::texture::{BUILT, PRINTED, Pattern, Texture};
use crate::random::Stream;

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let palette = Palette::random(stream);
    let edge = stream.span(0.42, 0.66);
    let light = stream.span(-0.8, 0.8);
    wall(canvas, stream, &palette, light);
    table(canvas, stream, &palette, edge, light);
    let count = 3 + stream.below(6);
    let mut feet: Vec<f32> = (0..count).map(|_| stream.span(edge + 0.06, 0.97)).collect();
    feet.sort_by(f32::total_cmp);
    for y in feet {
        let foot = at(canvas.aspect * stream.span(0.05, 0.95), y);
        let size = (0.45 + 0.55 * (y - edge) / (1.0 - edge)) * stream.span(0.09, 0.2);
        let scale = [0.25 * size, 0.7 * size];
        let skin = Texture::random(stream, &palette, &PRINTED, scale, canvas.texel);
        match stream.below(4) {
            0 => ball(canvas, foot, size, &skin, light),
            1 => {
                let glass = palette.any(stream);
                bottle(canvas, stream, foot, size, glass, light);
            }
            2 => cube(canvas, stream, foot, size, &skin, light),
            _ => cup(canvas, foot, size, &skin, light),
        }
    }
}

fn wall(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, light: f32) {
    let paper = Texture::random(stream, palette, &PRINTED, [0.06, 0.2], canvas.texel);
    let calm = palette.any(stream);
    let strength = stream.span(0.1, 0.7);
    let spot = at(canvas.aspect * (0.5 - 0.4 * light), 0.2);
    canvas.paint(|p| {
        let bright = 1.12 - 0.5 * (p - spot).length();
        calm.mix(paper.at(p), strength) * bright
    });
}

fn table(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, edge: f32, light: f32) {
    let patterns = if stream.chance(0.6) {
        &[Pattern::Planks] as &[Pattern]
    } else {
        &BUILT
    };
    let top = Texture::random(stream, palette, patterns, [0.2, 0.4], canvas.texel).level();
    let middle = canvas.aspect * 0.5;
    canvas.fill(
        Bounds::new(-1.0, edge - 0.01, 1e3, 2.0),
        |p| edge - p.y,
        |p| {
            let depth = p.y - edge + 0.35;
            let place = at((p.x - middle) / depth * 0.8, 0.6 / depth);
            top.at(place) * (0.95 + 0.3 * (p.y - edge) - 0.12 * light * (p.x - middle))
        },
    );
    canvas.shadow(Bounds::new(-1.0, edge - 0.1, 1e3, edge + 0.1), 0.3, 0.03, |p| {
        (p.y - edge).abs() - 0.004
    });
}

/// The shadow of a thing of half width `half` that stands at `foot`, falling away from the light.
fn ground_shadow(canvas: &mut Canvas, foot: Point, half: f32, light: f32) {
    let spot = at(foot.x + 0.7 * light * half, foot.y);
    let size = at(half * (1.15 + 0.4 * light.abs()), 0.3 * half);
    canvas.shadow(Bounds::around(spot, 2.2 * half), 0.6, 0.16 * half, |p| {
        shape::ellipse(p, spot, size)
    });
}

fn ball(canvas: &mut Canvas, foot: Point, size: f32, skin: &Texture, light: f32) {
    ground_shadow(canvas, foot, 0.8 * size, light);
    let centre = foot - at(0.0, 0.85 * size);
    canvas.fill(
        Bounds::around(centre, size),
        |p| shape::circle(p, centre, size),
        |p| {
            let q = (p - centre) * (1.0 / size);
            let z = (1.0 - q.dot(q)).max(0.0).sqrt();
            // The texture is wrapped round the ball; light comes from above on one side.
            let around = at(q.x * (1.6 - 0.6 * z), q.y * (1.6 - 0.6 * z)) * size;
            let facing = (-0.55 * light * q.x - 0.6 * q.y + 0.62 * z).max(0.0);
            let gleam = smooth(0.93, 1.0, facing / 1.02);
            let bounce = 0.12 * smooth(0.5, 1.0, q.y);
            (skin.at(around) * (0.22 + 0.85 * facing + bounce)).mix(Rgb::WHITE, 0.6 * gleam)
        },
    );
}

fn bottle(canvas: &mut Canvas, stream: &mut Stream, foot: Point, size: f32, glass: Rgb, light: f32) {
    ground_shadow(canvas, foot, 0.5 * size, light);
    let height = size * stream.span(2.2, 3.2);
    let neck = stream.span(0.55, 0.7);
    let half = move |p: Point| {
        let up = (foot.y - p.y) / height;
        let shoulder = smooth(neck, neck + 0.16, up);
        let lip = smooth(0.94, 0.955, up);
        size * (0.46 - 0.31 * shoulder + 0.05 * lip)
    };
    let (label_low, label_high) = (stream.span(0.12, 0.2), stream.span(0.36, 0.5));
    let label = Rgb(0.93, 0.9, 0.82).vary(stream, 0.1);
    let seed = stream.bits32();
    let bounds = Bounds::new(foot.x - size, foot.y - height, foot.x + size, foot.y + 0.1 * size);
    canvas.fill(
        bounds,
        |p| {
            let sag = 0.06 * size * (1.0 - ((p.x - foot.x) / (0.46 * size)).abs().min(1.0));
            ((p.x - foot.x).abs() - half(p))
                .max(p.y - foot.y - sag)
                .max(foot.y - height - p.y)
        },
        |p| {
            let x = (p.x - foot.x) / half(p);
            let up = (foot.y - p.y) / height;
            let streak = smooth(0.14, 0.05, (x + 0.5 * light.signum()).abs());
            let body = glass * (0.35 + 0.5 * (1.0 - x * x) - 0.25 * light * x);
            let mut colour = body.mix(Rgb::WHITE, 0.65 * streak);
            if up > label_low && up < label_high {
                let ink = smooth(0.1, 0.3, noise(seed, at(x * 9.0, up * 46.0)));
                colour = label.mix(glass * 0.4, 0.7 * ink) * (0.6 + 0.4 * (1.0 - x * x) - 0.25 * light * x);
            }
            colour
        },
    );
}

fn cube(canvas: &mut Canvas, stream: &mut Stream, foot: Point, size: f32, skin: &Texture, light: f32) {
    ground_shadow(canvas, foot, size, light);
    let (split, height) = (stream.span(-0.5, 0.5), size * stream.span(0.8, 1.7));
    // The near vertical edge and the two far ones, seen slightly from above.
    let near = foot + at(split * size, 0.16 * size);
    let (left, right) = (foot + at(-size, -0.1 * size), foot + at(size, -0.1 * size));
    let lift = at(0.0, -height);
    let back = left + right - near;
    let faces = [
        ([left, near, near + lift, left + lift], 0.75 - 0.35 * light),
        ([near, right, right + lift, near + lift], 0.75 + 0.35 * light),
        ([left + lift, near + lift, right + lift, back + lift], 1.12),
    ];
    let bounds = Bounds::around(foot - at(0.0, 0.5 * height), 1.3 * size.max(height));
    for (corners, bright) in faces {
        let (u, v) = (corners[1] - corners[0], corners[3] - corners[0]);
        let area = u.x * v.y - u.y * v.x;
        canvas.fill(
            bounds,
            |p| shape::polygon(p, &corners),
            |p| {
                let q = p - corners[0];
                let place = at((q.x * v.y - q.y * v.x) / area, (u.x * q.y - u.y * q.x) / area);
                skin.at(place * (1.4 * size)) * bright
            },
        );
    }
}

fn cup(canvas: &mut Canvas, foot: Point, size: f32, skin: &Texture, light: f32) {
    let half = 0.6 * size;
    ground_shadow(canvas, foot, half, light);
    let rim = foot - at(0.0, 1.1 * size);
    let side = if light > 0.0 { -1.0 } else { 1.0 };
    let handle = at(foot.x + side * half, foot.y - 0.55 * size);
    let bounds = Bounds::around(foot - at(0.0, 0.5 * size), 1.4 * size);
    canvas.fill(
        bounds,
        |p| (shape::circle(p, handle, 0.3 * size)).abs() - 0.06 * size,
        |_| skin.ground * 0.8,
    );
    canvas.fill(
        bounds,
        |p| {
            let up = (foot.y - p.y) / (1.1 * size);
            let wall = (p.x - foot.x).abs() - half * (0.72 + 0.28 * smooth(-0.2, 0.9, up));
            let bowed = shape::ellipse(p, foot - at(0.0, 0.02 * size), at(0.72 * half, 0.14 * size));
            wall.max(rim.y - p.y).max((p.y - foot.y).min(bowed))
        },
        |p| {
            let x = (p.x - foot.x) / half;
            skin.at(at(libm::asinf(x.clamp(-1.0, 1.0)) * half, p.y)) * (0.45 + 0.55 * (1.0 - x * x) - 0.35 * light * x)
        },
    );
    let opening = at(half, 0.2 * half);
    canvas.fill(
        bounds,
        |p| shape::ellipse(p, rim, opening),
        |p| skin.ground.mix(Rgb::WHITE, 0.3) * (0.55 + 0.5 * light * (p.x - rim.x) / half),
    );
    canvas.fill(
        bounds,
        |p| shape::ellipse(p, rim + at(0.0, 0.05 * half), opening * 0.86),
        |_| Rgb(0.25, 0.15, 0.1),
    );
}

//! Shapes as signed distances: negative inside, in picture heights. After Quilez, "2D distance functions".

use super::point::{Point, at};

pub fn circle(p: Point, centre: Point, radius: f32) -> f32 {
    (p - centre).length() - radius
}

/// A rectangle with rounded corners.
pub fn rectangle(p: Point, centre: Point, half: Point, rounding: f32) -> f32 {
    let (x, y) = (
        (p.x - centre.x).abs() - half.x + rounding,
        (p.y - centre.y).abs() - half.y + rounding,
    );
    at(x.max(0.0), y.max(0.0)).length() + x.max(y).min(0.0) - rounding
}

/// A rectangle from its corners.
pub fn sheet(p: Point, left: f32, top: f32, right: f32, bottom: f32) -> f32 {
    (left - p.x).max(p.x - right).max((top - p.y).max(p.y - bottom))
}

/// An ellipse along the axes; the distance is exact on the edge only.
pub fn ellipse(p: Point, centre: Point, half: Point) -> f32 {
    let q = at((p.x - centre.x) / half.x, (p.y - centre.y) / half.y);
    let steep = at(q.x / half.x, q.y / half.y).length();
    let reach = q.length();
    if steep > 0.0 {
        (reach - 1.0) * reach / steep
    } else {
        -half.x.min(half.y)
    }
}

/// Distance to a line from `a` to `b`.
pub fn segment(p: Point, a: Point, b: Point) -> f32 {
    let (pa, ba) = (p - a, b - a);
    let along = (pa.dot(ba) / ba.dot(ba).max(1e-12)).clamp(0.0, 1.0);
    (pa - ba * along).length()
}

/// A polygon, corners in order.
pub fn polygon(p: Point, corners: &[Point]) -> f32 {
    let (mut nearest, mut sign) = (f32::MAX, 1.0);
    for (i, corner) in corners.iter().enumerate() {
        let previous = corners[(i + corners.len() - 1) % corners.len()];
        nearest = nearest.min(segment(p, *corner, previous));
        let crosses = (corner.y > p.y) != (previous.y > p.y);
        if crosses && p.x < (previous.x - corner.x) * (p.y - corner.y) / (previous.y - corner.y) + corner.x {
            sign = -sign;
        }
    }
    sign * nearest
}

/// A pointed leaf along x from -`half_length` to `half_length`, `half_width` at its middle: two arcs that meet at the tips.
pub fn leaf(p: Point, half_length: f32, half_width: f32) -> f32 {
    let radius = (half_length * half_length + half_width * half_width) / (2.0 * half_width);
    at(p.x, p.y.abs() + radius - half_width).length() - radius
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_negative_inside_and_measure_outside() {
        let o = at(0.0, 0.0);
        let square = [at(-1.0, -1.0), at(1.0, -1.0), at(1.0, 1.0), at(-1.0, 1.0)];
        for (name, inside, two_away) in [
            ("circle", circle(o, o, 1.0), circle(at(3.0, 0.0), o, 1.0)),
            (
                "rectangle",
                rectangle(o, o, at(1.0, 1.0), 0.2),
                rectangle(at(0.0, 3.0), o, at(1.0, 1.0), 0.2),
            ),
            (
                "sheet",
                sheet(o, -1.0, -1.0, 1.0, 1.0),
                sheet(at(3.0, 0.0), -1.0, -1.0, 1.0, 1.0),
            ),
            ("polygon", polygon(o, &square), polygon(at(0.0, -3.0), &square)),
            ("leaf", leaf(o, 1.0, 0.5), leaf(at(0.0, 2.5), 1.0, 0.5)),
            (
                "segment",
                segment(o, o, at(1.0, 0.0)) - 0.1,
                segment(at(3.0, 0.0), o, at(1.0, 0.0)),
            ),
        ] {
            assert!(inside < -0.09, "{name}: {inside}");
            assert!((two_away - 2.0).abs() < 1e-5, "{name}: {two_away}");
        }
        assert!(ellipse(o, o, at(2.0, 1.0)) < 0.0);
        assert!(ellipse(at(2.0, 0.0), o, at(2.0, 1.0)).abs() < 1e-6);
        assert!(leaf(at(1.0, 0.0), 1.0, 0.5).abs() < 1e-6);
    }
}

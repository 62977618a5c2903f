//! Reading file names: what a name's ending says, and patterns such as `rain-#`.

use crate::picture::is_read;

/// What a file is by its ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A format that is read.
    Picture,
    /// A picture in a format that is not read.
    Foreign,
    /// No picture: a list, a read-me, a depth map in MATLAB's format.
    Other,
}

/// What a file of this name is.
pub fn kind(name: &str) -> Kind {
    const NOT_READ: [&str; 12] = [
        "gif", "ppm", "pgm", "pnm", "jp2", "heic", "heif", "avif", "jxl", "dng", "cr2", "nef",
    ];
    let (_, ending) = split_ending(name);
    if is_read(ending) {
        Kind::Picture
    } else if NOT_READ.iter().any(|known| known.eq_ignore_ascii_case(ending)) {
        Kind::Foreign
    } else {
        Kind::Other
    }
}

/// `("0001_0.8_0.2", "jpg")` of `0001_0.8_0.2.jpg`.
pub fn split_ending(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or((name, ""))
}

pub fn is_jpeg(name: &str) -> bool {
    let (_, ending) = split_ending(name);
    ending.eq_ignore_ascii_case("jpg") || ending.eq_ignore_ascii_case("jpeg")
}

/// The parts of `text` that the pattern's wildcards stand for, or none if it does not match as a whole: `#` is a run of
/// digits, `%` a decimal number (`0.85`, `1`); everything else stands for itself, in either case.
pub fn capture<'a, const N: usize>(pattern: &str, text: &'a str) -> Option<[&'a str; N]> {
    let mut parts = [""; N];
    let mut found = 0;
    let mut rest = text;
    for sign in pattern.chars() {
        let length = match sign {
            '#' => digits(rest),
            '%' => decimal(rest),
            literal => {
                let first = rest.chars().next()?;
                if !first.eq_ignore_ascii_case(&literal) {
                    return None;
                }
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        if length == 0 {
            return None;
        }
        *parts.get_mut(found)? = &rest[..length];
        found += 1;
        rest = &rest[length..];
    }
    (rest.is_empty() && found == N).then_some(parts)
}

/// The value of digits that are written without zeros in front: BSD's `2018` is a number of its own, WED's `02018` another.
pub fn unpadded(digits: &str) -> Option<u32> {
    if digits.starts_with('0') {
        None
    } else {
        digits.parse().ok()
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn decimal(text: &str) -> usize {
    let whole = digits(text);
    if whole > 0 && text[whole..].starts_with('.') {
        let fraction = digits(&text[whole + 1..]);
        if fraction > 0 {
            return whole + 1 + fraction;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_gives_the_parts_of_a_whole_name() {
        assert_eq!(capture("rain-#", "rain-012"), Some(["012"]));
        assert_eq!(capture("#_%_%", "0001_0.8_0.2"), Some(["0001", "0.8", "0.2"]));
        assert_eq!(capture("#_%_%", "0025_1_0.04"), Some(["0025", "1", "0.04"]));
        assert_eq!(
            capture("gopr#_#_#-#", "GOPR0384_11_00-000001"),
            Some(["0384", "11", "00", "000001"])
        );
        assert_eq!(capture::<1>("rain-#", "norain-012"), None);
        assert_eq!(capture::<1>("rain-#", "rain-012x"), None);
        assert_eq!(capture::<1>("rain-#", "rain-"), None);
        assert_eq!(capture::<1>("é#", "ü1"), None);
    }

    #[test]
    fn a_padded_number_is_no_unpadded_one() {
        assert_eq!(unpadded("2018"), Some(2018));
        assert_eq!(unpadded("02018"), None);
        assert_eq!(unpadded("99999999999"), None);
    }

    #[test]
    fn endings_count_in_either_case() {
        assert_eq!(kind("A.JPG"), Kind::Picture);
        assert_eq!(kind("a.tif"), Kind::Picture);
        assert_eq!(kind("a.GIF"), Kind::Foreign);
        assert_eq!(kind("rainTrain.txt"), Kind::Other);
        assert_eq!(kind("Makefile"), Kind::Other);
    }
}

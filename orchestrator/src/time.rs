//! How long something takes, as people write it.

use std::time::Duration;

use jiff::SignedDuration;

/// `90s`, `15m`, `2h 30m`, `1d`.
///
/// # Errors
/// What is wrong with the text, and how to write a time.
pub fn read(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    let days = || {
        text.strip_suffix('d')?
            .trim()
            .parse()
            .ok()
            .map(|days: u64| Duration::from_hours(24 * days))
    };
    let time = parsed.ok().and_then(|time| Duration::try_from(time).ok()).or_else(days);
    time.ok_or_else(|| format!("{text:?} is no time; write 90s, 15m or 2h 30m"))
}

/// What [`read`] reads back.
pub fn write(time: Duration) -> String {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    format!("{time:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them_and_come_back() {
        for (text, seconds) in [("90s", 90), ("2h 30m", 9000), ("3d", 259_200), ("1m30s", 90)] {
            let time = read(text).unwrap();
            assert_eq!(time.as_secs(), seconds, "{text}");
            assert_eq!(read(&write(time)), Ok(time), "{text}");
        }
        assert!(read("soon").is_err() && read("-5s").is_err());
    }
}

//! A download over HTTP that goes on where it was cut: it grows in a part beside what it will be. Knows nothing of weights.

mod agent;
mod answer;
mod part;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use ureq::http::StatusCode;
use ureq::{Agent, Body};

use crate::show::bytes;
use answer::Answer;
use part::Part;
pub use part::length;

/// How often in a row an attempt may bring nothing new before a download is given up.
const TRIES: usize = 5;

/// No longer wait stands between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// What happens during a download.
#[derive(Debug)]
pub enum Event<'a> {
    /// Bytes come from here on: so many are there already, of so many (`None`: the server does not say).
    Begin { there: u64, of: Option<u64> },
    /// So many bytes are there.
    At(u64),
    /// An attempt failed, and another follows after the wait.
    Again { error: &'a DownloadError, wait: Duration },
}

/// Why a download is not whole. What came before is kept for the next one.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No network, no such host, nobody listening, or nobody to be trusted.
    #[error("cannot reach {address}: {why}")]
    Unreachable { address: String, why: String },
    #[error("{address} answers {status}")]
    Refused { address: String, status: StatusCode },
    #[error("the connection to {address} was cut after {}: {why}", amount(*there, *of))]
    Cut {
        address: String,
        why: String,
        there: u64,
        of: Option<u64>,
    },
    #[error("another process is downloading {}", part.display())]
    Busy { part: PathBuf },
    #[error("{doing}: {source}")]
    Disk { doing: String, source: io::Error },
}

/// An attempt that failed.
struct Fault {
    error: DownloadError,
    /// Whether another one may succeed.
    passes: bool,
}

impl From<DownloadError> for Fault {
    fn from(error: DownloadError) -> Self {
        Self { error, passes: false }
    }
}

/// Downloads `address` to `file`, which is there once all of it is. A part of an earlier attempt is continued if the server
/// can, and if it still has the same file; cut connections, silence and the server's own trouble are met with new attempts.
///
/// # Errors
/// [`DownloadError`]. The part is kept.
pub fn download(address: &str, file: &Path, tell: &mut dyn FnMut(Event)) -> Result<(), DownloadError> {
    let mut part = Part::open(file)?;
    let agent = agent::new(address)?;
    let mut waits = waits();
    let mut most = part.length();
    let mut met = false;
    loop {
        let Err(Fault { error, passes }) = attempt(&agent, address, &mut part, tell) else {
            return part.finish();
        };
        // Who was never reached is not there; who was has gone for a moment.
        met |= !matches!(error, DownloadError::Unreachable { .. });
        if part.length() > most {
            most = part.length();
            waits = self::waits();
        }
        let wait = waits.next().filter(|_| passes && met);
        let Some(wait) = wait else { return Err(error) };
        tell(Event::Again { error: &error, wait });
        thread::sleep(wait);
    }
}

/// Half a second, a second, ...
fn waits() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(TRIES - 1)
        .build()
}

/// One request, or two where the part turns out to be of another file.
fn attempt(agent: &Agent, address: &str, part: &mut Part, tell: &mut dyn FnMut(Event)) -> Result<(), Fault> {
    loop {
        let known = part.continues(address).cloned();
        if known.as_ref().is_some_and(|origin| origin.bytes == Some(part.length())) {
            return Ok(());
        }
        let mut headers = BTreeMap::from([("Accept-Encoding", "identity".to_owned())]);
        if let Some(origin) = &known {
            headers.insert("Range", format!("bytes={}-", part.length()));
            headers.extend(origin.validator().map(|validator| ("If-Range", validator.to_owned())));
        }
        let request = headers.iter().fold(agent.get(address), |request, (name, value)| {
            request.header(*name, value)
        });
        let response = request.call().map_err(|error| agent::fault(error, address, 0, None))?;
        let asked = known.as_ref().map(|origin| (part.length(), origin));
        match Answer::of(response.status(), response.headers(), asked, address) {
            Answer::Whole(origin) => {
                let of = origin.bytes;
                part.begin(origin)?;
                return receive(response.into_body(), of, address, part, tell);
            }
            Answer::Rest { of } => return receive(response.into_body(), of, address, part, tell),
            Answer::Complete => return Ok(()),
            Answer::Changed => part.forget()?,
            Answer::Refused { passes } => {
                let error = DownloadError::Refused {
                    address: address.to_owned(),
                    status: response.status(),
                };
                return Err(Fault { error, passes });
            }
        }
    }
}

/// Writes what comes, as it comes: a kill loses nothing that was received.
fn receive(
    body: Body,
    of: Option<u64>,
    address: &str,
    part: &mut Part,
    tell: &mut dyn FnMut(Event),
) -> Result<(), Fault> {
    tell(Event::Begin {
        there: part.length(),
        of,
    });
    let mut reader = body.into_reader();
    let mut buffer = vec![0; 1 << 17];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => part.append(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(agent::fault(error.into(), address, part.length(), of)),
        }
        tell(Event::At(part.length()));
    }
    match of {
        Some(of) if part.length() < of => {
            let ended = io::Error::from(io::ErrorKind::UnexpectedEof);
            Err(agent::fault(ended.into(), address, part.length(), Some(of)))
        }
        _ => Ok(()),
    }
}

/// `12 MB of 354 MB`
fn amount(there: u64, of: Option<u64>) -> String {
    match of {
        Some(of) => format!("{} of {}", bytes(there), bytes(of)),
        None => bytes(there),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<u128> = waits().map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000]);
    }

    #[test]
    fn a_cut_tells_how_far_it_came() {
        let cut = |of| DownloadError::Cut {
            address: "http://a/b".into(),
            why: "no more came".into(),
            there: 1500,
            of,
        };
        assert_eq!(
            cut(Some(3000)).to_string(),
            "the connection to http://a/b was cut after 1.5 kB of 3.0 kB: no more came"
        );
        assert!(cut(None).to_string().contains("cut after 1.5 kB: "));
    }

    #[test]
    fn an_address_that_is_none_is_not_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut heard = 0;
        let failed = download("http://", &folder.path().join("file"), &mut |_| heard += 1);
        assert!(matches!(failed, Err(DownloadError::Unreachable { .. })), "{failed:?}");
        assert_eq!(heard, 0);
    }
}

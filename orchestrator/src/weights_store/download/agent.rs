//! Who asks: timeouts, whom it trusts, and what its errors mean for a download.
//!
//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured by the library. Mozilla's roots are built in; the
//! certificates of `SSL_CERT_FILE` are trusted in their place, for networks that have a root of their own.

use std::io::ErrorKind;
use std::time::Duration;
use std::{fs, io};

use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Error, Timeout};

use super::{DownloadError, Fault};
use crate::failure::plain;

/// For a name to be found and a connection to stand.
const TO_CONNECT: Duration = Duration::from_secs(20);

/// For the next bytes to come, headers or body.
const OF_SILENCE: Duration = Duration::from_secs(30);

/// An agent for `address`. From an address of https it follows to no other.
pub fn new(address: &str) -> Result<Agent, DownloadError> {
    let config = Config::builder()
        .http_status_as_error(false)
        .https_only(address.starts_with("https:"))
        .timeout_resolve(Some(TO_CONNECT))
        .timeout_connect(Some(TO_CONNECT))
        .timeout_per_read(Some(OF_SILENCE))
        .user_agent(concat!("perceive-ir/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots()?).build());
    Ok(config.build().into())
}

fn roots() -> Result<RootCerts, DownloadError> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Ok(RootCerts::WebPki);
    };
    let unreadable = |source| DownloadError::Disk {
        doing: format!("cannot read {} (SSL_CERT_FILE)", path.display()),
        source,
    };
    let text = fs::read(&path).map_err(unreadable)?;
    let certificates: Vec<Certificate> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(unreadable(io::Error::other("it holds no certificate")));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// What an error means after so many bytes of the file.
pub fn fault(error: Error, address: &str, there: u64, of: Option<u64>) -> Fault {
    let address = address.to_owned();
    let unreachable = |why: String, passes| Fault {
        error: DownloadError::Unreachable {
            address: address.clone(),
            why,
        },
        passes,
    };
    let cut = |why: String| Fault {
        error: DownloadError::Cut {
            address: address.clone(),
            why,
            there,
            of,
        },
        passes: true,
    };
    match error {
        Error::HostNotFound => unreachable("no such host is found".into(), true),
        Error::ConnectionFailed => unreachable("no connection".into(), true),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            unreachable(format!("no connection within {} s", TO_CONNECT.as_secs()), true)
        }
        Error::Timeout(_) => cut(format!("nothing came for {} s", OF_SILENCE.as_secs())),
        Error::Io(error) => match error.kind() {
            ErrorKind::UnexpectedEof => cut("the server hung up".into()),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::TimedOut
            | ErrorKind::WouldBlock => cut(plain(&error)),
            // What TLS says of a certificate.
            ErrorKind::InvalidData | ErrorKind::InvalidInput => unreachable(plain(&error), false),
            // Refused, no way there, or a name that nobody knows, which has no kind of its own.
            _ => unreachable(plain(&error), true),
        },
        // A server that speaks nonsense may have been cut while it spoke.
        Error::Protocol(error) => cut(error.to_string()),
        other => unreachable(other.to_string(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: Error) -> (String, bool) {
        let fault = fault(error, "http://a/b", 0, None);
        (fault.error.to_string(), fault.passes)
    }

    #[test]
    fn cuts_and_silence_pass_and_distrust_does_not() {
        let (said, passes) = of(Error::Timeout(Timeout::PerRead));
        assert!(said.contains("nothing came for 30 s") && passes, "{said}");
        let (said, passes) = of(io::Error::from_raw_os_error(libc::ECONNREFUSED).into());
        assert_eq!(said, "cannot reach http://a/b: Connection refused");
        assert!(passes);
        let (said, _) = of(io::Error::other("failed to lookup address information").into());
        assert!(said.starts_with("cannot reach http://a/b: failed to lookup"), "{said}");
        let (said, passes) = of(io::Error::from(ErrorKind::ConnectionReset).into());
        assert!(said.contains("was cut after 0 B") && passes, "{said}");
        let (said, passes) = of(io::Error::new(ErrorKind::InvalidData, "invalid peer certificate").into());
        assert!(said.contains("invalid peer certificate") && !passes, "{said}");
        assert!(!of(Error::TooManyRedirects).1);
    }
}

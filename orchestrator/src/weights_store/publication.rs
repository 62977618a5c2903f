//! Where a network's weights are published, and how a file is known to be the published one.

use crate::failure::{Exit, Failure};

/// A file that somebody publishes.
#[derive(Debug)]
pub struct Publication {
    /// The full address.
    pub url: &'static str,
    pub check: Check,
    /// How long the file is: said before it is fetched. Only its hash proves what it is.
    pub bytes: u64,
    /// Parameters of the published network, as far as this program uses it.
    pub parameters: usize,
}

/// What is known about the published file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Its SHA-256.
    Sha256(&'static str),
    /// How its SHA-256 begins (the file's name says so).
    Sha256Begins(&'static str),
    /// Nothing: the hash of the first import is kept, and later imports are held to it.
    FirstImport,
}

impl Publication {
    /// The file's name at the end of its address.
    pub fn file(&self) -> &'static str {
        self.url.rsplit('/').next().unwrap_or(self.url)
    }

    /// What is known about the file's hash, as part of a sentence.
    pub fn hash_in_words(&self) -> String {
        match self.check {
            Check::Sha256(hash) => format!("its SHA-256 is {hash}"),
            Check::Sha256Begins(begin) => format!("its SHA-256 begins with {begin}"),
            Check::FirstImport => "no hash of it is published: the one seen at the first import is kept".to_owned(),
        }
    }

    /// Whether the published file may have this SHA-256 (in hex), by what is known of it.
    pub fn is_of(&self, sha256: &str) -> bool {
        match self.check {
            Check::Sha256(hash) => sha256 == hash,
            Check::Sha256Begins(begin) => sha256.starts_with(begin),
            Check::FirstImport => true,
        }
    }

    /// Refuses a file that goes by the published file's name and is another.
    ///
    /// A file of another name is taken for a conversion, whose hash nobody published.
    pub fn examine(&self, file_name: &str, sha256: &str) -> Result<(), Failure> {
        if file_name != self.file() || self.is_of(sha256) {
            return Ok(());
        }
        let message = format!(
            "{file_name} is not the published file: {}, this one's is {sha256}",
            self.hash_in_words()
        );
        Err(Failure::new(Exit::Weights, message).help(format!(
            "the download may have been cut short; fetch {} again",
            self.url
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(check: Check) -> Publication {
        Publication {
            url: "https://example.org/models/net-12ab.pth",
            check,
            bytes: 4,
            parameters: 1,
        }
    }

    #[test]
    fn a_file_of_the_published_name_must_have_the_published_hash() {
        let whole = of(Check::Sha256("12abff"));
        assert!(whole.examine("net-12ab.pth", "12abff").is_ok());
        let failure = whole.examine("net-12ab.pth", "12ab00").unwrap_err();
        assert_eq!(failure.exit, Exit::Weights);
        assert!(
            failure.to_string().contains("12abff") && failure.to_string().contains("12ab00"),
            "{failure}"
        );

        let begin = of(Check::Sha256Begins("12ab"));
        assert!(begin.examine("net-12ab.pth", "12abff").is_ok());
        assert!(begin.examine("net-12ab.pth", "ff12ab").is_err());
    }

    #[test]
    fn a_conversion_and_a_file_without_published_hash_pass() {
        assert!(of(Check::Sha256("12abff")).examine("net.safetensors", "00").is_ok());
        assert!(of(Check::FirstImport).examine("net-12ab.pth", "00").is_ok());
    }
}

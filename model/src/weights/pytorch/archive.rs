//! Uncompressed entries of a zip archive, where they lie (`.ZIP File Format Specification`, 4.3).

use std::collections::BTreeMap;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

/// An archive in memory and the places of its entries.
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: BTreeMap<String, &'a [u8]>,
}

impl<'a> Archive<'a> {
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let mut archive = Self {
            bytes,
            entries: BTreeMap::new(),
        };
        archive.list().ok_or("its list of entries is damaged or cut off")?;
        Ok(archive)
    }

    /// The contents of an entry.
    pub fn entry(&self, name: &str) -> Result<&'a [u8], String> {
        self.entries
            .get(name)
            .copied()
            .ok_or_else(|| format!("it has no {name}"))
    }

    /// The folder (with its `/`) of the first entry that is called so.
    pub fn root(&self, file: &str) -> Option<&str> {
        let mut roots = self.entries.keys().filter_map(|name| name.strip_suffix(file));
        roots.find(|root| root.is_empty() || root.ends_with('/'))
    }

    fn list(&mut self) -> Option<()> {
        let (count, mut at) = self.central()?;
        for _ in 0..count {
            if self.number::<4>(at)? != u64::from(CENTRAL) {
                return None;
            }
            let name_length = self.number::<2>(at + 28)? as usize;
            let extra_length = self.number::<2>(at + 30)? as usize;
            let comment_length = self.number::<2>(at + 32)? as usize;
            let name = std::str::from_utf8(self.bytes.get(at + 46..)?.get(..name_length)?).ok()?;
            let compressed = self.number::<2>(at + 10)? != 0;
            if !compressed {
                let extra = (at + 46 + name_length, extra_length);
                let contents = self.contents(at, extra)?;
                self.entries.insert(name.to_owned(), contents);
            }
            at += 46 + name_length + extra_length + comment_length;
        }
        Some(())
    }

    /// How many entries the central directory has, and where it begins.
    fn central(&self) -> Option<(u64, usize)> {
        // A comment of at most 65535 bytes may follow.
        let last = self.bytes.len().checked_sub(22)?;
        let first = last.saturating_sub(65_535);
        let end = (first..=last)
            .rev()
            .find(|at| self.number::<4>(*at) == Some(u64::from(END)))?;
        let locator = end.checked_sub(20);
        let locator = locator.filter(|at| self.number::<4>(*at) == Some(u64::from(LOCATOR_64)));
        match locator {
            Some(locator) => {
                let end = usize::try_from(self.number::<8>(locator + 8)?).ok()?;
                if self.number::<4>(end)? != u64::from(END_64) {
                    return None;
                }
                let begin = usize::try_from(self.number::<8>(end.checked_add(48)?)?).ok()?;
                Some((self.number::<8>(end + 32)?, begin))
            }
            None => Some((self.number::<2>(end + 10)?, self.number::<4>(end + 16)? as usize)),
        }
    }

    /// The bytes of the entry whose central header stands at `at`, with its extra field (place, length).
    fn contents(&self, at: usize, (extra, length): (usize, usize)) -> Option<&'a [u8]> {
        // Sizes and places that do not fit into 32 bits stand in the extra field 1, in this order, if they are needed.
        let mut long = self.extra(extra, length).into_iter();
        let mut field = |at: usize| match self.number::<4>(at)? {
            0xffff_ffff => long.next(),
            short => Some(short),
        };
        let size = usize::try_from(field(at + 24)?).ok()?;
        let _compressed_size = field(at + 20)?;
        let local = usize::try_from(field(at + 42)?).ok()?;
        if self.number::<4>(local)? != u64::from(LOCAL) {
            return None;
        }
        let begin = local + 30 + self.number::<2>(local + 26)? as usize + self.number::<2>(local + 28)? as usize;
        self.bytes.get(begin..)?.get(..size)
    }

    /// The 64-bit numbers of the extra field 1.
    fn extra(&self, begin: usize, length: usize) -> Vec<u64> {
        let mut at = begin;
        while at + 4 <= begin + length {
            let (Some(id), Some(size)) = (self.number::<2>(at), self.number::<2>(at + 2)) else {
                break;
            };
            if id == 1 {
                return (0..size as usize / 8)
                    .map_while(|index| self.number::<8>(at + 4 + index * 8))
                    .collect();
            }
            at += 4 + size as usize;
        }
        Vec::new()
    }

    /// `N` bytes, the lowest first.
    fn number<const N: usize>(&self, at: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(N)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
        )
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An archive with these entries, with the 64-bit records that PyTorch writes.
    pub fn written(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut bytes, mut central) = (Vec::new(), Vec::new());
        for (name, contents) in entries {
            let place = bytes.len() as u64;
            let size = (contents.len() as u32).to_le_bytes();
            bytes.extend(LOCAL.to_le_bytes());
            bytes.extend([0; 14]);
            bytes.extend([size, size].concat());
            bytes.extend([name.len() as u8, 0, 3, 0]);
            bytes.extend(name.bytes().chain([0; 3]));
            bytes.extend(*contents);

            central.extend(CENTRAL.to_le_bytes());
            central.extend([0; 16]);
            central.extend([size, size].concat());
            central.extend([name.len() as u8, 0, 12, 0, 0, 0]);
            central.extend([0; 8]);
            central.extend([0xff; 4]);
            central.extend(name.bytes().chain([1, 0, 8, 0]));
            central.extend(place.to_le_bytes());
        }
        let (begin, count) = (bytes.len() as u64, entries.len() as u64);
        bytes.extend(&central);
        let end = bytes.len() as u64;
        bytes.extend(END_64.to_le_bytes());
        bytes.extend([0; 28]);
        bytes.extend([count, central.len() as u64, begin].map(u64::to_le_bytes).concat());
        bytes.extend(LOCATOR_64.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(end.to_le_bytes());
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(END.to_le_bytes());
        bytes.extend([0xff; 16]);
        bytes.extend([0; 2]);
        bytes
    }

    #[test]
    fn entries_are_found_by_name() {
        let bytes = written(&[("a/one", b"first"), ("a/two", b""), ("b/three", b"third")]);
        let archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.entry("a/one"), Ok(&b"first"[..]));
        assert_eq!(archive.entry("a/two"), Ok(&b""[..]));
        assert_eq!(archive.root("three"), Some("b/"));
        assert!(archive.entry("a/four").is_err());
    }
}

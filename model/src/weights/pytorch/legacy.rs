//! What `torch.save` wrote before PyTorch 1.6, and still does when asked: five pickles, then the storages.
//!
//! Magic number, version of the format, the machine, the saved object, the storages' names; then for each storage how many
//! elements it has, and these.

use std::collections::BTreeMap;

use super::{
    fault::Fault,
    pickle::{Object, Pickle, Value},
    stored::width,
};

/// Protocol 2, the number 0x1950a86a20f9469cfc6c, stop.
pub const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// A file in parts.
#[derive(Debug)]
pub struct Legacy<'a> {
    pub saved: Pickle<'a>,
    /// Contents by name.
    pub storages: BTreeMap<&'a str, &'a [u8]>,
}

impl<'a> Legacy<'a> {
    /// The parts of a file that begins with [`MAGIC`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, Fault> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| Fault::broken("its beginning is damaged"))?;
        let (version, rest) = Pickle::read(rest)?;
        if version.root() != Value::Integer(1001) {
            return Err(Fault::Foreign("another version of PyTorch's old format".into()));
        }
        let (machine, rest) = Pickle::read(rest)?;
        little_endian(&machine)?;
        let (saved, rest) = Pickle::read(rest)?;
        let (names, rest) = Pickle::read(rest)?;
        let widths: BTreeMap<&str, usize> = saved
            .storages()
            .filter_map(|storage| Some((storage.name, width(storage.dtype)?)))
            .collect();
        let storages = storages(&names, &widths, rest).ok_or_else(|| Fault::broken("its storages are cut off"))?;
        Ok(Self { saved, storages })
    }
}

fn little_endian(machine: &Pickle) -> Result<(), Fault> {
    let Some(Object::Mapping(entries)) = machine.object(machine.root()) else {
        return Err(Fault::broken("it does not say what machine it is of"));
    };
    let big = (Value::Text("little_endian"), Value::Flag(false));
    if entries.contains(&big) {
        return Err(Fault::Foreign("the numbers of a big-endian machine".into()));
    }
    Ok(())
}

fn storages<'a>(
    names: &Pickle<'a>,
    widths: &BTreeMap<&str, usize>,
    mut rest: &'a [u8],
) -> Option<BTreeMap<&'a str, &'a [u8]>> {
    let Object::List(names) = names.object(names.root())? else {
        return None;
    };
    let mut storages = BTreeMap::new();
    for name in names {
        let Value::Text(name) = name else { return None };
        let (count, behind) = rest.split_first_chunk::<8>()?;
        let count = usize::try_from(i64::from_le_bytes(*count)).ok()?;
        let (contents, behind) = behind.split_at_checked(count.checked_mul(*widths.get(name)?)?)?;
        storages.insert(*name, contents);
        rest = behind;
    }
    Some(storages)
}

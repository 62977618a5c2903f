//! Pickles, understood and not executed: Python's protocol 2 to 5 as `torch.save` writes it, and TorchScript's
//! (`torch/csrc/jit/serialization/pickler.cpp`).
//!
//! Python's own reader calls whatever a pickle names. This one knows a few [names](super::globals) and makes of them what
//! a checkpoint means by them; any other name, and any instruction that checkpoints do not use, is an error. Objects lie
//! side by side and refer to each other by number, so that no nesting, sharing or circle of theirs costs more than the
//! bytes that describe it.

use safetensors::Dtype;

use super::{fault::Fault, globals::Known, machine::Machine, stored::Stored};

/// A value; copying one copies no contents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `None`, numbers that are no sizes, bytes, and whatever is none of the weights.
    Nothing,
    Flag(bool),
    Integer(i64),
    Text(&'a str),
    Name(Known),
    /// The place of an [`Object`].
    Object(usize),
}

#[derive(Clone, Debug)]
pub enum Object<'a> {
    /// A list, a tuple or a set.
    List(Vec<Value<'a>>),
    Mapping(Vec<(Value<'a>, Value<'a>)>),
    /// Of a class: its attributes are a mapping, once they are there.
    Instance(Value<'a>),
    Storage(Storage<'a>),
    Tensor(Stored<'a>),
}

/// Numbers of one type that tensors are cut from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage<'a> {
    pub name: &'a str,
    pub dtype: Dtype,
}

/// What a pickle says.
#[derive(Debug)]
pub struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    root: Value<'a>,
}

impl<'a> Pickle<'a> {
    /// The pickle at the beginning of `bytes`, and what follows it.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let mut machine = Machine::new(bytes);
        let root = machine.run()?;
        let pickle = Self {
            objects: machine.objects,
            root,
        };
        Ok((pickle, machine.rest))
    }

    pub fn root(&self) -> Value<'a> {
        self.root
    }

    /// The object that a value refers to, if it refers to one.
    pub fn object(&self, value: Value) -> Option<&Object<'a>> {
        match value {
            Value::Object(place) => self.objects.get(place),
            _ => None,
        }
    }

    /// Every storage that the pickle speaks of, a name as often as it is spoken of.
    pub fn storages(&self) -> impl Iterator<Item = Storage<'a>> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some(*storage),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine::MOST_INSTRUCTIONS;
    use super::*;

    fn fault(bytes: &[u8]) -> Fault {
        Pickle::read(bytes).unwrap_err()
    }

    #[test]
    fn what_would_run_a_program_is_refused_by_its_name() {
        let system = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.";
        assert_eq!(fault(system), Fault::Foreign("posix.system".into()));
        let stacked = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.";
        assert_eq!(fault(stacked), Fault::Foreign("builtins.eval".into()));
        let instance = b"(ios\nsystem\n.";
        assert_eq!(
            fault(instance),
            Fault::Foreign("the pickle instruction 0x69 (byte 1)".into())
        );
    }

    #[test]
    fn lengths_that_no_file_has_cost_nothing() {
        for bytes in [
            &b"\x80\x02X\xff\xff\xff\xff"[..],
            b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x80\x02\x8b\xff\xff\xff\xff",
            b"\x80\x05\x96\x00\x00\x00\x00\x00\x10\x00\x00",
        ] {
            assert!(matches!(fault(bytes), Fault::Broken(_)));
        }
        let (far, rest) = Pickle::read(b"\x80\x02}r\xff\xff\xff\xff.tail").unwrap();
        assert!(matches!(far.object(far.root()), Some(Object::Mapping(_))));
        assert_eq!(rest, b"tail");
    }

    #[test]
    fn nesting_sharing_and_circles_are_borne() {
        let mut deep = b"\x80\x02".to_vec();
        deep.extend(std::iter::repeat_n(b']', 300_000));
        deep.extend(std::iter::repeat_n(b'a', 299_999));
        deep.push(b'.');
        Pickle::read(&deep).unwrap();
        // A list that holds itself.
        Pickle::read(b"\x80\x02]q\x00h\x00a.").unwrap();
        // 200 times twice the last: 2^200 leaves.
        let mut bomb = b"\x80\x02]q\x00".to_vec();
        for slot in 0..200_u8 {
            bomb.extend([b']', b'q', slot + 1, b'(', b'h', slot, b'h', slot, b'e']);
        }
        bomb.push(b'.');
        Pickle::read(&bomb).unwrap();
    }

    #[test]
    fn a_pickle_without_end_is_given_up() {
        let mut endless = vec![b'N'; MOST_INSTRUCTIONS + 1];
        endless.push(b'.');
        assert!(matches!(fault(&endless), Fault::Broken(reason) if reason.contains("instructions")));
    }
}

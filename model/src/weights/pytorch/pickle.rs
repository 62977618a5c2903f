//! Pickles, understood and not executed: Python's protocol 2 to 5 as `torch.save` writes it, and TorchScript's
//! (`torch/csrc/jit/serialization/pickler.cpp`).
//!
//! Python's own reader calls whatever a pickle names. This one knows a few [names](super::globals) and makes of them what
//! a checkpoint means by them; any other name, and any instruction that checkpoints do not use, is an error. Objects lie
//! side by side and refer to each other by number, so that no nesting, sharing or circle of theirs costs more than the
//! bytes that describe it.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::{
    fault::Fault,
    globals::{Known, known},
    stored::Stored,
};

/// Instructions of a pickle; some ten times those of the largest checkpoint of a network here.
const MOST_INSTRUCTIONS: usize = 2_000_000;

/// No tensor of a network has more dimensions.
const MOST_DIMENSIONS: usize = 16;

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
        let mut machine = Machine {
            whole: bytes.len(),
            rest: bytes,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
            objects: Vec::new(),
            copied: 0,
        };
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

struct Machine<'a> {
    /// Bytes at the beginning.
    whole: usize,
    rest: &'a [u8],
    stack: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Value<'a>>,
    objects: Vec<Object<'a>>,
    /// Entries of dictionaries that were made out of others.
    copied: usize,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Value<'a>, Fault> {
        for _ in 0..MOST_INSTRUCTIONS {
            let value = match self.byte()? {
                b'.' => return self.pop(),
                0x80 => {
                    let protocol = self.byte()?;
                    if protocol > 5 {
                        return Err(Fault::Foreign(format!("a pickle of protocol {protocol}")));
                    }
                    continue;
                }
                0x95 => {
                    self.take(8)?;
                    continue;
                }
                b'(' => {
                    self.marks.push(self.stack.len());
                    continue;
                }
                b'0' => {
                    self.pop()?;
                    continue;
                }
                b'1' => {
                    self.marked()?;
                    continue;
                }
                b'q' => {
                    let slot = self.number(1)?;
                    self.keep(slot)?;
                    continue;
                }
                b'r' => {
                    let slot = self.number(4)?;
                    self.keep(slot)?;
                    continue;
                }
                0x94 => {
                    self.keep(self.memo.len() as u64)?;
                    continue;
                }
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'2' => *self.stack.last().ok_or_else(|| self.damaged())?,
                b'N' => Value::Nothing,
                0x88 => Value::Flag(true),
                0x89 => Value::Flag(false),
                b'G' => self.skip(8)?,
                b'K' => Value::Integer(self.number(1)? as i64),
                b'M' => Value::Integer(self.number(2)? as i64),
                b'J' => Value::Integer(i64::from(self.number(4)? as u32 as i32)),
                0x8a => self.long(1)?,
                0x8b => self.long(4)?,
                b'X' => self.text(4)?,
                0x8c => self.text(1)?,
                0x8d => self.text(8)?,
                // What Python 2 calls strings are bytes, and mostly text.
                b'U' => self.bytes(1)?,
                b'T' => self.bytes(4)?,
                b'C' => self.bytes(1)?,
                b'B' => self.bytes(4)?,
                0x8e | 0x96 => self.bytes(8)?,
                b'c' => {
                    let module = self.line()?;
                    let name = self.line()?;
                    Value::Name(known(module, name)?)
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (module, name) else {
                        return Err(self.damaged());
                    };
                    Value::Name(known(module, name)?)
                }
                b')' | b']' | 0x8f => self.make(Object::List(Vec::new())),
                b'}' => self.make(Object::Mapping(Vec::new())),
                b't' | b'l' | 0x91 => {
                    let items = self.marked()?;
                    self.make(Object::List(items))
                }
                b'd' => {
                    let items = self.marked()?;
                    self.make(Object::Mapping(pairs(&items)))
                }
                count @ 0x85..=0x87 => {
                    let items = self.last(usize::from(count - 0x84))?;
                    self.make(Object::List(items))
                }
                b'e' | 0x90 => {
                    let items = self.marked()?;
                    self.append(items)?
                }
                b'a' => {
                    let items = self.last(1)?;
                    self.append(items)?
                }
                b'u' => {
                    let items = self.marked()?;
                    self.set(&items)?
                }
                b's' => {
                    let items = self.last(2)?;
                    self.set(&items)?
                }
                b'Q' => {
                    let reference = self.pop()?;
                    self.storage(reference)?
                }
                0x81 => {
                    let (_arguments, class) = (self.pop()?, self.pop()?);
                    self.instance(class)
                }
                0x92 => {
                    let (_named, _arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                    self.instance(class)
                }
                b'b' => {
                    let state = self.pop()?;
                    self.build(state)?
                }
                b'R' => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    self.call(function, arguments)?
                }
                other => {
                    let at = self.whole - self.rest.len() - 1;
                    return Err(Fault::Foreign(format!(
                        "the pickle instruction {other:#04x} (byte {at})"
                    )));
                }
            };
            self.stack.push(value);
        }
        Err(Fault::broken(format!(
            "its pickle has more than {MOST_INSTRUCTIONS} instructions"
        )))
    }

    fn damaged(&self) -> Fault {
        let at = self.whole - self.rest.len();
        Fault::broken(format!("its pickle is cut off or damaged at byte {at}"))
    }

    fn make(&mut self, object: Object<'a>) -> Value<'a> {
        self.objects.push(object);
        Value::Object(self.objects.len() - 1)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?[0])
    }

    fn skip(&mut self, count: usize) -> Result<Value<'a>, Fault> {
        self.take(count).map(|_| Value::Nothing)
    }

    /// A whole number of so many bytes, the lowest first.
    fn number(&mut self, width: usize) -> Result<u64, Fault> {
        let bytes = self.take(width)?;
        let joined = bytes.iter().rev();
        Ok(joined.fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// So many bytes as the next `width` bytes say.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], Fault> {
        let length = self.number(width)?;
        let length = usize::try_from(length).map_err(|_| self.damaged())?;
        self.take(length)
    }

    fn text(&mut self, width: usize) -> Result<Value<'a>, Fault> {
        let bytes = self.counted(width)?;
        std::str::from_utf8(bytes).map(Value::Text).map_err(|_| self.damaged())
    }

    fn bytes(&mut self, width: usize) -> Result<Value<'a>, Fault> {
        let bytes = self.counted(width)?;
        Ok(std::str::from_utf8(bytes).map_or(Value::Nothing, Value::Text))
    }

    /// A number of any width; one that no size can have is nothing.
    fn long(&mut self, width: usize) -> Result<Value<'a>, Fault> {
        let bytes = self.counted(width)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        Ok(match whole.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(bytes);
                Value::Integer(i64::from_le_bytes(whole))
            }
            None => Value::Nothing,
        })
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        let length = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(length.ok_or_else(|| self.damaged())? + 1)?;
        std::str::from_utf8(&line[..line.len() - 1]).map_err(|_| self.damaged())
    }

    fn pop(&mut self) -> Result<Value<'a>, Fault> {
        self.stack.pop().ok_or_else(|| self.damaged())
    }

    /// The last so many values.
    fn last(&mut self, count: usize) -> Result<Vec<Value<'a>>, Fault> {
        let first = self.stack.len().checked_sub(count).ok_or_else(|| self.damaged())?;
        Ok(self.stack.split_off(first))
    }

    /// What was pushed since the last mark.
    fn marked(&mut self) -> Result<Vec<Value<'a>>, Fault> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or_else(|| self.damaged())?))
    }

    fn keep(&mut self, slot: u64) -> Result<(), Fault> {
        let value = *self.stack.last().ok_or_else(|| self.damaged())?;
        self.memo.insert(slot, value);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<Value<'a>, Fault> {
        let slot = self.number(width)?;
        self.memo.get(&slot).copied().ok_or_else(|| self.damaged())
    }

    fn object(&self, value: Value) -> Option<&Object<'a>> {
        match value {
            Value::Object(place) => self.objects.get(place),
            _ => None,
        }
    }

    fn list(&self, value: Value) -> Option<&[Value<'a>]> {
        match self.object(value)? {
            Object::List(items) => Some(items),
            _ => None,
        }
    }

    /// Appends to the list on top of the stack; what is appended to anything else is let go of.
    fn append(&mut self, items: Vec<Value<'a>>) -> Result<Value<'a>, Fault> {
        let target = self.pop()?;
        if let Value::Object(place) = target
            && let Some(Object::List(list)) = self.objects.get_mut(place)
        {
            list.extend(items);
        }
        Ok(target)
    }

    fn set(&mut self, items: &[Value<'a>]) -> Result<Value<'a>, Fault> {
        let target = self.pop()?;
        if let Value::Object(place) = target
            && let Some(Object::Mapping(entries)) = self.objects.get_mut(place)
        {
            entries.extend(pairs(items));
        }
        Ok(target)
    }

    /// Of `("storage", torch.HalfStorage, "0", "cpu", 768)`.
    fn storage(&mut self, reference: Value<'a>) -> Result<Value<'a>, Fault> {
        let made = match self.list(reference) {
            Some(
                [
                    Value::Text("storage"),
                    Value::Name(Known::Storage(dtype)),
                    Value::Text(name),
                    rest @ ..,
                ],
            ) => {
                // Of PyTorch before 0.4: a storage may be a part of another.
                if matches!(rest, [_, _, Value::Object(_)]) {
                    return Err(Fault::Foreign("a storage that is a part of another".into()));
                }
                Storage { name, dtype: *dtype }
            }
            _ => return Err(self.damaged()),
        };
        Ok(self.make(Object::Storage(made)))
    }

    fn instance(&mut self, class: Value<'a>) -> Value<'a> {
        match class {
            Value::Name(Known::Mapping) => self.make(Object::Mapping(Vec::new())),
            Value::Name(Known::Class) => self.make(Object::Instance(Value::Nothing)),
            _ => Value::Nothing,
        }
    }

    /// Gives the object on top of the stack its attributes. Those of dictionaries and tensors say nothing of the weights.
    fn build(&mut self, state: Value<'a>) -> Result<Value<'a>, Fault> {
        let target = self.pop()?;
        if let Value::Object(place) = target
            && let Some(Object::Instance(attributes)) = self.objects.get_mut(place)
        {
            *attributes = state;
        }
        Ok(target)
    }

    fn call(&mut self, function: Value<'a>, arguments: Value<'a>) -> Result<Value<'a>, Fault> {
        let Value::Name(function) = function else {
            return Ok(Value::Nothing);
        };
        let Some(items) = self.list(arguments) else {
            return Err(self.damaged());
        };
        match (function, items) {
            (Known::Mapping, items) => {
                let entries = items.last().map_or_else(Vec::new, |content| self.entries(*content));
                self.copied += entries.len();
                if self.copied > MOST_INSTRUCTIONS {
                    return Err(Fault::broken("its pickle copies dictionaries without end"));
                }
                Ok(self.make(Object::Mapping(entries)))
            }
            (Known::Class, _) => Ok(self.make(Object::Instance(Value::Nothing))),
            (Known::Tensor, [storage, offset, shape, strides, ..]) => {
                let tensor = self.tensor(*storage, *offset, *shape, *strides, None)?;
                Ok(self.make(Object::Tensor(tensor)))
            }
            (
                Known::TypedTensor,
                [
                    storage,
                    offset,
                    shape,
                    strides,
                    _,
                    _,
                    Value::Name(Known::Number(dtype)),
                    ..,
                ],
            ) => {
                let tensor = self.tensor(*storage, *offset, *shape, *strides, Some(*dtype))?;
                Ok(self.make(Object::Tensor(tensor)))
            }
            (Known::Parameter, [tensor, ..]) => Ok(*tensor),
            // Once: what is wrapped twice is no tensor of PyTorch's.
            (
                Known::Wrapped,
                [
                    Value::Name(inner @ (Known::Tensor | Known::TypedTensor)),
                    _,
                    arguments,
                    ..,
                ],
            ) => self.call(Value::Name(*inner), *arguments),
            (Known::Storage(_) | Known::Number(_) | Known::Inert | Known::Wrapped, _) => Ok(Value::Nothing),
            (Known::Tensor | Known::TypedTensor | Known::Parameter, _) => Err(self.damaged()),
        }
    }

    /// The entries of a dictionary or of a list of pairs.
    fn entries(&self, content: Value<'a>) -> Vec<(Value<'a>, Value<'a>)> {
        match self.object(content) {
            Some(Object::Mapping(entries)) => entries.clone(),
            Some(Object::List(items)) => items
                .iter()
                .filter_map(|item| match self.list(*item)? {
                    [name, value] => Some((*name, *value)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn tensor(
        &self,
        storage: Value<'a>,
        offset: Value<'a>,
        shape: Value<'a>,
        strides: Value<'a>,
        dtype: Option<Dtype>,
    ) -> Result<Stored<'a>, Fault> {
        let sizes = |value| -> Option<Vec<usize>> {
            let list = self.list(value).filter(|list| list.len() <= MOST_DIMENSIONS)?;
            list.iter().map(|size| whole(*size)).collect()
        };
        let described = match self.object(storage) {
            Some(Object::Storage(storage)) => {
                whole(offset)
                    .zip(sizes(shape))
                    .zip(sizes(strides))
                    .map(|((offset, shape), strides)| Stored {
                        storage: storage.name,
                        dtype: dtype.unwrap_or(storage.dtype),
                        offset,
                        shape,
                        strides,
                    })
            }
            _ => None,
        };
        described.ok_or_else(|| self.damaged())
    }
}

fn whole(value: Value) -> Option<usize> {
    match value {
        Value::Integer(size) => usize::try_from(size).ok(),
        _ => None,
    }
}

/// Names and values by turns, as pairs.
fn pairs<'a>(items: &[Value<'a>]) -> Vec<(Value<'a>, Value<'a>)> {
    let (pairs, _) = items.as_chunks::<2>();
    pairs.iter().map(|[name, value]| (*name, *value)).collect()
}

#[cfg(test)]
mod tests {
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

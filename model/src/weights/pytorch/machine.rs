//! The stack machine that goes through a pickle's instructions. What the objects mean stands in `meaning.rs`.

use std::collections::BTreeMap;

use super::{
    fault::Fault,
    globals::known,
    pickle::{Object, Value},
};

/// Instructions of a pickle; some ten times those of the largest checkpoint of a network here.
pub const MOST_INSTRUCTIONS: usize = 2_000_000;

pub struct Machine<'a> {
    /// Bytes at the beginning.
    whole: usize,
    pub(super) rest: &'a [u8],
    stack: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Value<'a>>,
    pub(super) objects: Vec<Object<'a>>,
    /// Entries of dictionaries that were made out of others.
    pub(super) copied: usize,
}

impl<'a> Machine<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            whole: bytes.len(),
            rest: bytes,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
            objects: Vec::new(),
            copied: 0,
        }
    }

    /// Up to the instruction that ends a pickle: the value that it leaves.
    pub fn run(&mut self) -> Result<Value<'a>, Fault> {
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
                b'U' | b'C' => self.bytes(1)?,
                b'T' | b'B' => self.bytes(4)?,
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

    pub(super) fn damaged(&self) -> Fault {
        let at = self.whole - self.rest.len();
        Fault::broken(format!("its pickle is cut off or damaged at byte {at}"))
    }

    pub(super) fn make(&mut self, object: Object<'a>) -> Value<'a> {
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

    pub(super) fn pop(&mut self) -> Result<Value<'a>, Fault> {
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

    pub(super) fn object(&self, value: Value) -> Option<&Object<'a>> {
        match value {
            Value::Object(place) => self.objects.get(place),
            _ => None,
        }
    }

    pub(super) fn list(&self, value: Value) -> Option<&[Value<'a>]> {
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
}

/// Names and values by turns, as pairs.
fn pairs<'a>(items: &[Value<'a>]) -> Vec<(Value<'a>, Value<'a>)> {
    let (pairs, _) = items.as_chunks::<2>();
    pairs.iter().map(|[name, value]| (*name, *value)).collect()
}

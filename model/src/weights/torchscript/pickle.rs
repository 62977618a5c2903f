//! The pickle of a TorchScript module: objects with attributes, tensors among them, as PyTorch's C++ code writes it
//! (`torch/csrc/jit/serialization/pickler.cpp`).

use std::{collections::BTreeMap, rc::Rc};

/// Where a tensor's numbers lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Name of the entry under `data/`.
    pub storage: String,
    /// `HalfStorage` and so on.
    pub kind: String,
    /// In elements.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// In elements, one a dimension.
    pub strides: Vec<usize>,
}

/// What the stack of the pickle machine holds. Copies (from the memo) are shared, not deep.
#[derive(Clone)]
enum Value {
    /// Numbers that are no sizes, booleans, `None`.
    Other,
    Integer(i64),
    Text(Rc<str>),
    Global(Rc<str>),
    List(Rc<Vec<Value>>),
    /// An object's attributes, or a dictionary.
    Attributes(Rc<Vec<(Value, Value)>>),
    Storage {
        kind: Rc<str>,
        name: Rc<str>,
    },
    Tensor(Rc<Stored>),
}

/// Every tensor of the pickled module by the path of attributes that leads to it.
pub fn tensors(pickle: &[u8]) -> Result<BTreeMap<String, Stored>, String> {
    let mut machine = Machine {
        rest: pickle,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    let module = machine.run().ok_or("its pickle is damaged or of an unknown kind")?;
    let mut found = BTreeMap::new();
    collect(&module, "", 0, &mut found);
    if found.is_empty() {
        return Err("its pickle names no tensors".to_owned());
    }
    Ok(found)
}

fn collect(value: &Value, path: &str, depth: usize, found: &mut BTreeMap<String, Stored>) {
    match value {
        Value::Tensor(stored) => {
            found.insert(path.to_owned(), (**stored).clone());
        }
        // Deeper than any network: a damaged file.
        Value::Attributes(attributes) if depth < 32 => {
            for (name, value) in attributes.iter() {
                if let Value::Text(name) = name {
                    let path = if path.is_empty() {
                        name.to_string()
                    } else {
                        format!("{path}.{name}")
                    };
                    collect(value, &path, depth + 1, found);
                }
            }
        }
        _ => {}
    }
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Value>,
}

impl Machine<'_> {
    /// `None` for anything that does not belong into such a pickle.
    fn run(&mut self) -> Option<Value> {
        loop {
            let value = match self.byte()? {
                b'.' => return self.stack.pop(),
                0x80 => {
                    self.byte()?;
                    continue;
                }
                b'(' => {
                    self.marks.push(self.stack.len());
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
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'N' | 0x88 | 0x89 => Value::Other,
                b'G' => {
                    self.take(8)?;
                    Value::Other
                }
                b'K' => Value::Integer(self.number(1)? as i64),
                b'M' => Value::Integer(self.number(2)? as i64),
                b'J' => Value::Integer(i64::from(self.number(4)? as u32 as i32)),
                0x8a => self.long()?,
                b'X' => {
                    let length = self.number(4)? as usize;
                    Value::Text(std::str::from_utf8(self.take(length)?).ok()?.into())
                }
                b'c' => {
                    let module = self.line()?.to_owned();
                    Value::Global(format!("{module}.{}", self.line()?).into())
                }
                b')' | b']' => Value::List(Rc::default()),
                b'}' => Value::Attributes(Rc::default()),
                b't' => Value::List(Rc::new(self.marked()?)),
                count @ 0x85..=0x87 => {
                    let first = self.stack.len().checked_sub(usize::from(count - 0x84))?;
                    Value::List(Rc::new(self.stack.split_off(first)))
                }
                b'e' => {
                    let added = self.marked()?;
                    self.append(added)?
                }
                b'a' => {
                    let added = self.stack.pop()?;
                    self.append(vec![added])?
                }
                b'u' => {
                    let added = self.marked()?;
                    self.set(&added)?
                }
                b's' => {
                    let first = self.stack.len().checked_sub(2)?;
                    let added = self.stack.split_off(first);
                    self.set(&added)?
                }
                b'Q' => storage(&self.stack.pop()?)?,
                // A new object is nothing until `b` gives it its attributes.
                0x81 => {
                    self.stack.pop()?;
                    self.stack.pop()?;
                    Value::Other
                }
                b'b' => {
                    let state = self.stack.pop()?;
                    self.stack.pop()?;
                    state
                }
                b'R' => {
                    let arguments = self.stack.pop()?;
                    call(&self.stack.pop()?, &arguments)?
                }
                _ => return None,
            };
            self.stack.push(value);
        }
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        let bytes = self.take(width)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
        )
    }

    fn long(&mut self) -> Option<Value> {
        let width = usize::from(self.byte()?);
        let bytes = self.take(width)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole.get_mut(..width)?.copy_from_slice(bytes);
        Some(Value::Integer(i64::from_le_bytes(whole)))
    }

    fn line(&mut self) -> Option<&str> {
        let length = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).ok()
    }

    fn keep(&mut self, slot: u64) -> Option<()> {
        self.memo.insert(slot, self.stack.last()?.clone());
        Some(())
    }

    fn recall(&mut self, width: usize) -> Option<Value> {
        let slot = self.number(width)?;
        self.memo.get(&slot).cloned()
    }

    /// What was pushed since the last mark.
    fn marked(&mut self) -> Option<Vec<Value>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn append(&mut self, added: Vec<Value>) -> Option<Value> {
        let Value::List(mut list) = self.stack.pop()? else {
            return None;
        };
        Rc::make_mut(&mut list).extend(added);
        Some(Value::List(list))
    }

    fn set(&mut self, added: &[Value]) -> Option<Value> {
        let Value::Attributes(mut attributes) = self.stack.pop()? else {
            return None;
        };
        let (pairs, _) = added.as_chunks::<2>();
        let pairs = pairs.iter().map(|[name, value]| (name.clone(), value.clone()));
        Rc::make_mut(&mut attributes).extend(pairs);
        Some(Value::Attributes(attributes))
    }
}

/// Of `("storage", torch.HalfStorage, "0", "cpu", 768)`.
fn storage(reference: &Value) -> Option<Value> {
    let Value::List(fields) = reference else {
        return None;
    };
    match fields.as_slice() {
        [Value::Text(tag), Value::Global(kind), Value::Text(name), ..] if &**tag == "storage" => Some(Value::Storage {
            kind: kind.strip_prefix("torch.")?.into(),
            name: name.clone(),
        }),
        _ => None,
    }
}

/// Tensors are rebuilt; what any other function makes is none of the weights.
fn call(function: &Value, arguments: &Value) -> Option<Value> {
    let (Value::Global(function), Value::List(arguments)) = (function, arguments) else {
        return Some(Value::Other);
    };
    if &**function != "torch._utils._rebuild_tensor_v2" {
        return Some(Value::Other);
    }
    let [
        Value::Storage { kind, name },
        Value::Integer(offset),
        shape,
        strides,
        ..,
    ] = arguments.as_slice()
    else {
        return None;
    };
    let (shape, strides) = (sizes(shape)?, sizes(strides)?);
    (shape.len() == strides.len()).then(|| {
        Value::Tensor(Rc::new(Stored {
            storage: name.to_string(),
            kind: kind.to_string(),
            offset: usize::try_from(*offset).unwrap_or(usize::MAX),
            shape,
            strides,
        }))
    })
}

fn sizes(value: &Value) -> Option<Vec<usize>> {
    let Value::List(values) = value else {
        return None;
    };
    let size = |value: &Value| match value {
        Value::Integer(size) => usize::try_from(*size).ok(),
        _ => None,
    };
    values.iter().map(size).collect()
}

//! What a checkpoint means by the objects of its pickle: storages, tensors cut from them, dictionaries, modules.

use safetensors::Dtype;

use super::{
    fault::Fault,
    globals::Known,
    machine::{MOST_INSTRUCTIONS, Machine},
    pickle::{Object, Storage, Value},
    stored::Stored,
};

/// No tensor of a network has more dimensions.
const MOST_DIMENSIONS: usize = 16;

impl<'a> Machine<'a> {
    /// Of `("storage", torch.HalfStorage, "0", "cpu", 768)`.
    pub(super) fn storage(&mut self, reference: Value<'a>) -> Result<Value<'a>, Fault> {
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

    pub(super) fn instance(&mut self, class: Value<'a>) -> Value<'a> {
        match class {
            Value::Name(Known::Mapping) => self.make(Object::Mapping(Vec::new())),
            Value::Name(Known::Class) => self.make(Object::Instance(Value::Nothing)),
            _ => Value::Nothing,
        }
    }

    /// Gives the object on top of the stack its attributes. Those of dictionaries and tensors say nothing of the weights.
    pub(super) fn build(&mut self, state: Value<'a>) -> Result<Value<'a>, Fault> {
        let target = self.pop()?;
        if let Value::Object(place) = target
            && let Some(Object::Instance(attributes)) = self.objects.get_mut(place)
        {
            *attributes = state;
        }
        Ok(target)
    }

    pub(super) fn call(&mut self, function: Value<'a>, arguments: Value<'a>) -> Result<Value<'a>, Fault> {
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

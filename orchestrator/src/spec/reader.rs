//! Typed settings from a tree of values: serde's side of [`Node`]. A fault points at the innermost value it concerns.

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::fault::Fault;
use super::tree::{Entry, Node, Value};

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_borrowed_str(value),
            Value::List(list) => visitor.visit_seq(Items(list.iter())),
            Value::Table(table) => visitor.visit_map(Members {
                rest: table.iter(),
                entry: None,
            }),
        }
        .map_err(|fault: Fault| fault.within(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Text(text) => visitor.visit_enum(StrDeserializer::new(text)),
            Value::Table(table) => visitor.visit_enum(MapAccessDeserializer::new(Members {
                rest: table.iter(),
                entry: None,
            })),
            _ => self.deserialize_any(visitor),
        }
        .map_err(|fault| fault.within(self))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.0
            .next()
            .map(|node| seed.deserialize(node).map_err(|fault| fault.within(node)))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Members<'de> {
    rest: std::collections::btree_map::Iter<'de, std::sync::Arc<str>, Entry>,
    entry: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, entry)) = self.rest.next() else {
            return Ok(None);
        };
        self.entry = Some(entry);
        let name = BorrowedStrDeserializer::<Fault>::new(key);
        seed.deserialize(name)
            .map(Some)
            .map_err(|fault| if fault.at.is_some() { fault } else { fault.at(entry.key) })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(Entry { node, .. }) = self.entry.take() else {
            return Err(Fault::new("a value was asked for before its key"));
        };
        seed.deserialize(node).map_err(|fault| fault.within(node))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::spec::Experiment;
    use crate::spec::tree::{Node, Origin};

    /// What stands where the fault of a text points.
    fn blamed(text: &str) -> String {
        let node = Node::parse(text, &|span| Origin::File {
            file: 0,
            start: span.start as u32,
            end: span.end as u32,
        })
        .unwrap();
        let fault = Experiment::deserialize(&node).unwrap_err();
        let Some(Origin::File { start, end, .. }) = fault.at else {
            panic!("{fault:?} points nowhere");
        };
        text[start as usize..end as usize].to_string()
    }

    #[test]
    fn a_fault_points_at_the_innermost_word_that_is_wrong() {
        assert_eq!(blamed("restore.loss.clip_awre = 1"), "clip_awre");
        assert_eq!(blamed("[restore.training]\nsteps = \"four\""), "\"four\"");
        assert_eq!(blamed("towers = 'standin'"), "'standin'");
        assert_eq!(blamed("train = [{ dataset = 'a', wieght = 2 }]"), "wieght");
        assert_eq!(blamed("prompts.words = ['a', 7]"), "7");
        assert_eq!(blamed("train = [{ limit = 2 }]"), "{ limit = 2 }");
    }

    #[test]
    fn a_fault_inside_a_degradation_points_at_its_word_too() {
        let with = |recipe: &str| format!("[[train]]\ndataset = 'a'\ndegradations = [\n  {recipe},\n]");
        assert_eq!(blamed(&with("{ kind = 'noise', sigmas = 25 }")), "sigmas");
        assert_eq!(blamed(&with("{ kind = 'hase' }")), "'hase'");
        assert_eq!(blamed(&with("{ kind = 'noise', sigma = 'much' }")), "'much'");
        assert_eq!(blamed(&with("{ kind = 'haze', beta = [1.0, true] }")), "true");
    }
}

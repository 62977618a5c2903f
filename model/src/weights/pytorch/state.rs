//! The tensors that a pickle names: the paths through its dictionaries, and through the attributes of a module's objects,
//! that lead to tensors.

use std::collections::BTreeMap;

use super::{
    fault::Fault,
    pickle::{Object, Pickle, Value},
    stored::Stored,
};

/// Dictionaries inside each other, tensors, letters of a path, and steps to find them: more than any network has. What
/// a file shares a thousandfold is walked through as often as it is named.
const MOST: Limits = Limits {
    depth: 32,
    tensors: 100_000,
    letters: 1024,
    steps: 2_000_000,
};

struct Limits {
    depth: usize,
    tensors: usize,
    letters: usize,
    steps: usize,
}

/// Every tensor by the names that lead to it, joined by dots. What is in lists (the optimiser's groups) has no name.
pub fn tensors<'a>(pickle: &Pickle<'a>) -> Result<BTreeMap<String, Stored<'a>>, Fault> {
    let mut walk = Walk {
        pickle,
        path: String::new(),
        found: BTreeMap::new(),
        steps: 0,
    };
    walk.enter(pickle.root(), 0)?;
    Ok(walk.found)
}

struct Walk<'p, 'a> {
    pickle: &'p Pickle<'a>,
    path: String,
    found: BTreeMap<String, Stored<'a>>,
    steps: usize,
}

impl<'a> Walk<'_, 'a> {
    fn enter(&mut self, value: Value<'a>, depth: usize) -> Result<(), Fault> {
        self.steps += 1;
        if self.steps > MOST.steps || self.found.len() > MOST.tensors {
            return Err(Fault::broken("its dictionaries lead on without end"));
        }
        match self.pickle.object(value) {
            Some(Object::Tensor(stored)) => {
                self.found.insert(self.path.clone(), stored.clone());
            }
            Some(Object::Instance(attributes)) => {
                if let Some(Object::Mapping(entries)) = self.pickle.object(*attributes) {
                    self.through(entries, depth)?;
                }
            }
            Some(Object::Mapping(entries)) => self.through(entries, depth)?,
            _ => {}
        }
        Ok(())
    }

    fn through(&mut self, entries: &[(Value<'a>, Value<'a>)], depth: usize) -> Result<(), Fault> {
        // Deeper than any network.
        if depth == MOST.depth {
            return Ok(());
        }
        for (name, value) in entries {
            let Value::Text(name) = name else { continue };
            let length = self.path.len();
            if length + name.len() > MOST.letters {
                return Err(Fault::broken("it names a tensor with more than 1000 letters"));
            }
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
            self.enter(*value, depth + 1)?;
            self.path.truncate(length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_without_end_is_given_up() {
        // 200 dictionaries, each twice in the next.
        let mut bomb = b"\x80\x02}q\x00".to_vec();
        for slot in 0..200_u8 {
            bomb.extend([b'}', b'q', slot + 1, b'(']);
            bomb.extend([b'U', 1, b'a', b'h', slot, b'U', 1, b'b', b'h', slot, b'u']);
        }
        bomb.push(b'.');
        let (pickle, _) = Pickle::read(&bomb).unwrap();
        assert!(tensors(&pickle).is_err());
        let (circle, _) = Pickle::read(b"\x80\x02}q\x00U\x01ah\x00s.").unwrap();
        assert!(tensors(&circle).unwrap().is_empty());
    }
}

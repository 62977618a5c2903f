//! The key of the parameter that a traversal stands at.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Int, Tensor},
};

/// Key and shape of every parameter of a module, in the order of its fields. Computes no first values.
pub fn shapes<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Shapes::default();
    module.visit(&mut shapes);
    shapes.found
}

/// Names of the modules entered so far, outermost first, as PyTorch spells them.
#[derive(Clone, Debug, Default)]
pub struct Path(Vec<String>);

impl Path {
    pub fn enter(&mut self, field: &str) {
        self.0.push(torch_name(field).to_owned());
    }

    pub fn exit(&mut self) {
        self.0.pop();
    }

    pub fn key(&self) -> String {
        self.0.join(".")
    }
}

/// A Rust field cannot be called `0` or `mod`: `_0` and `r#mod` stand for them.
fn torch_name(field: &str) -> &str {
    let field = field.strip_prefix("r#").unwrap_or(field);
    match field.strip_prefix('_') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => field,
    }
}

#[derive(Default)]
struct Shapes {
    path: Path,
    found: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape().as_slice().to_vec();
        self.found.push((self.path.key(), shape));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        let shape = param.lazy_shape().as_slice().to_vec();
        self.found.push((self.path.key(), shape));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rust_cannot_say_are_spelt_as_in_pytorch() {
        assert_eq!(torch_name("_0"), "0");
        assert_eq!(torch_name("_12"), "12");
        assert_eq!(torch_name("r#mod"), "mod");
        assert_eq!(torch_name("_hidden"), "_hidden");
        assert_eq!(torch_name("A_logs"), "A_logs");
    }

    #[test]
    fn a_key_joins_what_was_entered_and_not_left() {
        let mut path = Path::default();
        for name in ["body", "_2"] {
            path.enter(name);
        }
        path.exit();
        path.enter("4");
        path.enter("weight");
        assert_eq!(path.key(), "body.4.weight");
    }
}

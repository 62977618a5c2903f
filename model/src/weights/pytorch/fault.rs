//! Why a file of PyTorch's cannot be taken.

/// What stopped the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are not what PyTorch writes: cut, damaged, or made to do harm.
    Broken(String),
    /// The file is whole, and holds what is more than numbers: a class or function by its name, an unknown instruction.
    Foreign(String),
}

impl Fault {
    pub fn broken(reason: impl Into<String>) -> Self {
        Self::Broken(reason.into())
    }
}

//! A place of PyTorch's `nn.Sequential` that holds no weights.

use burn::module::Module;

/// An activation or a pooling, which only counts: with `(Gap, Conv2d)` the convolution is number 1.
#[derive(Module, Debug)]
pub struct Gap;

//! Blocks of one kind and then a layer of another, numbered through as in PyTorch's `nn.Sequential`.

use burn::{
    module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor},
    tensor::Device,
};

/// Keys are `0`, `1`, … of the blocks, and the next number of the last layer.
#[derive(Clone, Debug)]
pub struct Sequence<B, L> {
    pub blocks: Vec<B>,
    pub last: L,
}

impl<B: Module, L: Module> Module for Sequence<B, L> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.last.collect_devices(self.blocks.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        Self {
            blocks: self.blocks.fork(device),
            last: self.last.fork(device),
        }
    }

    fn to_device(self, device: &Device) -> Self {
        Self {
            blocks: self.blocks.to_device(device),
            last: self.last.to_device(device),
        }
    }

    fn train(self) -> Self {
        Self {
            blocks: self.blocks.train(),
            last: self.last.train(),
        }
    }

    fn valid(&self) -> Self {
        Self {
            blocks: self.blocks.valid(),
            last: self.last.valid(),
        }
    }

    fn materialize(self) -> Self {
        Self {
            blocks: self.blocks.materialize(),
            last: self.last.materialize(),
        }
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.blocks.visit(visitor);
        let number = self.blocks.len().to_string();
        visitor.enter_module(&number, "Sequence");
        self.last.visit(visitor);
        visitor.exit_module(&number, "Sequence");
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let number = self.blocks.len().to_string();
        let blocks = self.blocks.map(mapper);
        mapper.enter_module(&number, "Sequence");
        let last = self.last.map(mapper);
        mapper.exit_module(&number, "Sequence");
        Self { blocks, last }
    }
}

impl<B: ModuleDisplay, L: ModuleDisplay> ModuleDisplayDefault for Sequence<B, L> {
    fn content(&self, content: Content) -> Option<Content> {
        content.add("last", &self.last).optional()
    }
}

impl<B: ModuleDisplay, L: ModuleDisplay> ModuleDisplay for Sequence<B, L> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{LayerNorm, Linear};
    use crate::weights::shapes;

    #[test]
    fn the_last_layer_has_the_number_after_the_blocks() {
        let device = Device::flex();
        let sequence = Sequence {
            blocks: vec![LayerNorm::new(2, 1e-5, &device), LayerNorm::new(2, 1e-5, &device)],
            last: Linear::new(2, 3, false, &device),
        };
        let keys: Vec<_> = shapes(&sequence).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight"]);
        assert_eq!(Module::num_params(&sequence), 14);
    }
}

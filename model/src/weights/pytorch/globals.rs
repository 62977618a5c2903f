//! The names of classes and functions that a checkpoint may speak of. None of them is ever called: tensors and dictionaries
//! are understood as what they are, everything else that training programs put beside weights is passed over. A name that
//! is not here is refused.

use safetensors::Dtype;

use super::fault::Fault;

/// What a name means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `OrderedDict` and its kin: called with nothing, or with a list of pairs, or with a dictionary.
    Mapping,
    /// `_rebuild_tensor(storage, offset, shape, strides)` and its later versions.
    Tensor,
    /// `_rebuild_tensor_v3`: the type of the numbers stands among the arguments.
    TypedTensor,
    /// `_rebuild_parameter(tensor, …)`: the tensor.
    Parameter,
    /// `_rebuild_from_type_v2(function, class, arguments, state)`: as if the function were called.
    Wrapped,
    /// The type of a storage.
    Storage(Dtype),
    /// `torch.float32` and so on.
    Number(Dtype),
    /// A class of which an object may be made: it is its attributes.
    Class,
    /// Settings, counters, random states: nothing of the network.
    Inert,
}

/// Modules of which every name is inert, by the beginnings of their names: what Lightning keeps of its callbacks, and
/// schedulers.
const INERT_MODULES: [&str; 5] = [
    "pytorch_lightning.",
    "lightning.",
    "lightning_fabric.",
    "torch.optim.",
    "torch.jit._pickle",
];

/// What the name `module.name` means.
///
/// # Errors
/// [`Fault::Foreign`] for any that a checkpoint has no need of.
pub fn known(module: &str, name: &str) -> Result<Known, Fault> {
    // Classes of a TorchScript archive: their code lies in the archive and is not looked at.
    if module == "__torch__" || module.starts_with("__torch__.") {
        return Ok(Known::Class);
    }
    if INERT_MODULES.iter().any(|inert| module.starts_with(inert)) {
        return Ok(Known::Inert);
    }
    let known = match (module, name) {
        ("collections", "OrderedDict" | "defaultdict" | "Counter") => Known::Mapping,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Known::Tensor,
        ("torch._utils", "_rebuild_tensor_v3") => Known::TypedTensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Known::Parameter,
        ("torch._tensor", "_rebuild_from_type_v2") => Known::Wrapped,
        ("torch", _) => return of_torch(name).ok_or_else(|| foreign(module, name)),
        ("torch.storage", "UntypedStorage") => Known::Storage(Dtype::U8),
        ("argparse", "Namespace") | ("types", "SimpleNamespace") => Known::Class,
        ("torch.nn.parameter", "Parameter" | "Buffer")
        | ("torch.serialization", "_get_layout")
        | ("torch.torch_version", "TorchVersion")
        | ("_codecs", "encode")
        | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct")
        | ("numpy", "dtype" | "ndarray" | "float64" | "float32" | "int64")
        | ("numpy.dtypes", _)
        | ("copyreg" | "copy_reg", "_reconstructor")
        | ("pathlib" | "pathlib._local", "Path" | "PosixPath" | "WindowsPath" | "PurePosixPath" | "PureWindowsPath")
        | ("datetime", "datetime" | "date" | "timedelta" | "timezone")
        | (
            "builtins" | "__builtin__",
            "set" | "frozenset" | "list" | "dict" | "tuple" | "int" | "float" | "bool" | "str" | "bytes" | "complex"
            | "bytearray" | "slice" | "range" | "xrange" | "long" | "unicode" | "object",
        ) => Known::Inert,
        _ => return Err(foreign(module, name)),
    };
    Ok(known)
}

fn of_torch(name: &str) -> Option<Known> {
    if let Some(kind) = name.strip_suffix("Storage") {
        return Some(Known::Storage(match kind {
            "Double" => Dtype::F64,
            "Float" => Dtype::F32,
            "Half" => Dtype::F16,
            "BFloat16" => Dtype::BF16,
            "Long" => Dtype::I64,
            "Int" => Dtype::I32,
            "Short" => Dtype::I16,
            "Char" => Dtype::I8,
            "Byte" | "Untyped" => Dtype::U8,
            "Bool" => Dtype::BOOL,
            _ => return None,
        }));
    }
    Some(match name {
        "float64" | "double" => Known::Number(Dtype::F64),
        "float32" | "float" => Known::Number(Dtype::F32),
        "float16" | "half" => Known::Number(Dtype::F16),
        "bfloat16" => Known::Number(Dtype::BF16),
        "int64" | "long" => Known::Number(Dtype::I64),
        "int32" | "int" => Known::Number(Dtype::I32),
        "int16" | "short" => Known::Number(Dtype::I16),
        "int8" => Known::Number(Dtype::I8),
        "uint64" => Known::Number(Dtype::U64),
        "uint32" => Known::Number(Dtype::U32),
        "uint16" => Known::Number(Dtype::U16),
        "uint8" => Known::Number(Dtype::U8),
        "bool" => Known::Number(Dtype::BOOL),
        "Size" | "device" | "Tensor" => Known::Inert,
        _ => return None,
    })
}

fn foreign(module: &str, name: &str) -> Fault {
    Fault::Foreign(shown(&format!("{module}.{name}")))
}

/// A name out of a file, fit to be printed.
pub fn shown(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_is_refused_by_its_name() {
        for (module, name) in [
            ("os", "system"),
            ("posix", "system"),
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("__builtin__", "exec"),
            ("subprocess", "Popen"),
            ("torch", "load"),
            ("torch", "ComplexFloatStorage"),
            ("torch.hub", "load"),
            ("basicsr.models.archs.restormer_arch", "Restormer"),
        ] {
            assert_eq!(known(module, name), Err(Fault::Foreign(format!("{module}.{name}"))));
        }
    }

    #[test]
    fn names_are_shown_without_control_characters_and_not_at_length() {
        let Err(Fault::Foreign(text)) = known("a\u{1b}[31m", &"x".repeat(1000)) else {
            panic!("a foreign name passed");
        };
        assert!(text.len() < 200 && !text.contains('\u{1b}'), "{text}");
    }
}

//! What CUDA needs at run time, looked for before Burn does, which would panic where something is missing.
//!
//! Kernels are written in CUDA C++ while the program runs and compiled by NVRTC, so beside the driver it needs that library
//! and the headers of the CUDA toolkit.

use std::{
    env,
    error::Error,
    fmt,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use libloading::{Library, Symbol};

/// How CUDA stands on this machine and in this program.
#[derive(Clone, Debug, PartialEq)]
pub struct Cuda {
    /// The program was built with the feature `cuda`.
    pub built: bool,
    /// The GPUs that the driver shows, or why it shows none.
    pub driver: Result<usize, String>,
    /// NVRTC can be loaded.
    pub nvrtc: bool,
    /// The folder of the headers, or where they were looked for.
    pub headers: Result<PathBuf, String>,
}

/// One thing without which no GPU can be used.
#[derive(Clone, Debug, PartialEq)]
pub enum Missing {
    /// The feature; whether the machine has GPUs that it would be good for.
    Feature {
        gpus: usize,
    },
    Driver(String),
    Nvrtc,
    Headers(String),
}

/// The library of the driver, and that of the compiler, under the names that NVIDIA gives them.
const DRIVER: [&str; 2] = ["", ".1"];
const NVRTC: [&str; 4] = ["", ".13", ".12", ".11"];

/// A header that kernels include.
const HEADER: &str = "cuda_fp16.h";

impl Cuda {
    /// Loads the driver and asks it.
    pub fn look() -> Self {
        Self {
            built: cfg!(feature = "cuda"),
            driver: gpus_of_driver(),
            nvrtc: library("nvrtc", &NVRTC).is_ok(),
            headers: headers(env::var_os("CUDA_PATH").as_deref().map(Path::new)),
        }
    }

    /// How many GPUs can be used, or the first thing that is missing.
    pub fn gpus(&self) -> Result<usize, Missing> {
        match self.missing().into_iter().next() {
            Some(missing) => Err(missing),
            None => Ok(self.driver.as_ref().copied().unwrap_or(0)),
        }
    }

    /// Everything that is missing. What a program without the feature would need besides does not matter yet.
    pub fn missing(&self) -> Vec<Missing> {
        if !self.built {
            let gpus = self.driver.as_ref().copied().unwrap_or(0);
            return vec![Missing::Feature { gpus }];
        }
        let driver = self.driver.as_ref().err().cloned().map(Missing::Driver);
        let nvrtc = (!self.nvrtc).then_some(Missing::Nvrtc);
        let headers = self.headers.as_ref().err().cloned().map(Missing::Headers);
        driver.into_iter().chain(nvrtc).chain(headers).collect()
    }
}

impl Missing {
    /// What it is about, in a word.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Feature { .. } => "CUDA",
            Self::Driver(_) => "CUDA driver",
            Self::Nvrtc => "CUDA compiler",
            Self::Headers(_) => "CUDA headers",
        }
    }

    pub fn to_do(&self) -> &'static str {
        match self {
            Self::Feature { .. } => {
                "build with `cargo build --release --features cuda` (docs/gpu.md), or use --device cpu"
            }
            Self::Driver(_) => "install NVIDIA's driver (`nvidia-smi` shows whether it works), or use --device cpu",
            Self::Nvrtc => {
                "install the CUDA toolkit, or its part NVRTC; where it is there, name the folder of libnvrtc.so in \
                 LD_LIBRARY_PATH"
            }
            Self::Headers(_) => {
                "install the CUDA toolkit, or set CUDA_PATH to the folder whose include/ holds its headers"
            }
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature { gpus: 0 } => f.write_str("this program was built without CUDA"),
            Self::Feature { gpus } => write!(f, "this program was built without CUDA (the machine has GPUs: {gpus})"),
            Self::Driver(why) => write!(f, "the NVIDIA driver shows no GPU: {why}"),
            Self::Nvrtc => f.write_str("NVRTC, which compiles its kernels, cannot be loaded (libnvrtc.so)"),
            Self::Headers(why) => write!(f, "the headers of CUDA are not found: {why}"),
        }
    }
}

/// A GPU that [`Cuda::look`] saw.
#[cfg(feature = "cuda")]
pub(super) fn device(number: usize) -> Device {
    Device::cuda(number)
}

/// Nothing that [`Cuda::look`] saw comes here: without the feature it shows no GPU.
#[cfg(not(feature = "cuda"))]
pub(super) fn device(number: usize) -> Device {
    unreachable!("cuda:{number} in a program that was built without CUDA")
}

fn library(name: &str, versions: &[&str]) -> Result<Library, String> {
    let file = |version: &&str| format!("{}{name}{}{version}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let mut first = None;
    for version in versions {
        // SAFETY: NVIDIA's libraries do nothing on being loaded that this program could disturb.
        match unsafe { Library::new(file(version)) } {
            Ok(library) => return Ok(library),
            // The loader's own words are the source.
            Err(error) => first = first.or_else(|| Some(error.source().map_or(error.to_string(), ToString::to_string))),
        }
    }
    Err(first.unwrap_or_default())
}

fn gpus_of_driver() -> Result<usize, String> {
    type Init = unsafe extern "C" fn(u32) -> i32;
    type Count = unsafe extern "C" fn(*mut i32) -> i32;

    // The driver stays: what it has begun it does not end when its library is closed.
    let driver: &Library = Box::leak(Box::new(library("cuda", &DRIVER)?));
    let code = |what: &str, code: i32| match code {
        0 => Ok(()),
        code => Err(format!("{what} gave error {code}")),
    };
    let mut count = 0;
    // SAFETY: the functions have these types since CUDA 2.0; the count outlives its call.
    unsafe {
        let init: Symbol<Init> = driver.get(b"cuInit").map_err(|error| error.to_string())?;
        code("cuInit", init(0))?;
        let get_count: Symbol<Count> = driver.get(b"cuDeviceGetCount").map_err(|error| error.to_string())?;
        code("cuDeviceGetCount", get_count(&raw mut count))?;
    }
    match usize::try_from(count) {
        Ok(0) | Err(_) => Err("it counts none (CUDA_VISIBLE_DEVICES may hide them)".into()),
        Ok(count) => Ok(count),
    }
}

/// Where CubeCL, which writes the kernels, will look for them.
fn headers(cuda_path: Option<&Path>) -> Result<PathBuf, String> {
    let places: Vec<PathBuf> = match cuda_path {
        Some(path) => vec![path.into()],
        None => ["/usr/local/cuda", "/opt/cuda", "/usr"].map(PathBuf::from).into(),
    };
    let include = places.iter().map(|place| place.join("include"));
    include
        .into_iter()
        .find(|folder| folder.join(HEADER).exists())
        .ok_or_else(|| {
            let names: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
            let by = if cuda_path.is_some() {
                "CUDA_PATH"
            } else {
                "the default places"
            };
            format!("there is no include/{HEADER} in {} ({by})", names.join(", "))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Cuda {
        Cuda {
            built: true,
            driver: Ok(2),
            nvrtc: true,
            headers: Ok("/usr/local/cuda/include".into()),
        }
    }

    #[test]
    fn nothing_is_missing_where_all_is_there() {
        assert_eq!(whole().missing(), []);
        assert_eq!(whole().gpus(), Ok(2));
    }

    #[test]
    fn each_thing_that_is_missing_is_named_with_what_to_do() {
        let bare = Cuda {
            built: true,
            driver: Err("libcuda.so: not found".into()),
            nvrtc: false,
            headers: Err("nowhere".into()),
        };
        let told: Vec<String> = bare
            .missing()
            .iter()
            .map(|missing| format!("{missing}; {}", missing.to_do()))
            .collect();
        assert_eq!(told.len(), 3);
        for (told, words) in told.iter().zip([
            ["libcuda.so", "driver"],
            ["NVRTC", "LD_LIBRARY_PATH"],
            ["nowhere", "CUDA_PATH"],
        ]) {
            assert!(words.iter().all(|word| told.contains(word)), "{told}");
        }
        assert_eq!(
            Cuda {
                nvrtc: false,
                ..whole()
            }
            .missing(),
            [Missing::Nvrtc]
        );
    }

    #[test]
    fn without_the_feature_that_alone_is_told_and_the_gpus_it_would_open() {
        let plain = Cuda {
            built: false,
            nvrtc: false,
            ..whole()
        };
        assert_eq!(plain.missing(), [Missing::Feature { gpus: 2 }]);
        assert!(plain.gpus().unwrap_err().to_string().contains("GPUs: 2"));
        let bare = Cuda {
            driver: Err("no".into()),
            ..plain
        };
        assert_eq!(bare.missing(), [Missing::Feature { gpus: 0 }]);
    }

    #[test]
    fn headers_are_looked_for_where_cuda_path_says() {
        let folder = tempfile::tempdir().unwrap();
        let error = headers(Some(folder.path())).unwrap_err();
        assert!(error.contains("CUDA_PATH") && error.contains(HEADER), "{error}");
        let include = folder.path().join("include");
        std::fs::create_dir(&include).unwrap();
        std::fs::write(include.join(HEADER), "").unwrap();
        assert_eq!(headers(Some(folder.path())), Ok(include));
    }
}

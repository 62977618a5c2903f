//! Degraded pictures made from clean ones: the first stage of the pipeline. One file a degradation.
//!
//! | kind | model | file |
//! | --- | --- | --- |
//! | noise | additive white Gaussian noise | `noise.rs` |
//! | haze | atmospheric scattering (Narasimhan and Nayar 2002), ranges of RESIDE | `haze.rs` |
//! | rain | additive streaks (Yang et al. 2017, Rain100L) | `rain.rs` |
//! | blur | a shaking camera's path (Boracchi and Foi 2012), averaged in linear light as GoPro | `blur.rs` |
//! | low-light | gamma and gain with photon noise (MBLLEN, Lv et al. 2018) | `low_light.rs` |
//!
//! A degradation is its parameters; what it does is a pure function of (parameters, clean picture, seed), with the same
//! bytes on every machine. To add one: its file, and one line in [`recipes!`] below.

pub mod blur;
mod filter;
pub mod haze;
pub mod low_light;
pub mod noise;
pub mod rain;

use serde::{Deserialize, Serialize};

use crate::picture::Picture;
use crate::random::Key;

pub use blur::Blur;
pub use haze::Haze;
pub use low_light::LowLight;
pub use noise::{Noise, Protocol};
pub use rain::Rain;

/// What every degradation can say and do.
pub trait Degrade {
    /// Its kind, as written in `kind = "…"`.
    fn kind(&self) -> &'static str;

    /// What tables call it. Only noise has levels that tables tell apart (noise15, noise25, noise50).
    fn label(&self) -> String {
        self.kind().to_owned()
    }

    /// Refuses parameters that no picture can be made with; the message says which, and what it may be.
    fn check(&self) -> Result<(), String>;

    /// The degraded picture, of the same size.
    fn apply(&self, clean: &Picture, seed: u64) -> Picture;
}

/// Declares [`Recipe`]: one variant a degradation.
macro_rules! recipes {
    ($($name:ident = $kind:literal),+ $(,)?) => {
        /// A degradation with its parameters, as settings and the database hold it:
        /// `{ kind = "noise", sigma = 25 }`, `{ kind = "haze" }`, `{ kind = "rain", density = [4, 8] }`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        pub enum Recipe {
            $(#[serde(rename = $kind)] $name($name)),+
        }

        impl Recipe {
            /// The kinds there are.
            pub const KINDS: &[&str] = &[$($kind),+];
        }

        impl Degrade for Recipe {
            fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $kind),+ }
            }

            fn label(&self) -> String {
                match self { $(Self::$name(it) => it.label()),+ }
            }

            fn check(&self) -> Result<(), String> {
                match self { $(Self::$name(it) => it.check()),+ }
            }

            fn apply(&self, clean: &Picture, seed: u64) -> Picture {
                match self { $(Self::$name(it) => it.apply(clean, seed)),+ }
            }
        }
    };
}

recipes! {
    Noise = "noise",
    Haze = "haze",
    Rain = "rain",
    Blur = "blur",
    LowLight = "low-light",
}

/// The seed of one picture: depends on its name, not on its place in a folder.
pub fn picture_seed(seed: u64, picture_name: &str) -> u64 {
    Key::new("picture", seed).text(picture_name).seed()
}

/// Checks that a range is two finite ends in order and within what is possible.
fn check_range(name: &str, range: [f64; 2], possible: [f64; 2]) -> Result<(), String> {
    let [low, high] = range;
    let [least, most] = possible;
    if low.is_finite() && high.is_finite() && least <= low && low <= high && high <= most {
        return Ok(());
    }
    Err(format!(
        "{name} = [{low}, {high}] is impossible: it must be [low, high] with {least} <= low <= high <= {most}"
    ))
}

/// Checks that a single value is finite and within what is possible.
fn check_value(name: &str, value: f64, possible: [f64; 2]) -> Result<(), String> {
    let [least, most] = possible;
    if value.is_finite() && least <= value && value <= most {
        return Ok(());
    }
    Err(format!(
        "{name} = {value} is impossible: it must lie between {least} and {most}"
    ))
}

/// A level in \[0, 1\] (anything outside is clipped) as the nearest of the 256.
fn to_level(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scene;

    /// PSNR over RGB in dB, 8 bits.
    pub fn psnr(a: &Picture, b: &Picture) -> f64 {
        let sum: f64 = a
            .rgb
            .iter()
            .zip(&b.rgb)
            .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
            .sum();
        10.0 * (255.0f64 * 255.0 * a.rgb.len() as f64 / sum).log10()
    }

    /// The first 16 hexadecimal digits of a picture's blake3.
    pub fn digest(picture: &Picture) -> String {
        blake3::hash(&picture.rgb).to_hex()[..16].to_owned()
    }

    fn all() -> Vec<Recipe> {
        Recipe::KINDS
            .iter()
            .map(|kind| {
                let text = match *kind {
                    "noise" => r#"{"kind": "noise", "sigma": 25}"#.to_owned(),
                    other => format!(r#"{{"kind": "{other}"}}"#),
                };
                serde_json::from_str(&text).unwrap()
            })
            .collect()
    }

    #[test]
    fn every_kind_has_defaults_that_are_possible() {
        for (recipe, kind) in all().iter().zip(Recipe::KINDS) {
            assert_eq!(recipe.kind(), *kind);
            assert_eq!(recipe.check(), Ok(()));
        }
    }

    #[test]
    fn recipes_are_read_back_as_they_were_written() {
        for recipe in all() {
            let text = serde_json::to_string(&recipe).unwrap();
            assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe);
        }
    }

    #[test]
    fn unknown_kinds_and_parameters_are_refused_by_name() {
        for (text, word) in [
            (r#"{"kind": "noise", "sigma": 25, "sigmo": 1}"#, "sigmo"),
            (r#"{"kind": "noise"}"#, "sigma"),
            (r#"{"kind": "haze", "betta": [1, 2]}"#, "betta"),
            (r#"{"kind": "rain", "sigma": 25}"#, "sigma"),
            (r#"{"kind": "blur", "longth": 3}"#, "longth"),
            (r#"{"kind": "low-light", "gama": [1, 2]}"#, "gama"),
            (r#"{"kind": "snow"}"#, "snow"),
        ] {
            let error = serde_json::from_str::<Recipe>(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn labels_tell_noise_levels_apart_and_nothing_else() {
        let labels: Vec<String> = all().iter().map(Degrade::label).collect();
        assert_eq!(labels, ["noise25", "haze", "rain", "blur", "low-light"]);
    }

    #[test]
    fn every_degradation_keeps_the_size_and_depends_only_on_picture_and_seed() {
        for (width, height) in [(64, 48), (17, 33), (1, 1), (2, 5)] {
            let clean = scene::render(1, 0, width, height);
            for recipe in all() {
                let once = recipe.apply(&clean, 5);
                assert_eq!(
                    (once.width, once.height, once.rgb.len()),
                    (width, height, width * height * 3)
                );
                assert_eq!(once, recipe.apply(&clean, 5), "{}", recipe.kind());
                if width > 16 {
                    assert_ne!(once, recipe.apply(&clean, 6), "{}", recipe.kind());
                    assert_ne!(once, clean, "{}", recipe.kind());
                }
            }
        }
    }

    #[test]
    fn degraded_scenes_have_the_usual_psnr_of_their_kind() {
        let usual = [(20.0, 21.2), (11.0, 20.0), (24.0, 29.0), (21.0, 28.0), (7.5, 14.0)];
        for (recipe, (low, high)) in all().iter().zip(usual) {
            let mean = (0..20)
                .map(|index| {
                    let clean = scene::render(3, index, 128, 128);
                    psnr(&clean, &recipe.apply(&clean, index))
                })
                .sum::<f64>()
                / 20.0;
            assert!((low..high).contains(&mean), "{}: {mean:.2} dB", recipe.kind());
        }
    }

    #[test]
    fn photographs_degrade_to_the_usual_psnr_on_real_pictures() {
        let Some(root) = std::env::var_os("PERCEIVE_PICTURES") else {
            println!("skipped: PERCEIVE_PICTURES is not set");
            return;
        };
        let usual = [(20.0, 21.0), (11.0, 20.0), (23.0, 29.0), (21.0, 29.0), (7.5, 14.0)];
        let folder = std::path::Path::new(&root).join("CBSD68");
        let pictures = [
            "101085", "119082", "148026", "182053", "219090", "253027", "296007", "351093",
        ]
        .map(|name| Picture::open(&folder.join(format!("{name}.png"))).unwrap());
        for (recipe, (low, high)) in all().iter().zip(usual) {
            let of = |(i, clean): (usize, &Picture)| psnr(clean, &recipe.apply(clean, i as u64));
            let mean = pictures.iter().enumerate().map(of).sum::<f64>() / pictures.len() as f64;
            println!("{}: {mean:.2} dB", recipe.kind());
            assert!((low..high).contains(&mean), "{}: {mean:.2} dB", recipe.kind());
        }
    }

    #[test]
    fn the_bytes_of_every_degradation_are_those_of_the_first_release() {
        // A change here changes every degraded picture and every artefact made from one: raise the stage's version.
        let clean = scene::render(1, 1, 96, 64);
        let digests: Vec<String> = all().iter().map(|recipe| digest(&recipe.apply(&clean, 42))).collect();
        assert_eq!(
            digests,
            [
                "96edda32813fa61c",
                "9df5f3c35a62719e",
                "0d59ad5230e58240",
                "6e48015e36b5ceaa",
                "b45d0abe7b990685"
            ]
        );
    }

    #[test]
    fn a_picture_has_the_seed_of_its_name() {
        assert_eq!(picture_seed(1, "kodim01.png"), picture_seed(1, "kodim01.png"));
        assert_ne!(picture_seed(1, "kodim01.png"), picture_seed(1, "kodim02.png"));
        assert_ne!(picture_seed(1, "kodim01.png"), picture_seed(2, "kodim01.png"));
    }

    #[test]
    fn impossible_parameters_are_named() {
        for (text, word) in [
            (r#"{"kind": "noise", "sigma": -1}"#, "sigma"),
            (r#"{"kind": "haze", "beta": [2, 1]}"#, "beta"),
            (r#"{"kind": "haze", "airlight": [0.5, 1.5]}"#, "airlight"),
            (r#"{"kind": "rain", "length": [-3, 5]}"#, "length"),
            (r#"{"kind": "blur", "length": [0, 5000]}"#, "length"),
            (r#"{"kind": "low-light", "gamma": [0, 2]}"#, "gamma"),
            (r#"{"kind": "low-light", "photons": 0}"#, "photons"),
        ] {
            let recipe: Recipe = serde_json::from_str(text).unwrap();
            let message = recipe.check().unwrap_err();
            assert!(message.starts_with(word), "{message}");
        }
    }
}

//! What tests of the command line share: running the program in a home of its own, and planting pictures.

#![allow(dead_code, reason = "every test file uses its own part")]

pub mod disk;
pub mod equal;
pub mod mini;
pub mod process;
pub mod sweep;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A temporary folder with a home in it.
pub struct Desk {
    folder: tempfile::TempDir,
}

/// What one call of the program came to.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A path in the temporary folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the temporary folder as an argument.
    pub fn arg(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Runs `perceive-ir --home HOME ARGUMENTS`.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    /// `perceive-ir --home HOME ARGUMENTS`, to be run in the temporary folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perceive-ir"));
        command.arg("--home").arg(self.home()).args(arguments);
        // What the user's shell may set must not decide a test.
        command
            .env_remove("PERCEIVE_HOME")
            .env_remove("PERCEIVE_EXPERIMENTS")
            .env_remove("PERCEIVE_PICTURES")
            .env_remove("PERCEIVE_TORCH")
            .env_remove("PERCEIVE_SIMD")
            .env_remove("RAYON_NUM_THREADS")
            .env("TZ", "UTC")
            .current_dir(self.folder.path());
        command
    }

    /// Makes a picture of this size in the temporary folder; no two paths have the same contents.
    pub fn plant(&self, name: &str, width: u32, height: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let shade = name
            .bytes()
            .fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([shade, x as u8, y as u8]));
        picture.save(&path).unwrap();
        path
    }

    /// Makes `count` pairs in Rain100L's folders: `rain/input/N.png` and `rain/target/N.png`.
    pub fn plant_pairs(&self, folder: &str, count: usize) {
        for number in 1..=count {
            for side in ["input", "target"] {
                self.plant(&format!("{folder}/{side}/{number}.png"), 24, 16);
            }
        }
    }
}

impl Outcome {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks that the program succeeded.
    #[track_caller]
    pub fn fine(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Checks that the program failed with this code, and said all of this on stderr.
    #[track_caller]
    pub fn fails(self, code: i32, says: &[&str]) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        for words in says {
            assert!(self.stderr.contains(words), "no '{words}' in: {}", self.stderr);
        }
        self
    }
}

/// Cuts the last bytes off a file.
pub fn cut(path: &Path, bytes: usize) {
    let whole = fs::read(path).unwrap();
    fs::write(path, &whole[..whole.len() - bytes]).unwrap();
}

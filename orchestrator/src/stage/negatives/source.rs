//! Which proxy a job of the negatives stage means: what its pictures depend on, by hash, and where that lies.
//!
//! Where it lies and how long it may take decide no picture, so they are no part of the key ([`Source::essence`]).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{command::CommandLine, folder, onnx};
use crate::{
    failure::{Exit, Failure},
    hashes,
    home::Home,
    show::Talk,
    spec::proxy::{Origin, TIME_LIMIT},
    weights_store::WeightsStore,
};

/// Where a proxy's pictures come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The restorer of a medium artefact.
    Medium(String),
    /// Imported weights, by name and by the blake3 of their file (of the imported one or of the store's).
    Imported { name: String, blake3: String },
    /// Pictures that were restored elsewhere.
    Folder {
        /// Of the names and contents of its pictures.
        digest: String,
        #[serde(default, skip_serializing_if = "is_nowhere")]
        path: PathBuf,
    },
    /// A program of somebody else's.
    Command {
        line: CommandLine,
        /// The blake3 of each file that the line names.
        files: BTreeMap<PathBuf, String>,
        /// Where it is run.
        #[serde(default, skip_serializing_if = "is_nowhere")]
        folder: PathBuf,
        /// Of one call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_limit: Option<Duration>,
    },
    /// A network in one file.
    Onnx {
        blake3: String,
        multiple_of: usize,
        #[serde(default, skip_serializing_if = "is_nowhere")]
        path: PathBuf,
    },
}

fn is_nowhere(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

impl Source {
    /// What a proxy of the settings is just now.
    ///
    /// # Errors
    /// [`Exit::Unknown`] for weights that are not installed, [`Exit::Pictures`] for a folder that is not there,
    /// [`Exit::Weights`] for an ONNX file that is not there or cannot be a proxy.
    pub fn of(origin: &Origin, home: &Home, talk: Talk) -> Result<Self, Failure> {
        Ok(match origin {
            Origin::Weights(name) => Self::Imported {
                name: name.clone(),
                blake3: WeightsStore::of(home).named(name)?.stored_blake3,
            },
            Origin::Folder(path) => {
                let path = absolute(path);
                let digest = folder::Restored::look(&path, home, talk)?.digest;
                Self::Folder { digest, path }
            }
            Origin::Command {
                line,
                time_limit,
                folder,
            } => {
                let folder = absolute(folder);
                let named = line.files(&folder);
                let paths: Vec<PathBuf> = named.iter().map(|file| folder.join(file)).collect();
                let of = folder.join(&line.text);
                let files = named.into_iter().zip(hashes::of_files(&of, &paths, home, talk)?);
                Self::Command {
                    line: line.clone(),
                    files: files.collect(),
                    folder,
                    time_limit: Some(*time_limit),
                }
            }
            Origin::Onnx { file, multiple_of } => {
                let path = absolute(file);
                let blake3 = onnx::Model::open(&path, *multiple_of)?.blake3;
                Self::Onnx {
                    blake3,
                    multiple_of: *multiple_of,
                    path,
                }
            }
        })
    }

    /// What the same proxy is by now: equal, unless its weights, pictures or files have changed.
    ///
    /// # Errors
    /// See [`Source::of`].
    pub fn now(&self, home: &Home, talk: Talk) -> Result<Self, Failure> {
        let origin = match self.clone() {
            // The key of an artefact says what is in it.
            Self::Medium(_) => return Ok(self.clone()),
            Self::Imported { name, blake3 } => {
                let entry = WeightsStore::of(home).named(&name)?;
                if [&entry.blake3, &entry.stored_blake3].contains(&&blake3) {
                    return Ok(self.clone());
                }
                Origin::Weights(name)
            }
            Self::Folder { path, .. } => Origin::Folder(path),
            Self::Command {
                line,
                folder,
                time_limit,
                ..
            } => Origin::Command {
                line,
                folder,
                time_limit: time_limit.unwrap_or(TIME_LIMIT),
            },
            Self::Onnx { path, multiple_of, .. } => Origin::Onnx {
                file: path,
                multiple_of,
            },
        };
        Self::of(&origin, home, talk)
    }

    /// The same without what decides no picture.
    pub fn essence(&self) -> Self {
        let mut essence = self.clone();
        match &mut essence {
            Self::Medium(_) | Self::Imported { .. } => {}
            Self::Folder { path, .. } | Self::Onnx { path, .. } => *path = PathBuf::new(),
            Self::Command { folder, time_limit, .. } => (*folder, *time_limit) = (PathBuf::new(), None),
        }
        essence
    }

    /// One word for what kind of source it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Medium(_) | Self::Imported { .. } => "network",
            Self::Folder { .. } => "folder",
            Self::Command { .. } => "command",
            Self::Onnx { .. } => "onnx",
        }
    }

    /// Which one it is, for people: a name, a path, a line.
    pub fn title(&self) -> String {
        match self {
            Self::Medium(key) => format!("medium {}", key.get(..12).unwrap_or(key)),
            Self::Imported { name, .. } => name.clone(),
            Self::Folder { path, .. } | Self::Onnx { path, .. } => path.display().to_string(),
            Self::Command { line, .. } => line.text.clone(),
        }
    }

    /// A failure where this is no longer what was planned.
    pub fn changed(&self, proxy: &str) -> Failure {
        let text = format!(
            "the {} of proxy {proxy} has changed since it was planned: {}",
            self.kind(),
            self.title()
        );
        Failure::new(Exit::Pictures, text).help("run the same command again: it plans with what is there now")
    }
}

fn absolute(path: &Path) -> PathBuf {
    // The current folder is `.` to a path and nothing to `absolute`.
    let path = if is_nowhere(path) { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_a_time_limit_are_no_part_of_the_essence() {
        let command = |folder: &str, seconds| Source::Command {
            line: CommandLine {
                text: "cp {input} {output}".into(),
                shell: false,
            },
            files: BTreeMap::new(),
            folder: folder.into(),
            time_limit: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(command("/a", 1).essence(), command("/b", 2).essence());
        let text = serde_json::to_string(&command("/a", 1).essence()).unwrap();
        assert_eq!(
            text,
            r#"{"command":{"line":{"text":"cp {input} {output}"},"files":{}}}"#
        );
    }

    #[test]
    fn a_changed_script_is_another_source() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let script = folder.path().join("restore.sh");
        std::fs::write(&script, "cp $1 $2").unwrap();
        let origin = Origin::Command {
            line: CommandLine {
                text: "sh restore.sh {input} {output}".into(),
                shell: false,
            },
            time_limit: Duration::from_secs(9),
            folder: folder.path().to_path_buf(),
        };
        let source = Source::of(&origin, &home, Talk::Quiet).unwrap();
        assert_eq!(source.now(&home, Talk::Quiet).unwrap(), source);
        std::fs::write(&script, "cp -v $1 $2").unwrap();
        assert_ne!(source.now(&home, Talk::Quiet).unwrap().essence(), source.essence());
    }
}

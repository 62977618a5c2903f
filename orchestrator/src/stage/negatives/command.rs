//! The line of an external command: its words, and the placeholders for pictures.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::nearest;

/// A command as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLine {
    pub text: String,
    /// Whether `sh -c` reads it; otherwise it is split into words as a shell would, and that is all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shell: bool,
}

/// What one call of a command is handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// `{input}` and `{output}`.
    Picture,
    /// `{input_dir}` and `{output_dir}`.
    Folder,
}

impl Handed {
    /// The words in braces: of what is read, and of what is written.
    pub fn placeholders(self) -> [&'static str; 2] {
        match self {
            Self::Picture => ["input", "output"],
            Self::Folder => ["input_dir", "output_dir"],
        }
    }
}

impl CommandLine {
    pub fn handed(&self) -> Handed {
        if self.has("input_dir") || self.has("output_dir") {
            Handed::Folder
        } else {
            Handed::Picture
        }
    }

    /// What is wrong with it.
    pub fn check(&self) -> Option<String> {
        let [input, output] = self.handed().placeholders();
        let all = [Handed::Picture, Handed::Folder].map(Handed::placeholders).concat();
        let slip = self.in_braces().find_map(|word| {
            let near = nearest(word, all.iter().copied())?;
            (near != word).then(|| format!("there is no placeholder {{{word}}}; did you mean {{{near}}}?"))
        });
        if slip.is_some() {
            return slip;
        }
        if self.handed() == Handed::Folder && (self.has("input") || self.has("output")) {
            return Some(
                "{input} and {output} are single pictures, {input_dir} and {output_dir} folders: keep two".into(),
            );
        }
        if !(self.has(input) && self.has(output)) {
            return Some(format!(
                "the command must say where {{{input}}} and {{{output}}} stand, such as \
                 `python demo.py --input {{{input}}} --output {{{output}}}`"
            ));
        }
        if !self.shell && shlex::split(&self.text).is_none() {
            return Some("a quote or a backslash is left open: it cannot be split into words".into());
        }
        None
    }

    /// The program and its arguments, with these paths in the placeholders' places.
    pub fn words(&self, input: &Path, output: &Path) -> Vec<String> {
        let [of_input, of_output] = self.handed().placeholders();
        let paths = [(of_input, input), (of_output, output)];
        let filled = |text: &str, written: &dyn Fn(&Path) -> String| {
            paths.iter().fold(text.to_string(), |text, (name, path)| {
                text.replace(&format!("{{{name}}}"), &written(path))
            })
        };
        let plain = |path: &Path| path.display().to_string();
        if self.shell {
            let quoted = |path: &Path| shlex::try_quote(&plain(path)).map_or_else(|_| plain(path), String::from);
            return vec!["sh".into(), "-c".into(), filled(&self.text, &quoted)];
        }
        let words = shlex::split(&self.text).unwrap_or_default();
        words.iter().map(|word| filled(word, &plain)).collect()
    }

    /// The files that it names, as far as they are there: a script, a file of weights. Relative to `folder`, sorted.
    pub fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let words = shlex::split(&self.text).unwrap_or_default();
        let mut files: Vec<PathBuf> = words
            .iter()
            // `--weights=model.pth` names a file too.
            .flat_map(|word| [Some(word.as_str()), word.split_once('=').map(|(_, value)| value)])
            .flatten()
            .filter(|word| !word.contains('{') && folder.join(word).is_file())
            .map(PathBuf::from)
            .collect();
        files.sort();
        files.dedup();
        files
    }

    fn has(&self, placeholder: &str) -> bool {
        self.text.contains(&format!("{{{placeholder}}}"))
    }

    /// The lower-case words in braces.
    fn in_braces(&self) -> impl Iterator<Item = &str> {
        let parts = self
            .text
            .split('{')
            .skip(1)
            .filter_map(|part| Some(part.split_once('}')?.0));
        parts.filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> CommandLine {
        CommandLine {
            text: text.into(),
            shell: false,
        }
    }

    #[test]
    fn words_are_split_before_paths_are_put_in() {
        let words =
            line("python 'my demo.py' --in={input} {output}").words(Path::new("/a b/in.png"), Path::new("/out"));
        assert_eq!(words, ["python", "my demo.py", "--in=/a b/in.png", "/out"]);
        let shell = CommandLine {
            shell: true,
            ..line("cat {input_dir}/* > {output_dir}/all")
        };
        let words = shell.words(Path::new("/a b"), Path::new("/it's"));
        assert_eq!(words[..2], ["sh", "-c"]);
        assert_eq!(shlex::split(&words[2]).unwrap(), ["cat", "/a b/*", ">", "/it's/all"]);
    }

    #[test]
    fn a_line_that_cannot_work_is_told_apart() {
        assert_eq!(line("cp {input} {output}").check(), None);
        assert_eq!(line("awk '{print}' {input_dir} {output_dir}").check(), None);
        for (text, says) in [
            ("cp {input} out.png", "must say where {input} and {output} stand"),
            ("cp {inptu} {output}", "did you mean {input}?"),
            ("cp {input_dir} {output}", "keep two"),
            ("cp {input_dir} x", "{output_dir}"),
            ("cp '{input} {output}", "left open"),
        ] {
            let told = line(text).check().unwrap();
            assert!(told.contains(says), "{text}: {told}");
        }
    }

    #[test]
    fn the_files_that_a_line_names_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["demo.py", "model.pth", "input"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let found = line("python demo.py --weights=model.pth {input} {output} nothing.txt").files(folder.path());
        assert_eq!(found, [PathBuf::from("demo.py"), PathBuf::from("model.pth")]);
    }
}

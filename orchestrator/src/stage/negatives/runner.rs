//! The pictures of an external command: it is handed copies, and what it leaves is looked at before it is believed.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use perceive_datasets::picture::Picture;

use super::{
    call::{self, Ended, How},
    command::{CommandLine, Handed},
    folder::Restored,
};
use crate::{
    failure::{Exit, Failure, own_picture, plain},
    stage::{
        Context,
        context::create_folder,
        medium::{Turn, place},
        pairs::{Pair, Set, file_name, png_name},
    },
};

/// How often a run tells that it lives while its command works.
const BETWEEN_BEATS: Duration = Duration::from_secs(5);

/// A command that restores the pictures of one job.
pub struct Runner<'a> {
    pub proxy: &'a str,
    pub line: &'a CommandLine,
    /// Where it is run.
    pub folder: &'a Path,
    pub time_limit: Duration,
    pub sets: &'a [Set],
    pub pairs: &'a [Vec<Pair>],
    /// What a call for a whole folder has left, by set and picture.
    pub left: HashMap<(String, String), PathBuf>,
}

impl Runner<'_> {
    /// The restored picture of one pair. `None`: stopped on request.
    ///
    /// # Errors
    /// [`Exit::Run`] where the command cannot be started, fails, or takes too long; [`Exit::Pictures`] where what it leaves
    /// is missing, no picture, or of another size.
    pub fn picture(
        &mut self,
        context: &mut Context,
        turn: Turn,
        set: &Set,
        pair: &Pair,
    ) -> Result<Option<Picture>, Failure> {
        match self.line.handed() {
            Handed::Picture => self.one(context, turn, set, pair),
            Handed::Folder => {
                let key = (set.label.clone(), pair.name.clone());
                if !self.left.contains_key(&key) && !self.whole_set(context, turn, set)? {
                    return Ok(None);
                }
                Ok(self
                    .left
                    .get(&key)
                    .map(|path| Picture::open(path))
                    .transpose()
                    .map_err(own_picture)?)
            }
        }
    }

    fn one(&self, context: &mut Context, turn: Turn, set: &Set, pair: &Pair) -> Result<Option<Picture>, Failure> {
        let [inputs, outputs] = fresh_folders(context)?;
        let input = inputs.join(copied_name(pair));
        let output = outputs.join(png_name(&pair.name));
        copy(&pair.degraded, &input)?;
        let whose = format!("{}/{}", set.folder(), pair.name);
        let Some(last) = self.call(context, turn, &whose, &input, &output)? else {
            return Ok(None);
        };
        let wrong = |what: String| {
            let text = format!(
                "the command of proxy {} {what}, for {whose}: {}{}",
                self.proxy,
                self.line.text,
                indented(&last)
            );
            Failure::new(Exit::Pictures, text).help(format!("{{output}} was {}", output.display()))
        };
        if output.is_dir() {
            return Err(wrong("made a folder in the place of its picture".into()));
        }
        if !output.exists() {
            return Err(wrong("wrote no picture".into()));
        }
        let restored =
            Picture::open(&output).map_err(|error| wrong(format!("wrote no whole picture ({})", error.reason())))?;
        let degraded = Picture::open(&input)?;
        let size = |picture: &Picture| format!("{}x{}", picture.width, picture.height);
        if size(&restored) != size(&degraded) {
            return Err(wrong(format!(
                "wrote a picture of {}, not {}",
                size(&restored),
                size(&degraded)
            )));
        }
        Ok(Some(restored))
    }

    /// Hands over all pictures of a set that are not there yet. `false`: stopped on request.
    fn whole_set(&mut self, context: &mut Context, turn: Turn, set: &Set) -> Result<bool, Failure> {
        let [inputs, outputs] = fresh_folders(context)?;
        // What another set's call has left is gone with its folder.
        self.left.clear();
        let pairs = self
            .sets
            .iter()
            .zip(self.pairs)
            .find(|(other, _)| other.label == set.label);
        let pairs = pairs.map_or(&[][..], |(_, pairs)| pairs);
        let wanted: Vec<(&Set, &Pair)> = pairs
            .iter()
            .filter(|pair| pair.border == 0 && !place(context, set, pair).exists())
            .map(|pair| (set, pair))
            .collect();
        for (_, pair) in &wanted {
            copy(&pair.degraded, &inputs.join(copied_name(pair)))?;
        }
        let Some(last) = self.call(context, turn, &set.folder(), &inputs, &outputs)? else {
            return Ok(false);
        };
        let fit = Restored::list(&outputs)
            .and_then(|restored| restored.fit(&wanted))
            .map_err(|failure| {
                let text = format!(
                    "the command of proxy {}: {}{}",
                    self.proxy,
                    failure.message,
                    indented(&last)
                );
                Failure::new(failure.exit, text).help(format!("it was {}", self.line.text))
            })?;
        let key = |(set, pair): &(&Set, &Pair)| (set.label.clone(), pair.name.clone());
        self.left = wanted.iter().map(key).zip(fit.files).collect();
        Ok(true)
    }

    /// Runs the command and gives its last lines; `None`: stopped on request.
    fn call(
        &self,
        context: &mut Context,
        turn: Turn,
        whose: &str,
        input: &Path,
        output: &Path,
    ) -> Result<Option<Vec<String>>, Failure> {
        let words = self.line.words(input, output);
        let mut beat = Instant::now();
        let stops = || {
            if beat.elapsed() >= BETWEEN_BEATS {
                beat = Instant::now();
                // Where this cannot be told, neither can what follows.
                let _ = context.progress(turn.done, turn.of, &[]);
            }
            context.should_stop()
        };
        let failed = |how: String, last: &[String]| {
            let text = format!(
                "the command of proxy {} {how}, for {whose}: {}{}",
                self.proxy,
                self.line.text,
                indented(last)
            );
            Failure::new(Exit::Run, text)
        };
        let Ended { how, last } =
            call::call(&words, self.folder, self.time_limit, std::io::stderr(), stops).map_err(|error| {
                let program = words.first().map_or("", String::as_str);
                failed(format!("cannot be started ({program}: {})", plain(&error)), &[]).help(format!(
                    "it is run in {}; `shell = true` hands it to sh",
                    self.folder.display()
                ))
            })?;
        let log = context.work().join("output.log");
        match how {
            How::Stopped => Ok(None),
            How::Exit(status) if status.success() => Ok(Some(last)),
            How::Exit(status) => Err(failed(format!("failed ({status})"), &last).help(format!(
                "its output is in {}; it was run in {}",
                log.display(),
                self.folder.display()
            ))),
            How::OutOfTime => {
                let limit = crate::time::write(self.time_limit);
                Err(failed(format!("did not end within {limit}"), &last).help(format!(
                    "its output is in {}; give it longer with time_limit = \"1h\"",
                    log.display()
                )))
            }
        }
    }
}

/// Empty folders for what is read and what is written, as any program finds them.
fn fresh_folders(context: &Context) -> Result<[PathBuf; 2], Failure> {
    let failed = |error| Failure::io(format!("cannot use {}", context.work().display()), &error);
    let call = std::path::absolute(context.work().join("call")).map_err(failed)?;
    if call.exists() {
        fs::remove_dir_all(&call).map_err(failed)?;
    }
    let folders = [call.join("input"), call.join("output")];
    folders.iter().try_for_each(|folder| create_folder(folder))?;
    Ok(folders)
}

/// A program that writes into its input must not change ours.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = fs::copy(from, to);
    copied.map(drop).map_err(|error| {
        let mut failure = Failure::io(format!("cannot copy {} to {}", from.display(), to.display()), &error);
        if error.kind() == std::io::ErrorKind::NotFound {
            failure.exit = Exit::Pictures;
        }
        failure
    })
}

/// The pair's name with the degraded picture's ending.
fn copied_name(pair: &Pair) -> String {
    let ending = pair.degraded.extension().unwrap_or_default().to_string_lossy();
    format!("{}.{ending}", file_name(&pair.name))
}

fn indented(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| format!("\n  {line}"));
    lines.collect()
}

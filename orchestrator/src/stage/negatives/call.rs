//! One call of an external command: in a process group of its own, with a time limit, its output in the run's log.

use std::{
    collections::VecDeque,
    io::{self, PipeReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Between the first request to end and the last.
const GRACE: Duration = Duration::from_secs(1);

/// How often a call is looked at, at first and later.
const LOOKS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// So much of a call's output goes into the run's log.
const LOGGED: usize = 1 << 20;

/// So many of its last lines are shown, each cut to so many bytes.
const LINES: usize = 12;
const LINE: usize = 400;

/// How a call ended.
pub struct Ended {
    pub how: How,
    /// The last lines that it wrote.
    pub last: Vec<String>,
}

#[derive(Debug)]
pub enum How {
    /// By itself.
    Exit(ExitStatus),
    /// After its time was over.
    OutOfTime,
    /// Somebody wants this run to stop.
    Stopped,
}

/// Runs the command of these words in `folder`; what it writes goes into `log`. `stops` is asked all along whether to
/// give up.
///
/// # Errors
/// Where it cannot be started or waited for.
pub fn call(
    words: &[String],
    folder: &Path,
    limit: Duration,
    log: impl Write + Send + 'static,
    mut stops: impl FnMut() -> bool,
) -> io::Result<Ended> {
    let (mut child, output) = start(words, folder)?;
    let output = read(output, log);
    let began = Instant::now();
    let mut between = LOOKS[0];
    let how = loop {
        if is_over(&child)? {
            break None;
        }
        if stops() {
            break Some(How::Stopped);
        }
        if began.elapsed() >= limit {
            break Some(How::OutOfTime);
        }
        sleep(between);
        between = (between * 2).min(LOOKS[1]);
    };
    if how.is_some() {
        signal(&child, Signal::TERM);
        let asked = Instant::now();
        while !is_over(&child)? && asked.elapsed() < GRACE {
            sleep(LOOKS[1]);
        }
    }
    // Whatever it has started goes with it. The group keeps its number until its leader is waited for.
    signal(&child, Signal::KILL);
    let status = child.wait()?;
    // Only what left the group could still hold the pipe open.
    let last = output.recv_timeout(GRACE).unwrap_or_default();
    Ok(Ended {
        how: how.unwrap_or(How::Exit(status)),
        last,
    })
}

fn start(words: &[String], folder: &Path) -> io::Result<(Child, PipeReader)> {
    let (reader, writer) = io::pipe()?;
    let [program, arguments @ ..] = words else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"));
    };
    // A program with a path is meant from the folder that the command is run in.
    let program = if program.contains('/') {
        folder.join(program)
    } else {
        program.into()
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    end_with_this_process(&mut command);
    Ok((command.spawn()?, reader))
}

/// A worker that is killed takes the command along.
#[cfg(target_os = "linux")]
fn end_with_this_process(command: &mut Command) {
    let ask = || rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from);
    // SAFETY: between fork and exec this makes one system call and allocates nothing.
    unsafe { command.pre_exec(ask) };
}

#[cfg(not(target_os = "linux"))]
fn end_with_this_process(_: &mut Command) {}

/// Whether it has ended; it is not waited for, so that its group keeps its number.
fn is_over(child: &Child) -> io::Result<bool> {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(Pid::from_child(child)), look)?.is_some())
}

fn signal(child: &Child, signal: Signal) {
    // There may be nobody left to hear it.
    let _ = kill_process_group(Pid::from_child(child), signal);
}

/// Passes what comes through the pipe on to the log, and tells the last lines when it closes.
fn read(mut output: PipeReader, mut log: impl Write + Send + 'static) -> Receiver<Vec<String>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut tail = Tail::default();
        let mut left = LOGGED;
        let mut bytes = [0; 8192];
        while let Ok(read @ 1..) = output.read(&mut bytes) {
            tail.add(&bytes[..read]);
            let logged = read.min(left);
            // A log that cannot be written is not worth ending a run for.
            let _ = log.write_all(&bytes[..logged]);
            if left > 0 && logged == left {
                let _ = writeln!(log, "\n[further output of the command is not kept]");
            }
            left -= logged;
        }
        // Nobody may listen any more.
        let _ = sender.send(tail.lines());
    });
    receiver
}

/// The last lines of a stream of bytes, whatever its length and that of its lines.
#[derive(Default)]
struct Tail {
    lines: VecDeque<Vec<u8>>,
    line: Vec<u8>,
}

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                // Progress bars go back to the beginning of their line.
                b'\n' | b'\r' => self.end_line(),
                byte if self.line.len() < LINE => self.line.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
            self.lines.push_back(line);
        }
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    fn lines(mut self) -> Vec<String> {
        self.end_line();
        let text = |line: &Vec<u8>| String::from_utf8_lossy(line).trim_end().to_string();
        self.lines.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration, stops: impl FnMut() -> bool) -> Ended {
        let words = ["sh", "-c", script].map(String::from);
        call(&words, Path::new("/"), limit, io::sink(), stops).unwrap()
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn the_last_lines_are_kept_of_whatever_length() {
        let mut tail = Tail::default();
        for number in 0..100 {
            tail.add(format!("line {number}\r\n").as_bytes());
        }
        tail.add(&[b'x'; 10_000]);
        let lines = tail.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[LINES - 2], "line 99");
        assert_eq!(lines[LINES - 1].len(), LINE);
    }

    #[test]
    fn a_call_tells_how_it_ended_and_what_it_said() {
        let ended = sh("echo one; echo two >&2; exit 3", LONG, || false);
        assert!(matches!(ended.how, How::Exit(status) if status.code() == Some(3)));
        assert_eq!(ended.last, ["one", "two"]);
        let nowhere = ["no-such-program".to_string()];
        assert!(call(&nowhere, Path::new("/"), LONG, io::sink(), || false).is_err());
    }

    #[test]
    fn megabytes_of_output_are_drained() {
        let ended = sh("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end", LONG, || false);
        assert!(matches!(ended.how, How::Exit(status) if status.success()));
        assert_eq!(ended.last.last().map(String::as_str), Some("end"));
    }

    #[test]
    fn a_call_that_is_given_up_takes_its_children_along() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("child");
        // A child that does not listen to SIGTERM, and a leader that waits for it.
        let script = format!(
            "sh -c 'trap \"\" TERM; echo $$ > {}; while :; do sleep 1; done' & wait",
            file.display()
        );
        for stops in [true, false] {
            let _ = std::fs::remove_file(&file);
            let began = || std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'));
            let limit = if stops { LONG } else { Duration::from_secs(2) };
            let ended = sh(&script, limit, || stops && began());
            assert_eq!(matches!(ended.how, How::Stopped), stops, "{:?}", ended.how);
            let child: u32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
            let killed = Instant::now();
            while crate::process::identity(child).is_some() {
                assert!(killed.elapsed() < LONG, "the child lives on");
                sleep(LOOKS[1]);
            }
        }
    }

    #[test]
    fn what_a_call_leaves_in_the_background_is_ended() {
        let ended = sh("sleep 600 & echo $!", LONG, || false);
        let child: u32 = ended.last[0].parse().unwrap();
        let ended = Instant::now();
        while crate::process::identity(child).is_some() {
            assert!(ended.elapsed() < LONG, "the child lives on");
            sleep(LOOKS[1]);
        }
    }
}

//! Running the program in the background, to disturb it: Ctrl-C, SIGTERM, kill -9 of it or of its worker.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessStatus, ProcessesToUpdate, System};

use super::{Desk, Outcome};

/// A program that is running, with its output in files.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Desk {
    /// Starts `perceive-ir --home HOME ARGUMENTS` and returns at once.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let (stdout, stderr) = (self.path("stdout.txt"), self.path("stderr.txt"));
        let child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Running { child, stdout, stderr }
    }

    /// Whether the program that was started last has said this on stderr.
    pub fn said(&self, words: &str) -> bool {
        std::fs::read_to_string(self.path("stderr.txt")).is_ok_and(|text| text.contains(words))
    }

    /// Waits until a training has saved its state.
    #[track_caller]
    pub fn wait_for_saved_state(&self) {
        let work = self.home().join("work");
        wait_until("a training saves its state", || {
            let Ok(entries) = std::fs::read_dir(&work) else {
                return false;
            };
            entries
                .flatten()
                .filter_map(|entry| std::fs::read_dir(entry.path().join("checkpoints")).ok())
                .flatten()
                .flatten()
                .any(|file| {
                    let path = file.path();
                    let is_checkpoint = file.file_name().to_string_lossy().starts_with("step-");
                    is_checkpoint && path.extension().is_some_and(|ending| ending == "safetensors")
                })
        });
    }
}

impl Running {
    /// Sends a signal to the program itself.
    pub fn signal(&self, signal: i32) {
        send(self.child.id(), signal);
    }

    /// The process id of the worker that the program has started.
    #[track_caller]
    pub fn worker(&self) -> u32 {
        self.find_worker().expect("the program has a worker")
    }

    /// The same, if there is one just now.
    pub fn find_worker(&self) -> Option<u32> {
        let parent = Pid::from_u32(self.child.id());
        let mut system = System::new();
        system.refresh_processes(ProcessesToUpdate::All, true);
        let mut children = system
            .processes()
            .values()
            .filter(|process| process.parent() == Some(parent) && process.thread_kind().is_none());
        children.next().map(|child| child.pid().as_u32())
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the program to end.
    pub fn wait(mut self) -> Outcome {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        let read = |path| std::fs::read_to_string(path).unwrap();
        Outcome {
            code,
            stdout: read(&self.stdout),
            stderr: read(&self.stderr),
        }
    }
}

/// Sends a signal to a process.
pub fn send(process: u32, signal: i32) {
    assert!(reaches(process, signal), "no process {process}");
}

/// Sends a signal to a process that may have ended by itself in this very moment; whether it was still there.
pub fn reaches(process: u32, signal: i32) -> bool {
    // SAFETY: the process is one that this test has started.
    unsafe { libc::kill(process as libc::pid_t, signal) == 0 }
}

/// Whether a process of this id is at work (not only waiting to be buried).
pub fn is_alive(process: u32) -> bool {
    let process = Pid::from_u32(process);
    let mut system = System::new();
    system.refresh_processes(ProcessesToUpdate::Some(&[process]), true);
    system
        .process(process)
        .is_some_and(|process| !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead))
}

/// Waits for something that must happen within a minute, however busy the machine is.
#[track_caller]
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        sleep(Duration::from_millis(20));
    }
}

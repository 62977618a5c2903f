//! The queue: what people asked for, one file a request, so that several terminals feed one orchestrator and nothing that
//! was asked for is forgotten with a process.
//!
//! A request waits in `queue/ID.json`. The orchestrator answers in `queue/ID.answer.json`; whoever asked reads the answer
//! and takes both files away. A request whose asker has gone is dropped, unless it was left on purpose (`--detach`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    failure::{Exit, Failure},
    home::Home,
    plan::Graph,
    process,
    stage::context::{create_folder, read_json, write_json},
};

/// Something that somebody wants made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// UUID version 7: requests sort by birth.
    pub id: String,
    /// In words: `run table7 --scale tiny`.
    pub title: String,
    pub graph: Graph,
    /// The entry of experiments.toml of every experiment in the graph.
    pub experiments: Vec<(String, String)>,
    /// More is more urgent.
    pub priority: i32,
    /// Whether the rest goes on when a job fails.
    pub keep_going: bool,
    /// Seeds of runs that belong to no case.
    pub seed: u64,
    pub asker: Asker,
}

/// The process that asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asker {
    pub pid: u32,
    /// See [`process::identity`].
    pub identity: Option<String>,
    /// The request stays when the process goes.
    pub detached: bool,
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// How many jobs were made for it.
    pub done: usize,
    pub failures: Vec<Fault>,
    /// It was stopped before its end.
    pub stopped: bool,
    /// Trainings paused because of the step limit.
    #[serde(default)]
    pub limited: bool,
}

/// A job that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Stage and label.
    pub job: String,
    pub code: i32,
    pub message: String,
    pub help: Option<String>,
}

impl Asker {
    /// This process.
    pub fn me(detached: bool) -> Self {
        let pid = std::process::id();
        Self {
            pid,
            identity: process::identity(pid),
            detached,
        }
    }

    /// Whether anybody still waits for the answer.
    pub fn is_there(&self) -> bool {
        self.detached
            || self
                .identity
                .as_deref()
                .is_some_and(|then| process::lives(self.pid, then))
    }
}

impl Answer {
    /// The failure that a command ends with: the first one, and how many more there were.
    pub fn result(mut self) -> Result<(), Failure> {
        if self.failures.is_empty() {
            return match (self.stopped, self.limited) {
                (false, _) => Ok(()),
                (true, true) => Err(Failure::new(
                    Exit::Requeue,
                    "each training has taken the steps that --step-limit allows; everything done so far is kept",
                )
                .help("run the same command again: it goes on where it stopped")),
                (true, false) => Err(super::interrupted()),
            };
        }
        let more = self.failures.len() - 1;
        let Fault {
            job,
            code,
            message,
            help,
        } = self.failures.remove(0);
        let more = if more > 0 {
            format!(" (and {more} more failed)")
        } else {
            String::new()
        };
        let mut failure = Failure::new(Exit::from_code(code), format!("{job}: {message}{more}"));
        failure.help = help;
        Err(failure)
    }
}

/// The queue of one home.
pub struct Queue {
    folder: PathBuf,
}

const ANSWER: &str = ".answer.json";
const REQUEST: &str = ".json";

impl Queue {
    pub fn of(home: &Home) -> Self {
        Self { folder: home.queue() }
    }

    /// A new request's id.
    pub fn new_id() -> String {
        Uuid::now_v7().to_string()
    }

    pub fn put(&self, request: &Request) -> Result<(), Failure> {
        create_folder(&self.folder)?;
        write_json(&self.request(&request.id), request)
    }

    /// Ids of the requests that wait for an answer, oldest first.
    pub fn ids(&self) -> Result<Vec<String>, Failure> {
        let failed = |error: &std::io::Error| Failure::io(format!("cannot read {}", self.folder.display()), error);
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| failed(&error))?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| failed(&error))?.file_name();
            let name = name.to_string_lossy();
            if let Some(id) = name.strip_suffix(REQUEST)
                && !name.ends_with(ANSWER)
                && !self.answer_path(id).exists()
            {
                ids.push(id.to_string());
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// The request; `None` if it was withdrawn.
    pub fn get(&self, id: &str) -> Result<Option<Request>, Failure> {
        match read_json(&self.request(id)) {
            Err(_) if !self.request(id).exists() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Whether the request is still there.
    pub fn holds(&self, id: &str) -> bool {
        self.request(id).exists()
    }

    pub fn answer(&self, id: &str, answer: &Answer) -> Result<(), Failure> {
        write_json(&self.answer_path(id), answer)
    }

    pub fn answered(&self, id: &str) -> Result<Option<Answer>, Failure> {
        let path = self.answer_path(id);
        if path.exists() {
            read_json(&path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Takes a request and its answer away.
    pub fn remove(&self, id: &str) {
        // The request first: an answer without a request is nobody's, a request without an answer would be done again.
        remove(&self.request(id));
        remove(&self.answer_path(id));
    }

    fn request(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{REQUEST}"))
    }

    fn answer_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{ANSWER}"))
    }
}

fn remove(path: &Path) {
    // Whoever comes later sees that its asker has gone, and tries again.
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            id: Queue::new_id(),
            title: "run quickstart".into(),
            graph: Graph::default(),
            experiments: Vec::new(),
            priority: 0,
            keep_going: false,
            seed: 1,
            asker: Asker::me(false),
        }
    }

    #[test]
    fn requests_wait_in_the_order_of_asking_until_they_are_answered() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::of(&Home::at(folder.path()));
        assert!(queue.ids().unwrap().is_empty());
        let (first, second) = (request(), request());
        queue.put(&second).unwrap();
        queue.put(&first).unwrap();
        assert_eq!(queue.ids().unwrap(), [first.id.clone(), second.id.clone()]);
        assert_eq!(queue.get(&first.id).unwrap().unwrap().title, first.title);

        assert_eq!(queue.answered(&first.id).unwrap(), None);
        queue.answer(&first.id, &Answer::default()).unwrap();
        assert_eq!(queue.ids().unwrap(), std::slice::from_ref(&second.id));
        assert_eq!(queue.answered(&first.id).unwrap(), Some(Answer::default()));
        queue.remove(&first.id);
        queue.remove(&second.id);
        assert!(queue.get(&second.id).unwrap().is_none() && queue.ids().unwrap().is_empty());
    }

    #[test]
    fn an_asker_is_there_as_long_as_its_process_or_on_purpose() {
        assert!(Asker::me(false).is_there());
        let gone = |detached| Asker {
            pid: std::process::id(),
            identity: Some("another boot/1".into()),
            detached,
        };
        assert!(!gone(false).is_there() && gone(true).is_there());
    }

    #[test]
    fn an_answer_tells_the_first_failure_and_how_many_more() {
        let fault = |code| Fault {
            job: "restore a".into(),
            code,
            message: "the loss became NaN".into(),
            help: None,
        };
        let answer = Answer {
            failures: vec![fault(9), fault(10)],
            ..Answer::default()
        };
        let failure = answer.result().unwrap_err();
        assert_eq!(failure.exit, Exit::Training);
        assert_eq!(failure.message, "restore a: the loss became NaN (and 1 more failed)");
        assert!(Answer::default().result().is_ok());
    }
}

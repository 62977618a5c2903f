//! What one negatives artefact is: how it was made, what it reached, and how it stands.

use crate::{
    database::{
        Database,
        artefacts::Artefact,
        runs::{Run, RunState},
    },
    failure::{Exit, Failure},
    home::Home,
    run::manifest::Manifest,
    show::{self, Talk},
    stage::{
        Job,
        context::read_json,
        medium::{EACH, Each, REACHED, Reached},
        negatives::{
            Negatives,
            flaws::{Flaw, Flaws},
        },
    },
};

/// How an artefact stands.
#[derive(Debug)]
pub enum State {
    Whole,
    /// Its folder is gone.
    Gone,
    /// Files are missing or changed, in words.
    Damaged(Vec<String>),
    /// What it was made of is something else by now.
    Changed(Box<Negatives>),
    /// What it was made of is gone.
    WithoutSource(Failure),
}

pub struct Made {
    pub artefact: Artefact,
    /// How it was made; `None` where another version of the program recorded that.
    pub job: Option<Negatives>,
    /// The last run that made it.
    pub run: Option<Run>,
}

impl Made {
    /// All that were made, oldest first.
    pub fn all(database: &Database) -> Result<Vec<Self>, Failure> {
        let artefacts = database
            .artefacts()?
            .into_iter()
            .filter(|artefact| artefact.stage == "negatives");
        let made = artefacts.map(|artefact| {
            let job = match serde_json::from_str(&artefact.settings) {
                Ok(Job::Negatives(job)) => Some(*job),
                _ => None,
            };
            let runs = database.runs_of_artefact(&artefact.key)?;
            let own = |run: &Run| run.state == RunState::Done && run.label == artefact.label;
            let run = runs.into_iter().find(own);
            Ok(Self { artefact, job, run })
        });
        made.collect()
    }

    pub fn title(&self) -> String {
        format!("{} {}", self.artefact.label, &self.artefact.key[..12])
    }

    pub fn job(&self) -> Result<&Negatives, Failure> {
        self.job.as_ref().ok_or_else(|| {
            let text = format!("the job of artefact {} cannot be read", self.artefact.key);
            Failure::new(Exit::Database, text)
                .help("it was made by another version of the program: run its experiment again")
        })
    }

    /// Milliseconds since the Unix epoch.
    pub fn made_at(&self) -> i64 {
        let ended = self.run.as_ref().and_then(|run| run.ended_at);
        ended.unwrap_or(self.artefact.created_at)
    }

    /// `None` where a hand may have removed it.
    pub fn reached(&self, home: &Home) -> Option<Reached> {
        read_json(&home.artefact(&self.artefact.key).join(REACHED)).ok()
    }

    /// The PSNR of each picture, as far as it is there.
    pub fn each(&self, home: &Home) -> Vec<Each> {
        read_json(&home.artefact(&self.artefact.key).join(EACH)).unwrap_or_default()
    }

    pub fn flaws(&self, home: &Home) -> Vec<Flaw> {
        let flaws = Flaws::of(&home.artefact(&self.artefact.key));
        flaws.map(|flaws| flaws.all().to_vec()).unwrap_or_default()
    }

    /// How it stands. `thoroughly`: its files are read and held against their hashes, otherwise only their sizes.
    pub fn state(&self, home: &Home, talk: Talk, thoroughly: bool) -> State {
        match self.files(home, thoroughly) {
            State::Whole => self.source(home, talk),
            state => state,
        }
    }

    /// How its own files stand.
    fn files(&self, home: &Home, thoroughly: bool) -> State {
        let folder = home.artefact(&self.artefact.key);
        if !folder.exists() {
            return State::Gone;
        }
        let damaged: Vec<String> = match Manifest::read(&folder) {
            Ok(Some(manifest)) if thoroughly => {
                let damaged = manifest.damaged(&folder, &|| ());
                damaged.into_iter().map(|(_, fault)| fault).collect()
            }
            Ok(Some(manifest)) => match manifest.misfits(&folder) {
                0 => Vec::new(),
                count => vec![format!("{} missing or of another size", show::count(count, "file"))],
            },
            Ok(None) => vec!["manifest.json is missing".to_string()],
            Err(failure) => vec![failure.message],
        };
        if damaged.is_empty() {
            State::Whole
        } else {
            State::Damaged(damaged)
        }
    }

    /// How what it was made of stands.
    pub fn source(&self, home: &Home, talk: Talk) -> State {
        let Some(job) = &self.job else { return State::Whole };
        match job.source.now(home, talk) {
            Err(failure) => State::WithoutSource(failure),
            Ok(now) if now.essence() == job.source.essence() => State::Whole,
            Ok(now) => State::Changed(Box::new(Negatives {
                source: now,
                ..job.clone()
            })),
        }
    }
}

impl State {
    /// For listings.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Gone => "gone",
            Self::Damaged(_) => "damaged",
            Self::Changed(_) => "source changed",
            Self::WithoutSource(_) => "source gone",
        }
    }
}

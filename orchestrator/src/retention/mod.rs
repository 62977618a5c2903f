//! What may go: a pure function of the record, a policy and the time.
//!
//! What people keep or give up is a case: it stands on artefacts, and those on others. So a policy decides about cases, per
//! experiment, and everything else follows: whatever a kept case stands on stays, with the runs that made it; what
//! nothing kept needs goes. Tagged runs stay, and so do runs that are alive.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::database::runs::RunState;

/// What to keep. Each limit that is given lets go of what it does not keep; without any, only useless things go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Only cases of this experiment may go; `None`: of any.
    pub experiment: Option<String>,
    /// Cases used since then stay: milliseconds before now.
    pub older_than: Option<i64>,
    /// The so many newest cases of each experiment stay.
    pub keep_last: Option<usize>,
    /// The so many cases of the highest score of each experiment stay.
    pub keep_best: Option<usize>,
}

/// Everything that retention looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub cases: Vec<Case>,
    pub runs: Vec<Run>,
    pub artefacts: Vec<Artefact>,
    pub work: Vec<Work>,
    pub journals: Vec<Journal>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub id: i64,
    pub experiment: String,
    /// When it was last asked for, in milliseconds since the Unix epoch.
    pub seen_at: i64,
    /// More is better; `None` where nothing is measured yet.
    pub score: Option<f64>,
    /// Keys of the artefacts that it stands on, whole or not.
    pub stands_on: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: String,
    /// `None` for a run of no experiment.
    pub case: Option<i64>,
    /// The artefact that it makes or made.
    pub artefact: String,
    pub state: RunState,
    pub tagged: bool,
    /// When it ended, or was last heard of.
    pub at: i64,
}

/// A whole artefact.
#[derive(Clone, Debug, PartialEq)]
pub struct Artefact {
    pub key: String,
    pub inputs: BTreeSet<String>,
}

/// A folder of unfinished work.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    pub name: String,
    pub of: WorkOf,
    /// The artefacts that it reads.
    pub inputs: BTreeSet<String>,
    /// When it last changed.
    pub at: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WorkOf {
    /// The artefact of this key is made in it.
    Artefact(String),
    /// The run of this id is made again in it.
    Reproduction(String),
    /// What a removal that was interrupted left.
    Removal,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    pub run: String,
    /// Whether the database has all of it.
    pub imported: bool,
}

/// What goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub cases: BTreeSet<i64>,
    pub runs: BTreeSet<String>,
    pub artefacts: BTreeSet<String>,
    pub work: BTreeSet<String>,
    /// Of runs that stay; those of runs that go, go with them.
    pub journals: BTreeSet<String>,
}

impl Policy {
    /// What of `record` goes at the time `now`.
    pub fn verdict(&self, record: &Record, now: i64) -> Verdict {
        let kept_cases = self.kept_cases(record, now);
        let kept_work = self.kept_work(record, &kept_cases, now);
        let kept = kept_artefacts(record, &kept_cases, &kept_work);
        let goes = |run: &&Run| {
            let given_up = match run.case {
                Some(case) => !kept_cases.contains(&case),
                // Counts are of an experiment's cases; a run of no experiment grows old all the same.
                None => self.experiment.is_none() && self.older_than.is_some() && self.is_old(run.at, now),
            };
            given_up && !run.tagged && !run.state.is_live() && !kept.contains(&run.artefact)
        };
        let runs: BTreeSet<String> = record.runs.iter().filter(goes).map(|run| run.id.clone()).collect();
        let stays = |name: &String| kept_work.iter().any(|work| work.name == *name);
        let done = |run: &&Run| run.state == RunState::Done && !run.tagged && self.is_old(run.at, now);
        let past: BTreeSet<&str> = record.runs.iter().filter(done).map(|run| run.id.as_str()).collect();
        let spent = |journal: &&Journal| {
            self.older_than.is_some()
                && journal.imported
                && past.contains(journal.run.as_str())
                && !runs.contains(&journal.run)
        };
        let journals = record.journals.iter().filter(spent);
        Verdict {
            journals: journals.map(|journal| journal.run.clone()).collect(),
            cases: record
                .cases
                .iter()
                .map(|case| case.id)
                .filter(|id| !kept_cases.contains(id))
                .collect(),
            artefacts: keys(record).filter(|key| !kept.contains(key)).collect(),
            work: record
                .work
                .iter()
                .map(|work| work.name.clone())
                .filter(|name| !stays(name))
                .collect(),
            runs,
        }
    }

    fn is_old(&self, at: i64, now: i64) -> bool {
        self.older_than.is_none_or(|age| now.saturating_sub(at) > age)
    }

    fn kept_cases(&self, record: &Record, now: i64) -> BTreeSet<i64> {
        let mut runs: BTreeMap<i64, Vec<&Run>> = BTreeMap::new();
        for run in &record.runs {
            if let Some(case) = run.case {
                runs.entry(case).or_default().push(run);
            }
        }
        let runs = |case: &Case| runs.get(&case.id).map_or(&[][..], Vec::as_slice);
        let last = |case: &Case| runs(case).iter().map(|run| run.at).fold(case.seen_at, i64::max);
        let no_limit = (self.older_than, self.keep_last, self.keep_best) == (None, None, None);
        let other = |case: &Case| self.experiment.as_ref().is_some_and(|name| *name != case.experiment);
        let held = |case: &&Case| {
            no_limit
                || other(case)
                || !self.is_old(last(case), now)
                || runs(case).iter().any(|run| run.tagged || run.state.is_live())
        };
        let mut kept: BTreeSet<i64> = record.cases.iter().filter(held).map(|case| case.id).collect();

        let mut experiments: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
        for case in &record.cases {
            experiments.entry(&case.experiment).or_default().push(case);
        }
        for cases in experiments.values_mut() {
            cases.sort_by_key(|case| std::cmp::Reverse((last(case), case.id)));
            kept.extend(cases.iter().take(self.keep_last.unwrap_or(0)).map(|case| case.id));
            let mut scored: Vec<(f64, i64)> = cases.iter().filter_map(|case| Some((case.score?, case.id))).collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
            kept.extend(scored.iter().take(self.keep_best.unwrap_or(0)).map(|(_, id)| id));
        }
        kept
    }

    /// The unfinished work that somebody may go on with.
    fn kept_work<'a>(&self, record: &'a Record, kept_cases: &BTreeSet<i64>, now: i64) -> Vec<&'a Work> {
        let whole: BTreeSet<String> = keys(record).collect();
        let resumable = |run: &Run| {
            let unfinished = matches!(run.state, RunState::Paused | RunState::Failed | RunState::Lost);
            let wanted = match run.case {
                Some(case) => kept_cases.contains(&case),
                None => self.older_than.is_none() || !self.is_old(run.at, now),
            };
            run.state.is_live() || (unfinished && (wanted || run.tagged))
        };
        let awaited = |work: &&Work| match &work.of {
            WorkOf::Artefact(key) => {
                let mut attempts = record.runs.iter().filter(|run| run.artefact == *key);
                attempts.any(|run| run.state.is_live() || (!whole.contains(key) && resumable(run)))
            }
            WorkOf::Reproduction(id) => {
                let known = record.runs.iter().any(|run| run.id == *id);
                known && (self.older_than.is_none() || !self.is_old(work.at, now))
            }
            WorkOf::Removal => false,
        };
        record.work.iter().filter(awaited).collect()
    }
}

/// What kept cases, tagged and live runs and kept work stand on, and what that stands on.
fn kept_artefacts(record: &Record, kept_cases: &BTreeSet<i64>, kept_work: &[&Work]) -> BTreeSet<String> {
    let of_cases = record.cases.iter().filter(|case| kept_cases.contains(&case.id));
    let of_runs = record.runs.iter().filter(|run| run.tagged || run.state.is_live());
    let again = |run: &Run| {
        kept_work
            .iter()
            .any(|work| work.of == WorkOf::Reproduction(run.id.clone()))
    };
    let mut asked: Vec<&String> = of_cases
        .flat_map(|case| &case.stands_on)
        .chain(of_runs.map(|run| &run.artefact))
        .chain(kept_work.iter().flat_map(|work| &work.inputs))
        .chain(record.runs.iter().filter(|run| again(run)).map(|run| &run.artefact))
        .collect();
    let inputs: BTreeMap<&String, &BTreeSet<String>> = record
        .artefacts
        .iter()
        .map(|artefact| (&artefact.key, &artefact.inputs))
        .collect();
    let mut kept = BTreeSet::new();
    while let Some(key) = asked.pop() {
        if kept.insert(key.clone()) {
            asked.extend(inputs.get(key).copied().into_iter().flatten());
        }
    }
    kept
}

fn keys(record: &Record) -> impl Iterator<Item = String> {
    record.artefacts.iter().map(|artefact| artefact.key.clone())
}

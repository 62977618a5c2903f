//! What may go: a pure function of the record, a policy and the time.
//!
//! What people keep or give up is a case: it stands on artefacts, and those on others. So a policy decides about cases, per
//! experiment, and everything else follows: whatever a kept case stands on stays, with the runs that made it; what
//! nothing kept needs goes. Tagged runs stay, and so do runs that are alive.

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
        let no_limit = *self == Self::default();
        let held = |case: &&Case| {
            no_limit || !self.is_old(last(case), now) || runs(case).iter().any(|run| run.tagged || run.state.is_live())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [RunState; 7] = [
        RunState::Queued,
        RunState::Running,
        RunState::Paused,
        RunState::Done,
        RunState::Failed,
        RunState::Cancelled,
        RunState::Lost,
    ];
    const NOW: i64 = 1000;
    const KEYS: usize = 10;

    fn key(number: usize) -> String {
        format!("key{number}")
    }

    prop_compose! {
        fn case_of(id: i64)(
            experiment in 0..3usize, seen_at in 0..NOW, score in prop::option::of(0.0..40.0f64),
            stands_on in prop::collection::btree_set(0..KEYS, 0..4)
        ) -> Case {
            let stands_on = stands_on.into_iter().map(key).collect();
            Case { id, experiment: format!("experiment{experiment}"), seen_at, score, stands_on }
        }
    }

    prop_compose! {
        fn run_of(id: usize)(
            case in prop::option::of(0..6i64), artefact in 0..KEYS, state in 0..STATES.len(), tagged in prop::bool::weighted(0.1),
            at in 0..NOW
        ) -> Run {
            Run { id: format!("run{id}"), case, artefact: key(artefact), state: STATES[state], tagged, at }
        }
    }

    prop_compose! {
        fn record()(
            cases in (0..6i64).map(case_of).collect::<Vec<_>>(),
            runs in (0..14usize).map(run_of).collect::<Vec<_>>(),
            // An artefact reads only earlier ones.
            inputs in prop::collection::vec(prop::collection::btree_set(0..KEYS, 0..3), KEYS),
            whole in prop::collection::vec(any::<bool>(), KEYS),
            work in prop::collection::vec((0..KEYS, 0..3, 0..14usize, 0..NOW), 0..5),
            journals in prop::collection::vec(any::<bool>(), 14)
        ) -> Record {
            let artefact = |number: usize| {
                let earlier = inputs[number].iter().filter(|input| **input < number);
                Artefact { key: key(number), inputs: earlier.map(|input| key(*input)).collect() }
            };
            let work = work.into_iter().enumerate().map(|(index, (number, kind, run, at))| Work {
                name: format!("work{index}"),
                of: match kind {
                    0 => WorkOf::Removal,
                    1 => WorkOf::Reproduction(format!("run{run}")),
                    _ => WorkOf::Artefact(key(number)),
                },
                inputs: [key(number / 2)].into(),
                at,
            });
            Record {
                cases,
                runs,
                artefacts: (0..KEYS).filter(|number| whole[*number]).map(artefact).collect(),
                work: work.collect(),
                journals: journals.into_iter().enumerate()
                    .map(|(run, imported)| Journal { run: format!("run{run}"), imported }).collect(),
            }
        }
    }

    prop_compose! {
        fn policy()(
            experiment in prop::option::weighted(0.3, 0..3usize), older_than in prop::option::of(0..NOW), keep_last in prop::option::of(0..4usize), keep_best in prop::option::of(0..4usize)
        ) -> Policy {
            let experiment = experiment.map(|number| format!("experiment{number}"));
            Policy { experiment, older_than, keep_last, keep_best }
        }
    }

    /// The record once the verdict is carried out.
    fn after(record: &Record, verdict: &Verdict) -> Record {
        let mut left = record.clone();
        left.cases.retain(|case| !verdict.cases.contains(&case.id));
        left.runs.retain(|run| !verdict.runs.contains(&run.id));
        for run in &mut left.runs {
            run.case = run.case.filter(|case| !verdict.cases.contains(case));
        }
        left.artefacts
            .retain(|artefact| !verdict.artefacts.contains(&artefact.key));
        for case in &mut left.cases {
            case.stands_on.retain(|key| !verdict.artefacts.contains(key));
        }
        left.work.retain(|work| !verdict.work.contains(&work.name));
        let gone = |run: &String| verdict.journals.contains(run) || verdict.runs.contains(run);
        left.journals.retain(|journal| !gone(&journal.run));
        left
    }

    proptest! {
        #[test]
        fn tagged_and_living_runs_stay_with_their_artefacts(record in record(), policy in policy()) {
            let verdict = policy.verdict(&record, NOW);
            for run in record.runs.iter().filter(|run| run.tagged || run.state.is_live()) {
                prop_assert!(!verdict.runs.contains(&run.id) && !verdict.journals.contains(&run.id));
                prop_assert!(!verdict.artefacts.contains(&run.artefact));
                prop_assert!(run.case.is_none_or(|case| !verdict.cases.contains(&case)));
            }
        }

        #[test]
        fn what_stays_never_stands_on_what_goes(record in record(), policy in policy()) {
            let verdict = policy.verdict(&record, NOW);
            let left = after(&record, &verdict);
            let used = left.artefacts.iter().flat_map(|artefact| &artefact.inputs)
                .chain(record.cases.iter().filter(|case| !verdict.cases.contains(&case.id)).flat_map(|case| &case.stands_on))
                .chain(left.work.iter().flat_map(|work| &work.inputs));
            for key in used {
                prop_assert!(!verdict.artefacts.contains(key), "{key} goes, though something that stays reads it");
            }
        }

        #[test]
        fn a_second_time_nothing_more_goes(record in record(), policy in policy()) {
            let left = after(&record, &policy.verdict(&record, NOW));
            prop_assert_eq!(policy.verdict(&left, NOW), Verdict::default());
        }

        #[test]
        fn the_young_the_last_and_the_best_stay(record in record(), policy in policy()) {
            let verdict = policy.verdict(&record, NOW);
            for case in &record.cases {
                let fellows: Vec<&Case> = record.cases.iter().filter(|other| other.experiment == case.experiment).collect();
                let better = fellows.iter().filter(|other| other.score >= case.score && other.id != case.id).count();
                let young = policy.older_than.is_some_and(|age| NOW - case.seen_at <= age);
                let best = case.score.is_some() && policy.keep_best.is_some_and(|count| better < count);
                let few = policy.keep_last.is_some_and(|count| fellows.len() <= count);
                prop_assert!(!(young || best || few) || !verdict.cases.contains(&case.id), "{case:?}");
            }
        }

        #[test]
        fn other_experiments_are_left_alone(record in record(), policy in policy()) {
            let verdict = policy.verdict(&record, NOW);
            for case in record.cases.iter().filter(|case| policy.experiment.as_ref().is_some_and(|name| *name != case.experiment)) {
                prop_assert!(!verdict.cases.contains(&case.id));
                prop_assert!(case.stands_on.iter().all(|key| !verdict.artefacts.contains(key)));
            }
        }

        #[test]
        fn without_a_policy_no_case_no_run_and_no_journal_goes(record in record()) {
            let verdict = Policy::default().verdict(&record, NOW);
            prop_assert!(verdict.cases.is_empty() && verdict.runs.is_empty() && verdict.journals.is_empty());
        }
    }

    #[test]
    fn a_clock_that_went_back_removes_nothing() {
        let case = Case {
            id: 1,
            experiment: "e".into(),
            seen_at: 5000,
            score: None,
            stands_on: BTreeSet::new(),
        };
        let record = Record {
            cases: vec![case],
            ..Record::default()
        };
        let policy = Policy {
            older_than: Some(10),
            ..Policy::default()
        };
        assert!(policy.verdict(&record, 0).cases.is_empty());
        assert_eq!(policy.verdict(&record, 6000).cases, [1].into());
    }

    #[test]
    fn the_run_that_made_what_a_kept_case_stands_on_stays_though_its_own_case_goes() {
        let case = |id, seen_at| Case {
            id,
            experiment: "e".into(),
            seen_at,
            score: None,
            stands_on: ["medium".to_string(), format!("restore{id}")].into(),
        };
        let run = |id: &str, artefact: &str| Run {
            id: id.into(),
            case: Some(1),
            artefact: artefact.into(),
            state: RunState::Done,
            tagged: false,
            at: 1,
        };
        let artefact = |key: &str, input: Option<&str>| Artefact {
            key: key.into(),
            inputs: input.map(String::from).into_iter().collect(),
        };
        let record = Record {
            cases: vec![case(1, 1), case(2, 900)],
            runs: vec![run("a", "medium"), run("b", "restore1")],
            artefacts: vec![
                artefact("medium", None),
                artefact("restore1", Some("medium")),
                artefact("restore2", Some("medium")),
            ],
            ..Record::default()
        };
        let policy = Policy {
            keep_last: Some(1),
            ..Policy::default()
        };
        let verdict = policy.verdict(&record, NOW);
        assert_eq!(verdict.cases, [1].into());
        assert_eq!(verdict.runs, ["b".to_string()].into());
        assert_eq!(verdict.artefacts, ["restore1".to_string()].into());
    }
}

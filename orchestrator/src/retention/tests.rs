//! What holds of every record, policy and time.

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

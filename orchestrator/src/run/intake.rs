//! Taking requests in: their cases are recorded, their jobs put on the board, and what is whole already acknowledged.

use std::collections::HashSet;

use super::{queue::Request, size_of};
use crate::{
    database::{Database, artefacts::NewArtefact, experiments::NewCase, runs::RunState},
    failure::{Exit, Failure},
    home::Home,
    plan::Node,
    spec::upkeep::Upkeep,
};

/// For whom a run is made: the first case that needs its artefact.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The case's record; `None` for jobs of no case.
    pub case: Option<i64>,
    pub experiment: String,
    /// Such as `table7 b`.
    pub title: String,
    pub seed: u64,
    pub upkeep: Upkeep,
}

/// Records the request's experiments, its cases and what they stand on; returns the cases as owners.
pub fn record_cases(database: &Database, request: &Request) -> Result<Vec<Owner>, Failure> {
    for (name, toml) in &request.experiments {
        database.experiment(name, toml)?;
    }
    let cases: Vec<NewCase> = request
        .graph
        .cases
        .iter()
        .map(|case| NewCase {
            experiment: &case.experiment,
            name: &case.name,
            seed: case.seed,
            scale: &case.scale,
            settings: &case.settings,
            artefacts: case
                .nodes
                .iter()
                .map(|place| request.graph.nodes[*place].key.as_str())
                .collect(),
        })
        .collect();
    let ids = database.record_cases(&cases)?;
    let seeds_of = |experiment: &str, name: &str| {
        let same = request.graph.cases.iter();
        same.filter(|case| case.experiment == experiment && case.name == name)
            .count()
    };
    Ok(request
        .graph
        .cases
        .iter()
        .zip(ids)
        .map(|(case, id)| Owner {
            case: Some(id),
            experiment: case.experiment.clone(),
            title: if seeds_of(&case.experiment, &case.name) > 1 {
                format!("{} seed {}", case.title(), case.seed)
            } else {
                case.title()
            },
            seed: case.seed,
            upkeep: case.upkeep.clone(),
        })
        .collect())
}

/// For every node of the request's graph the first case that needs it.
pub fn owners_of_nodes(request: &Request) -> Vec<Option<usize>> {
    let mut owners = vec![None; request.graph.nodes.len()];
    for (at, case) in request.graph.cases.iter().enumerate() {
        for place in &case.nodes {
            owners[*place].get_or_insert(at);
        }
    }
    owners
}

/// A whole artefact is recorded, and has a run that is done: its newest, whatever kept that from being recorded (a full
/// disk, a locked database). What its journal told is imported now.
pub fn acknowledge(home: &Home, database: &Database, nodes: &[Node], whole: &HashSet<String>) -> Result<(), Failure> {
    let recorded: HashSet<String> = database.artefact_keys()?.into_iter().collect();
    let done: HashSet<String> = database.keys_with_a_run_that_is_done()?.into_iter().collect();
    for node in nodes.iter().filter(|node| whole.contains(&node.key)) {
        let work = home.work_of(&node.key);
        if work.exists() {
            // Its state is of no use any more; whoever was to remove it was killed first.
            let _ = std::fs::remove_dir_all(work);
        }
        if !done.contains(&node.key) {
            let runs = database.runs_of_artefact(&node.key)?;
            for run in &runs {
                database.import(&run.id, &home.journal(&run.id))?;
            }
            if let Some(newest) = runs.first() {
                database.set_state(&newest.id, RunState::Done, Some(Exit::Fine.code()), None)?;
            }
        }
        if !recorded.contains(&node.key) {
            record(home, database, node)?;
        }
    }
    Ok(())
}

/// Records an artefact as whole.
pub fn record(home: &Home, database: &Database, node: &Node) -> Result<(), Failure> {
    let (label, settings) = (node.job.label(), node.job.settings());
    database.record_artefact(NewArtefact {
        key: &node.key,
        stage: node.job.stage(),
        label: &label,
        path: &node.key,
        bytes: size_of(home, &node.key),
        settings: &settings,
    })?;
    Ok(())
}

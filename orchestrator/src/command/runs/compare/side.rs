//! One side of a comparison: a run or a case with everything that is compared.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::runs::named::{Named, full_name};
use crate::database::artefacts::Artefact;
use crate::database::experiments::flatten;
use crate::database::runs::{Run, RunState};
use crate::database::{Database, DatabaseError};
use crate::failure::Failure;
use crate::stage::{Job, evaluate::Evaluate};

/// Letters of a run's id that name its column.
const SHORT: usize = 18;

#[derive(Debug)]
pub struct Side {
    /// The head of its column.
    pub name: String,
    pub settings: BTreeMap<String, String>,
    /// The last value of each metric, such as `restore loss`.
    pub metrics: BTreeMap<String, f64>,
    /// The mean of each evaluation, such as `CBSD68 noise25 restored psnr_rgb`, and of how many pictures it is.
    pub means: BTreeMap<String, (f64, i64)>,
    /// The evaluations themselves, by the key of their artefact.
    pub evaluations: Vec<(String, Evaluate)>,
}

impl Side {
    /// All sides; their settings are those of the experiment, or of the job where one of them is of no experiment.
    pub fn of_all(database: &Database, named: Vec<Named>) -> Result<Vec<Self>, Failure> {
        let of_experiments = named.iter().all(|named| match named {
            Named::Run(run) => run.case_id.is_some(),
            Named::Case(_) => true,
        });
        named
            .into_iter()
            .map(|named| match named {
                Named::Run(run) => Self::of_run(database, &run, of_experiments),
                Named::Case(case) => {
                    let artefacts = database.artefacts_of(case.id)?;
                    let runs = makers(database, &artefacts)?;
                    let settings = database.settings(case.id)?.into_iter().collect();
                    Self::of(database, full_name(&case), settings, &runs, &artefacts)
                }
            })
            .collect()
    }

    fn of_run(database: &Database, run: &Run, of_experiments: bool) -> Result<Self, Failure> {
        let own = database.artefact(&run.artefact_key)?;
        let settings = match (run.case_id.filter(|_| of_experiments), &own) {
            (Some(case), _) => database.settings(case)?,
            (None, Some(artefact)) => {
                let mut flat = Vec::new();
                let job: Value = serde_json::from_str(&artefact.settings).unwrap_or_default();
                flatten("", &job, &mut flat);
                flat
            }
            (None, None) => Vec::new(),
        };
        let evaluations: Vec<Artefact> = database
            .artefacts()?
            .into_iter()
            .filter(|artefact| evaluation(artefact).is_some_and(|job| job.restorer == run.artefact_key))
            .chain(own)
            .collect();
        let name = run.id.get(..SHORT).unwrap_or(&run.id).to_string();
        Self::of(
            database,
            name,
            settings.into_iter().collect(),
            std::slice::from_ref(run),
            &evaluations,
        )
    }

    fn of(
        database: &Database,
        name: String,
        settings: BTreeMap<String, String>,
        runs: &[Run],
        artefacts: &[Artefact],
    ) -> Result<Self, Failure> {
        let mut side = Self {
            name,
            settings,
            metrics: BTreeMap::new(),
            means: BTreeMap::new(),
            evaluations: Vec::new(),
        };
        for run in runs {
            // Labels tell the runs of one stage apart; the label of the only one may differ from side to side.
            let alone = runs.iter().filter(|other| other.stage == run.stage).count() == 1;
            let what = if alone {
                run.stage.clone()
            } else {
                format!("{} {}", run.stage, run.label)
            };
            for metric in database.metric_summaries(&run.id)? {
                side.metrics.insert(format!("{what} {}", metric.name), metric.last);
            }
        }
        for artefact in artefacts {
            let Some(job) = evaluation(artefact) else { continue };
            for mean in database.means_of_artefact(&artefact.key)? {
                let name = format!("{} {} {}", mean.test, mean.tier, mean.metric);
                side.means.insert(name, (mean.mean, mean.pictures));
            }
            side.evaluations.push((artefact.key.clone(), job));
        }
        Ok(side)
    }
}

/// The newest run that made each of these artefacts.
fn makers(database: &Database, artefacts: &[Artefact]) -> Result<Vec<Run>, DatabaseError> {
    let mut makers = Vec::new();
    for artefact in artefacts {
        let runs = database.runs_of_artefact(&artefact.key)?;
        makers.extend(runs.into_iter().find(|run| run.state == RunState::Done));
    }
    Ok(makers)
}

/// The job of an evaluation's artefact.
fn evaluation(artefact: &Artefact) -> Option<Evaluate> {
    match serde_json::from_str(&artefact.settings) {
        Ok(Job::Evaluate(job)) => Some(*job),
        _ => None,
    }
}

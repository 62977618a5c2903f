//! `perceive-ir runs rm RUN…`: forgets runs, and removes artefacts that nothing else stands on.
//!
//! An artefact stays while another case uses it or another run made it too.

use std::collections::{BTreeMap, BTreeSet};

use super::removal::{remove_artefact, remove_if_there};
use crate::database::artefacts::Artefact;
use crate::database::runs::{Run, RunState};
use crate::database::{Database, DatabaseError};
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::{Talk, bytes, out};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ids of runs, or their beginnings.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// Say what would be removed, remove nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What becomes of an artefact whose runs are removed.
enum Fate {
    /// Nothing else stands on it.
    Removed(Artefact),
    /// Something else stands on it.
    Kept(String),
    /// It was never finished, and nothing else wants it: its state goes.
    Abandoned,
    /// It is not finished yet.
    Awaited,
}

pub fn run(args: &Args, home: &Home, _talk: Talk) -> Result<(), Failure> {
    drop(Database::open_read_only(home)?);
    let _hold = home.hold()?;
    let database = Database::open(home)?;
    database.settle_lost(home)?;
    let runs = named(&database, &args.runs)?;
    remove(&database, home, &runs, args.dry_run)
}

/// Removes runs of which none lives, by id, and the artefacts that nothing else stands on; says what it does.
pub fn remove(database: &Database, home: &Home, runs: &BTreeMap<String, Run>, dry_run: bool) -> Result<(), Failure> {
    let would = if dry_run { "would remove" } else { "removed" };
    let gone: BTreeSet<&str> = runs.keys().map(String::as_str).collect();
    let keys: BTreeSet<&str> = runs.values().map(|run| run.artefact_key.as_str()).collect();
    let mut fates = Vec::new();
    for key in keys {
        fates.push((key, fate(database, key, runs, &gone)?));
    }

    for run in runs.values() {
        if !dry_run {
            remove_if_there(&home.journal(&run.id))?;
            database.forget_run(&run.id)?;
        }
        out(&format!(
            "{would} run {} ({} {}, {})\n",
            run.id,
            run.stage,
            run.label,
            run.state.name()
        ))?;
    }
    for (key, fate) in fates {
        match fate {
            Fate::Kept(why) => out(&format!("kept artefact {key}: {why}\n"))?,
            Fate::Abandoned if !dry_run => remove_if_there(&home.work_of(key))?,
            Fate::Abandoned | Fate::Awaited => {}
            Fate::Removed(artefact) => {
                if !dry_run {
                    remove_artefact(database, home, &artefact)?;
                }
                let size = bytes(artefact.bytes.max(0) as u64);
                out(&format!(
                    "{would} artefact {key} ({} {}, {size})\n",
                    artefact.stage, artefact.label
                ))?;
            }
        }
    }
    Ok(())
}

/// The runs of these names by id; all are found before any is removed.
fn named(database: &Database, names: &[String]) -> Result<BTreeMap<String, Run>, Failure> {
    let found = names.iter().map(|name| database.find(name));
    let runs: Vec<Run> = found.collect::<Result<_, DatabaseError>>()?;
    refuse_live(&runs)?;
    Ok(runs.into_iter().map(|run| (run.id.clone(), run)).collect())
}

/// What a process is at work on stays as it is.
pub fn refuse_live(runs: &[Run]) -> Result<(), Failure> {
    if let Some(run) = runs.iter().find(|run| run.state.is_live()) {
        let process = run
            .pid
            .map_or(String::new(), |pid| format!(" (process {pid} on {})", run.machine));
        return Err(
            Failure::new(Exit::Usage, format!("run {} is {}{process}", run.id, run.state.name()))
                .help("stop it first; Ctrl-C in its terminal keeps its state"),
        );
    }
    Ok(())
}

fn fate(
    database: &Database,
    key: &str,
    runs: &BTreeMap<String, Run>,
    gone: &BTreeSet<&str>,
) -> Result<Fate, DatabaseError> {
    let own: Vec<i64> = runs
        .values()
        .filter(|run| run.artefact_key == key)
        .filter_map(|run| run.case_id)
        .collect();
    let artefact = database.artefact(key)?;
    let users = database.users_of(key)?;
    let user = users.iter().find(|(case, _)| !own.contains(case));
    let attempts = database.runs_of_artefact(key)?;
    let attempt = attempts.iter().find(|run| {
        let counts = run.state == RunState::Done || run.state.is_live() || artefact.is_none();
        counts && !gone.contains(run.id.as_str())
    });
    let keeper = match (user, attempt) {
        (Some((_, name)), _) => Some(format!("{name} uses it")),
        (None, Some(run)) => Some(format!("run {} made it too", run.id)),
        (None, None) => None,
    };
    Ok(match (artefact, keeper) {
        (Some(_), Some(why)) => Fate::Kept(why),
        (Some(artefact), None) => Fate::Removed(artefact),
        (None, Some(_)) => Fate::Awaited,
        (None, None) => Fate::Abandoned,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::database::artefacts::NewArtefact;
    use crate::database::runs::tests::new_run;
    use crate::database::runs::{NewRun, RunFilter};

    /// A home with the artefact `key` of the case `full`, made by one run.
    struct Desk {
        _folder: tempfile::TempDir,
        home: Home,
        database: Database,
        case: i64,
        run: String,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let home = Home::at(folder.path().join("home"));
            let database = Database::open(&home).unwrap();
            let case = database.case("ablation", "full", 0, "tiny", "{}").unwrap();
            let run = database
                .start_run(&NewRun {
                    case: Some(case),
                    ..new_run("key")
                })
                .unwrap();
            let desk = Self {
                _folder: folder,
                home,
                database,
                case,
                run,
            };
            desk.database.use_artefact(desk.case, "key").unwrap();
            desk.write("artefacts/restore-key/model.safetensors");
            desk.write(&format!("journals/{}.jsonl", desk.run));
            desk.record("restore-key");
            desk.database
                .set_state(&desk.run, RunState::Done, Some(0), None)
                .unwrap();
            desk
        }

        fn record(&self, path: &str) {
            let settings = "{}";
            let new = NewArtefact {
                key: "key",
                stage: "restore",
                label: "full",
                path,
                bytes: 4,
                settings,
            };
            self.database.record_artefact(new).unwrap();
        }

        fn write(&self, path: &str) {
            let path = self.home.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }

        fn has(&self, path: &str) -> bool {
            self.home.root().join(path).exists()
        }

        fn remove(&self, runs: &[&str], dry_run: bool) -> Result<(), Failure> {
            let runs = runs.iter().map(ToString::to_string).collect();
            run(&Args { runs, dry_run }, &self.home, Talk::Quiet)
        }

        fn runs(&self) -> usize {
            self.database.runs(RunFilter::default()).unwrap().len()
        }
    }

    #[test]
    fn a_run_goes_with_its_artefact_and_its_journal() {
        let desk = Desk::new();
        desk.remove(&[&desk.run], true).unwrap();
        assert_eq!(desk.runs(), 1, "a dry run removes nothing");
        assert!(desk.has("artefacts/restore-key"));

        desk.remove(&[&desk.run, &desk.run], false).unwrap();
        assert_eq!(desk.runs(), 0);
        assert!(!desk.has("artefacts/restore-key") && !desk.has(&format!("journals/{}.jsonl", desk.run)));
        assert_eq!(desk.database.artefact("key").unwrap(), None);
        assert_eq!(fs::read_dir(desk.home.work()).unwrap().count(), 0);
    }

    #[test]
    fn an_artefact_that_another_case_uses_stays() {
        let desk = Desk::new();
        let other = desk.database.case("sweep", "lambda 2", 0, "tiny", "{}").unwrap();
        desk.database.use_artefact(other, "key").unwrap();
        desk.remove(&[&desk.run], false).unwrap();
        assert_eq!(desk.runs(), 0);
        assert!(desk.has("artefacts/restore-key/model.safetensors"));
        assert!(desk.database.artefact("key").unwrap().is_some());
    }

    #[test]
    fn a_failed_attempt_goes_without_what_a_later_one_made() {
        let desk = Desk::new();
        let failed = desk
            .database
            .start_run(&NewRun {
                case: Some(desk.case),
                ..new_run("key")
            })
            .unwrap();
        desk.database
            .set_state(&failed, RunState::Failed, Some(9), None)
            .unwrap();
        desk.remove(&[&failed], false).unwrap();
        assert_eq!(desk.runs(), 1);
        assert!(desk.has("artefacts/restore-key/model.safetensors"));
    }

    #[test]
    fn the_state_of_an_unfinished_artefact_goes_with_its_last_attempt() {
        let desk = Desk::new();
        let attempts = ["a", "b"].map(|_| {
            let id = desk.database.start_run(&new_run("unfinished")).unwrap();
            desk.database.set_state(&id, RunState::Paused, Some(130), None).unwrap();
            id
        });
        desk.write("work/unfinished/state");
        desk.remove(&[&attempts[0]], false).unwrap();
        assert!(desk.has("work/unfinished/state"));
        desk.remove(&[&attempts[1]], false).unwrap();
        assert!(!desk.has("work/unfinished"));
    }

    #[test]
    fn nothing_is_removed_if_one_of_the_names_is_wrong_or_its_run_lives() {
        let desk = Desk::new();
        assert_eq!(
            desk.remove(&[&desk.run, "ffff"], false).unwrap_err().exit,
            Exit::Unknown
        );
        let live = desk.database.start_run(&new_run("other")).unwrap();
        let refused = desk.remove(&[&desk.run, &live], false).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.to_string().contains(&live), "{refused}");
        assert_eq!(desk.runs(), 2);
    }

    #[test]
    fn nothing_outside_the_home_is_ever_removed() {
        let desk = Desk::new();
        desk.write("precious/picture.png");
        desk.record("../precious");
        assert_eq!(desk.remove(&[&desk.run], false).unwrap_err().exit, Exit::Database);
        assert!(desk.has("precious/picture.png"));
    }
}

//! `perceive-ir doctor --repair`: what can be mended without losing anything: journals are imported, whole artefacts on
//! disk recorded, rows of vanished ones forgotten. Nothing is removed from the disk.

use super::check::orphans::Orphans;
use crate::database::Database;
use crate::database::artefacts::NewArtefact;
use crate::failure::Failure;
use crate::home::Home;
use crate::show::progress::Progress;
use crate::show::{Talk, count, out};

pub fn run(home: &Home, dry_run: bool, talk: Talk) -> Result<(), Failure> {
    let _hold = home.hold()?;
    let database = Database::open(home)?;
    if !dry_run {
        database.settle_lost(home)?;
    }
    let orphans = Orphans::find(&database, home)?;
    if !dry_run {
        mend(&database, home, &orphans, talk)?;
    }
    let told = [
        ("imported", "journal", orphans.behind.len()),
        ("recorded and imported", "unknown run", orphans.stray.len()),
        ("recorded", "artefact", orphans.unrecorded.len()),
        ("forgot", "row of a vanished artefact", orphans.folderless.len()),
    ];
    let would = if dry_run { "would have " } else { "" };
    for (done, noun, number) in told.into_iter().filter(|(.., number)| *number > 0) {
        out(&format!("{would}{done} {}\n", count(number, noun)))?;
    }
    if told.iter().all(|(.., number)| *number == 0) {
        talk.say("there is nothing to repair");
    }
    Ok(())
}

fn mend(database: &Database, home: &Home, orphans: &Orphans, talk: Talk) -> Result<(), Failure> {
    // Artefacts first: a journal's evaluations belong to one.
    for (key, manifest) in &orphans.unrecorded {
        let new = NewArtefact {
            key,
            stage: manifest.job.stage(),
            label: &manifest.job.label(),
            path: key,
            bytes: manifest.size(),
            settings: &manifest.job.settings(),
        };
        database.record_artefact(new)?;
    }
    for artefact in &orphans.folderless {
        database.unrecord_artefact(&artefact.key)?;
    }
    let bar = Progress::new(talk).bar("journals", orphans.behind.len() as u64, "journals");
    for id in &orphans.behind {
        database.import(id, &home.journal(id))?;
        bar.advance();
    }
    for (id, first) in &orphans.stray {
        database.adopt(id, first)?;
    }
    database.settle_lost(home)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::runs::tests::new_run;
    use crate::database::runs::{RunFilter, RunState};
    use crate::journal::{Event, Journal};
    use crate::run::manifest::{self, tests::job};

    fn told(home: &Home, id: &str, events: Vec<Event>) {
        let mut journal = Journal::open(&home.journal(id)).unwrap();
        for event in events {
            journal.append(event).unwrap();
        }
    }

    fn loss() -> Event {
        let (name, value) = ("loss".to_string(), 0.5);
        Event::Metric { name, step: 3, value }
    }

    #[test]
    fn a_lost_record_is_made_again_from_artefacts_and_journals() {
        let (_folder, home) = crate::database::tests::home();
        let key = job().key();
        std::fs::create_dir_all(home.artefact(&key)).unwrap();
        std::fs::write(home.artefact(&key).join("pairs.json"), "[]").unwrap();
        manifest::write(&home.artefact(&key), &job()).unwrap();
        let order = Event::Order {
            stage: "scenes".into(),
            label: "3 train".into(),
            artefact: key.clone(),
            device: "cpu".into(),
        };
        let id = "01938d3e-0000-7000-8000-000000000001";
        told(&home, id, vec![order, loss(), Event::Done]);
        told(&home, "of-nobody", vec![loss()]);

        run(&home, true, Talk::Quiet).unwrap();
        let database = Database::open(&home).unwrap();
        assert!(
            database.runs(RunFilter::default()).unwrap().is_empty(),
            "a dry run does nothing"
        );
        run(&home, false, Talk::Quiet).unwrap();
        let found = database.find(id).unwrap();
        assert_eq!(
            (found.state, found.artefact_key.as_str()),
            (RunState::Done, key.as_str())
        );
        assert_eq!(database.metric(id, "loss").unwrap(), [(3, 0.5)]);
        assert_eq!(database.artefact(&key).unwrap().unwrap().stage, "scenes");
        let left = Orphans::find(&database, &home).unwrap();
        assert_eq!((left.stray.len(), left.unrecorded.len()), (0, 0));
        assert_eq!(left.nameless, ["of-nobody"]);
        assert!(home.journal("of-nobody").exists());
    }

    #[test]
    fn what_was_not_imported_is_and_what_is_gone_is_forgotten_without_its_numbers() {
        let (_folder, home) = crate::database::tests::home();
        let database = Database::open(&home).unwrap();
        let id = database.start_run(&new_run("key")).unwrap();
        database.set_running(&id, std::process::id()).unwrap();
        let new = NewArtefact {
            key: "key",
            stage: "evaluate",
            label: "",
            path: "key",
            bytes: 1,
            settings: "{}",
        };
        database.record_artefact(new).unwrap();
        let evaluation = Event::Evaluation {
            test: "CBSD68".into(),
            degradation: "noise25".into(),
            picture: "a".into(),
            tier: "restored".into(),
            metric: "psnr_rgb".into(),
            value: 30.0,
        };
        told(&home, &id, vec![loss(), evaluation]);
        database.set_state(&id, RunState::Done, Some(0), None).unwrap();

        let orphans = Orphans::find(&database, &home).unwrap();
        assert_eq!(orphans.behind, std::slice::from_ref(&id));
        assert_eq!(orphans.folderless.len(), 1);
        run(&home, false, Talk::Quiet).unwrap();
        assert_eq!(database.metric(&id, "loss").unwrap(), [(3, 0.5)]);
        assert_eq!(database.artefact("key").unwrap(), None);
        assert_eq!(database.means_of_artefact("key").unwrap()[0].mean, 30.0);
        let left = Orphans::find(&database, &home).unwrap();
        assert!(left.behind.is_empty() && left.folderless.is_empty());
    }
}

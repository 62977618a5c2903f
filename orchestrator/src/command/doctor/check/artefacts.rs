//! Artefacts: each is what its key says (the hash of its recorded job), and its files are as they were when it was made.

use super::super::finding::Finding;
use crate::database::Database;
use crate::database::artefacts::Artefact;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::run::manifest::Manifest;
use crate::show::progress::Progress;
use crate::show::{Talk, bytes, count};
use crate::stage::Job;

pub fn findings(database: &Database, home: &Home, talk: Talk) -> Result<Vec<Finding>, Failure> {
    let artefacts = database.artefacts()?;
    let mut findings = vec![keys(&artefacts)];
    findings.extend(files(&artefacts, home, talk));
    Ok(findings)
}

fn keys(artefacts: &[Artefact]) -> Finding {
    let key = |artefact: &Artefact| serde_json::from_str(&artefact.settings).map(|job: Job| job.key());
    let odd: Vec<&Artefact> = artefacts
        .iter()
        .filter(|artefact| key(artefact).ok().as_deref() != Some(&artefact.key))
        .collect();
    if odd.is_empty() {
        return Finding::ok(
            "keys",
            format!("{} bear the key of their job", count(artefacts.len(), "artefact")),
        );
    }
    let names: Vec<String> = odd.iter().map(|artefact| name(artefact)).collect();
    let found = format!(
        "{} of another version of the program, or with other settings than recorded: {}",
        count(odd.len(), "artefact"),
        names.join(", ")
    );
    let to_do = "nothing: they are not used again; `perceive-ir runs rm RUN` makes room";
    Finding::note("keys", found, to_do)
}

/// A line for all that is well, one for what cannot be checked, and one for each damaged artefact.
fn files(artefacts: &[Artefact], home: &Home, talk: Talk) -> Vec<Finding> {
    let mut damaged = Vec::new();
    let mut listed = Vec::new();
    let mut unlisted = 0;
    for artefact in artefacts {
        let folder = home.artefacts().join(&artefact.path);
        if !folder.exists() {
            // An orphaned row: told with the orphans.
            continue;
        }
        match Manifest::read(&folder) {
            Ok(Some(manifest)) => listed.push((artefact, folder, manifest)),
            Ok(None) => unlisted += 1,
            Err(failure) => damaged.push(damage(artefact, home, &failure.to_string())),
        }
    }
    let files: usize = listed.iter().map(|(_, _, manifest)| manifest.files.len()).sum();
    let bar = Progress::new(talk).bar("artefacts", files as u64, "files");
    let (mut whole, mut size) = (0, 0);
    for (artefact, folder, manifest) in &listed {
        let mut faults = manifest.faults(folder, &|| bar.advance());
        if manifest.job.settings() != artefact.settings {
            faults.push("its manifest is of other settings than recorded".to_string());
        }
        if faults.is_empty() {
            whole += 1;
            size += manifest.size();
        } else {
            damaged.push(damage(artefact, home, &faults.join("; ")));
        }
    }
    let found = format!(
        "{} as they were made ({files} files, {})",
        count(whole, "artefact"),
        bytes(size)
    );
    let mut findings = vec![Finding::ok("files", found)];
    if unlisted > 0 {
        let found = format!("{} without a manifest: only there", count(unlisted, "artefact"));
        findings.push(Finding::note(
            "files",
            found,
            "nothing: an earlier version of the program made them",
        ));
    }
    findings.extend(damaged);
    findings
}

fn damage(artefact: &Artefact, home: &Home, fault: &str) -> Finding {
    let folder = home.artefacts().join(&artefact.path);
    let to_do = format!(
        "`rm -r {}` and run its experiment again: it is made anew, the same",
        folder.display()
    );
    Finding::problem(Exit::Database, format!("artefact {}", name(artefact)), fault, to_do)
}

fn name(artefact: &Artefact) -> String {
    let key = artefact.key.get(..12).unwrap_or(&artefact.key);
    format!("{} {} {key}", artefact.stage, artefact.label)
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State;
    use super::*;
    use crate::database::artefacts::NewArtefact;
    use crate::run::manifest::{self, tests::job};

    fn states(findings: &[Finding]) -> Vec<(&str, State)> {
        findings
            .iter()
            .map(|finding| (finding.what.as_str(), finding.state))
            .collect()
    }

    #[test]
    fn an_artefact_is_held_against_its_key_and_its_manifest() {
        let (_folder, home) = crate::database::tests::home();
        let database = Database::open(&home).unwrap();
        let key = job().key();
        let folder = home.artefact(&key);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("pairs.json"), "[]").unwrap();
        let record = |settings: &str| {
            database.unrecord_artefact(&key).unwrap();
            let new = NewArtefact {
                key: &key,
                stage: "scenes",
                label: "3 train",
                path: &key,
                bytes: 2,
                settings,
            };
            database.record_artefact(new).unwrap();
            findings(&database, &home, Talk::Quiet).unwrap()
        };
        let settings = job().settings();
        let (ok, note, problem) = (State::Ok, State::Note, State::Problem);
        assert_eq!(
            states(&record(&settings)),
            [("keys", ok), ("files", ok), ("files", note)]
        );
        manifest::write(&folder, &job()).unwrap();
        assert_eq!(states(&record(&settings)), [("keys", ok), ("files", ok)]);
        let other = settings.replace("40", "41");
        assert_eq!(states(&record(&other))[0], ("keys", note));
        assert_eq!(states(&record(&other))[2].1, problem);
        std::fs::write(folder.join("pairs.json"), "[1]").unwrap();
        let found = record(&settings);
        assert_eq!(found[2].state, problem);
        assert!(
            found[2].found.contains("pairs.json has 3 bytes, not 2"),
            "{:?}",
            found[2]
        );
        assert!(found[2].to_do.contains(&format!("rm -r {}", folder.display())));
    }
}

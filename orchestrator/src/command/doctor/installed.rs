//! What experiments start from: their file, and the weights of the towers.

use super::finding::Finding;
use crate::failure::Failure;
use crate::home::Home;
use crate::spec::SpecFile;
use crate::weights_store::{Kind, WeightsStore, how_to_install};

/// The experiments' file of this folder, or the one shipped inside the program.
pub fn experiments() -> Finding {
    match SpecFile::open(&[]) {
        Ok(file) => Finding::ok(
            "experiments",
            format!("{}: {}", file.path.display(), file.names().join(", ")),
        ),
        Err(error) => {
            let failure = Failure::from(error);
            let to_do = "correct the file; `perceive-ir plan EXPERIMENT` points at the line";
            Finding::problem(failure.exit, "experiments", failure.to_string(), to_do)
        }
    }
}

/// A line for each published kind, and one for networks that the user brought.
pub fn weights(home: &Home) -> Vec<Finding> {
    let store = WeightsStore::of(home);
    let mut findings: Vec<Finding> = Kind::published().map(|kind| published(&store, kind)).collect();
    match store.entries() {
        Ok(entries) => {
            let own = entries
                .iter()
                .filter(|entry| Kind::published().all(|kind| kind.name != entry.name));
            findings.extend(own.map(|entry| {
                let found = format!("{}, {} parameters, from {}", entry.kind, entry.parameters, entry.source);
                Finding::ok(format!("weights {}", entry.name), found)
            }));
        }
        Err(failure) => findings.push(broken("weights", &failure)),
    }
    findings
}

fn published(store: &WeightsStore, kind: &Kind) -> Finding {
    let what = format!("weights {}", kind.name);
    match (store.entry(kind.name), store.find(kind)) {
        (Ok(Some(entry)), Ok(_)) => Finding::ok(
            what,
            format!("installed from {}, SHA-256 {}", entry.source, short(&entry.sha256)),
        ),
        (Ok(None), _) => Finding::note(what, format!("{} is missing", kind.title), how_to_install(kind)),
        (Err(failure), _) | (_, Err(failure)) => broken(what, &failure),
    }
}

/// The main job has stand-ins, so broken weights stand in nobody's way but the asker's.
fn broken(what: impl Into<String>, failure: &Failure) -> Finding {
    let to_do = miette::Diagnostic::help(failure)
        .map(|help| help.to_string())
        .unwrap_or_default();
    Finding::note(what, failure.to_string(), to_do)
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn a_missing_tower_is_a_note_with_address_command_and_alternative() {
        let folder = tempfile::tempdir().unwrap();
        let findings = weights(&Home::at(folder.path()));
        let says = |finding: &Finding, words: &[&str]| {
            assert_eq!(finding.state, State::Note);
            for said in words {
                assert!(finding.to_do.contains(said), "{said}: {}", finding.to_do);
            }
        };
        assert_eq!(findings.len(), Kind::published().count());
        for finding in &findings {
            says(
                finding,
                &["perceive-ir weights fetch", "https://", "perceive-ir weights import"],
            );
        }
        for file in ["ViT-B-32.pt", "dinov2_vitb14_pretrain.pth", "vgg16-397923af.pth"] {
            let finding = findings.iter().find(|finding| finding.to_do.contains(file)).unwrap();
            says(finding, &["stand-in"]);
        }
    }
}

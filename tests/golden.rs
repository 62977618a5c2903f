//! Golden numbers: every network, tower, loss and metric against the values of its original code.
//!
//! Runs every `NAME.json` of a folder (`tests/golden`, or what `PERCEIVE_GOLDEN` names) through the handler whose
//! prefix in `golden_cases/mod.rs` fits NAME best, and prints for each case the largest difference of its outputs and
//! of its gradients, relative to the largest magnitude of what is expected. Cases of networks that the program does
//! not have yet are named and passed over. `PERCEIVE_GOLDEN_CASE=clip` runs only the cases whose names contain it;
//! `PERCEIVE_DEVICE=cuda:0` computes them there (in a build with the feature `cuda`), with wider tolerances.

mod golden_cases;

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Instant,
};

use golden_cases::{
    HANDLERS,
    case::{Case, device},
    outcome::{Kind, Outcome},
};

#[test]
fn golden_numbers_of_every_case_agree() {
    let folder = folder();
    let only = env::var("PERCEIVE_GOLDEN_CASE").unwrap_or_default();
    let names = names(&folder).into_iter().filter(|name| name.contains(&only));
    let (mut passed, mut absent, mut failures) = (0, Vec::new(), Vec::new());
    for name in names {
        let Some(handler) = handler(&name) else {
            absent.push(name);
            continue;
        };
        let start = Instant::now();
        let case = Case::read(&folder, &name);
        // A case that panics must not hide the others.
        match catch_unwind(AssertUnwindSafe(|| handler(&case))) {
            Err(_) => failures.push(format!("{name}: panicked")),
            Ok(outcome) => {
                println!("{}", line(&name, &outcome, start.elapsed().as_secs_f64()));
                let failed = outcome.failures();
                passed += usize::from(failed.is_empty());
                failures.extend(failed.into_iter().map(|failure| format!("{name}: {failure}")));
            }
        }
    }
    println!("{passed} cases of {} agree on {}", folder.display(), device());
    for name in absent {
        println!("not in the program yet: {name}");
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(passed > 0 || !only.is_empty(), "no case in {}", folder.display());
}

fn folder() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    env::var_os("PERCEIVE_GOLDEN").map_or_else(own, PathBuf::from)
}

/// Names of the cases, sorted; the lists of keys and tables that other tests read are no cases.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.strip_suffix(".json")?.to_owned()))
        .filter(|name| !name.starts_with("keys_") && !["recipe", "schedules"].contains(&name.as_str()))
        // Read together with `metrics`.
        .filter(|name| name != "metrics_values")
        .collect();
    names.sort();
    names
}

fn handler(name: &str) -> Option<fn(&Case) -> Outcome> {
    let fitting = HANDLERS.iter().filter(|(prefix, _)| name.starts_with(prefix));
    let longest = fitting.max_by_key(|(prefix, _)| prefix.len());
    longest.map(|(_, handler)| *handler)
}

fn line(name: &str, outcome: &Outcome, seconds: f64) -> String {
    let widest = |kind| match outcome.widest(kind) {
        Some(difference) => format!("{difference:8.1e}"),
        None => format!("{:>8}", "-"),
    };
    let (outputs, gradients) = (widest(Kind::Output), widest(Kind::Gradient));
    format!("{name:28} outputs {outputs}  gradients {gradients}  {seconds:6.2} s")
}

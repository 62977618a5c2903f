//! From nothing to a table, then again from the cache.

use serde_json::Value;

use crate::support::Desk;
use crate::support::mini::MINI;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The planned jobs as (stage, state).
fn planned(desk: &Desk, more: &[&str]) -> Vec<(String, String)> {
    let plan = json(
        &desk
            .run(&[&["plan", "mini", "--format", "json"], more].concat())
            .fine()
            .stdout,
    );
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_string();
    plan.as_array()
        .unwrap()
        .iter()
        .map(|row| (word(row, "stage"), word(row, "state")))
        .collect()
}

#[test]
fn every_stage_runs_once_then_everything_is_reused_and_a_weight_changes_only_what_depends_on_it() {
    let desk = Desk::with(MINI);
    assert!(planned(&desk, &[]).iter().all(|(_, state)| state == "to do"));
    let first = desk.run(&["run", "mini"]).fine();
    assert!(first.stdout.contains("stand-in"), "{}", first.stdout);
    let states = desk.states();
    for (stage, count) in [
        ("scenes", 2),
        ("degrade", 4),
        ("medium", 2),
        ("prompts", 1),
        ("negatives", 2),
        ("restore", 1),
        ("evaluate", 2),
    ] {
        let done = states.iter().filter(|state| **state == format!("{stage} done")).count();
        assert_eq!(done, count, "{stage}: {states:?}");
    }
    assert_eq!(states.len(), 14, "{states:?}");
    desk.is_tidy();
    let terms = "SELECT DISTINCT name FROM metrics JOIN runs ON runs.id = run_id WHERE stage = 'restore' ORDER BY name";
    let terms = desk.ask(terms);
    for term in ["l1", "contrastive", "clip_aware", "perceptual", "average_psnr", "loss"] {
        assert!(terms.iter().any(|name| name == term), "no {term} in {terms:?}");
    }
    // Every training tells at its end how much of its time went to other things than steps.
    let shares =
        "SELECT count(*) || '' FROM curves WHERE name IN ('waiting_share', 'upkeep_share') AND value BETWEEN 0 AND 1
                  AND step = (SELECT max(step) FROM curves AS last WHERE last.artefact_key = curves.artefact_key)";
    assert_eq!(desk.ask(shares), ["6"], "two shares of three trainings");

    assert!(planned(&desk, &[]).iter().all(|(_, state)| state == "cached"));
    let again = desk.run(&["run", "mini"]).fine();
    assert!(
        again.stderr.contains("14 of 14 jobs are done already"),
        "{}",
        again.stderr
    );
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(desk.states(), states);

    let other = ["--set", "restore.loss.clip_aware=0.2"];
    let to_do: Vec<String> = planned(&desk, &other)
        .into_iter()
        .filter(|(_, state)| state == "to do")
        .map(|(stage, _)| stage)
        .collect();
    assert_eq!(to_do, ["restore", "evaluate", "evaluate"]);
    desk.run(&[&["run", "mini", "--dry-run"][..], &other].concat()).fine();
    assert_eq!(desk.states(), states);
    desk.run(&[&["run", "mini"][..], &other].concat()).fine();
    assert_eq!(
        desk.states()[states.len()..],
        ["restore done", "evaluate done", "evaluate done"]
    );
    desk.is_tidy();
}

#[test]
fn results_have_every_tier_of_every_test_set_and_a_sheet_of_pictures() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let rows = json(&desk.run(&["results", "mini", "--format", "json"]).fine().stdout);
    let rows = rows.as_array().unwrap();
    for degradation in ["noise25", "rain"] {
        let row = rows
            .iter()
            .find(|row| {
                row["degradation"]
                    .as_str()
                    .is_some_and(|found| found.starts_with(degradation))
            })
            .unwrap_or_else(|| panic!("no {degradation} in {rows:?}"));
        assert_eq!(row["towers"], "stand-in");
        assert_eq!(row["pictures"], 2);
        for tier in ["degraded", "medium", "restored"] {
            let psnr = row[format!("psnr_rgb_{tier}")].as_f64().unwrap();
            let ssim = row[format!("ssim_rgb_{tier}")].as_f64().unwrap();
            assert!((5.0..60.0).contains(&psnr) && (-0.5..=1.0).contains(&ssim), "{row}");
        }
    }
    // Noise of sigma 25 has a PSNR of 20.17 dB by its definition, somewhat more where levels are clipped.
    let noisy = rows.iter().find(|row| row["degradation"] == "noise25").unwrap();
    let psnr = noisy["psnr_rgb_degraded"].as_f64().unwrap();
    assert!((20.0..22.0).contains(&psnr), "{psnr}");

    let evaluated = desk.artefacts("evaluate");
    assert_eq!(evaluated.len(), 2);
    for folder in evaluated {
        let sheet = image::open(folder.join("sheet.png")).unwrap();
        // Two rows of four pictures of 40 pixels and their captions.
        assert!(
            sheet.width() >= 160 && sheet.height() >= 80,
            "{}x{}",
            sheet.width(),
            sheet.height()
        );
        for name in ["test-00000.png", "test-00001.png"] {
            let restored = image::open(folder.join("restored").join(name)).unwrap();
            assert_eq!((restored.width(), restored.height()), (40, 40));
        }
    }
}

//! Which pictures a plan takes: those of its tasks, others where some are missing, and what is said of it.

use serde_json::Value;

use crate::support::Desk;

/// `mixed`: two tasks whose pictures may be missing.
const MIXED: &str = r#"
[experiment.mixed]
towers = "stand-in"
prompts = { tokens = 2, steps = 3, batch = 2, patch = 16, pool = 8 }
medium = { size = "tiny", training = { steps = 3, batch = 2, patch = 16 } }

[experiment.mixed.restore]
size = "tiny"
loss = { slice = 2, contrastive_negatives = "pictures" }
training = { steps = 4, batch = 2, patch = 16 }

[[experiment.mixed.train]]
dataset = "rain100l"
stand_in = true

[[experiment.mixed.train]]
dataset = "lol"
optional = true

[[experiment.mixed.test]]
dataset = "rain100l"
stand_in = true

[[experiment.mixed.test]]
dataset = "scenes"
count = 2
size = 40
degradations = [{ kind = "low-light" }]
"#;

/// The labels of the planned jobs of a stage.
fn planned(desk: &Desk, stage: &str, more: &[&str]) -> Vec<String> {
    let told = desk
        .run(&[&["plan", "mixed", "--format", "json"], more].concat())
        .fine();
    let rows: Value = serde_json::from_str(&told.stdout).unwrap();
    let of_stage = rows.as_array().unwrap().iter().filter(|row| row["stage"] == stage);
    of_stage.map(|row| row["job"].as_str().unwrap().to_string()).collect()
}

#[test]
fn what_stands_in_is_named_for_what_it_is_and_nothing_does_at_the_papers_scale() {
    let desk = Desk::with(MIXED);
    desk.plant_pairs("test/Rain100L", 2);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    desk.run(&["plan", "mixed"])
        .fails(4, &["rain100l has no split \"train\"", "data show rain100l"]);

    let tiny = ["--set", "scale=tiny"];
    assert_eq!(
        planned(&desk, "evaluate", &tiny),
        ["rain100l rain", "scenes low-light"],
        "what is there is tested"
    );
    let degraded = planned(&desk, "degrade", &tiny);
    assert_eq!(degraded, ["scenes train rain", "scenes test low-light"]);
    let told = desk.run(&[&["plan", "mixed"][..], &tiny].concat()).fine();
    assert!(
        told.stderr
            .contains("rain100l has too few train pictures here: rendered scenes"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_kind_that_is_tested_and_was_to_be_trained_is_named_where_its_pictures_are_missing() {
    let desk = Desk::with(MIXED);
    desk.plant_pairs("test/Rain100L", 2);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    let told = desk.run(&["plan", "mixed", "--set", "scale=tiny"]).fine();
    let words = "low-light is tested but not trained: there are no pictures of lol to train on";
    assert!(told.stderr.contains(words), "{}", told.stderr);
    // Rain alone was asked for: nothing is missing.
    let told = desk
        .run(&["plan", "mixed", "--set", "scale=tiny", "--set", "tasks=[\"rain\"]"])
        .fine();
    assert!(!told.stderr.contains("is tested but not trained"), "{}", told.stderr);
}

#[test]
fn tasks_choose_what_is_trained_and_tested() {
    let desk = Desk::with(MIXED);
    let of = |task: &str| {
        planned(
            &desk,
            "evaluate",
            &["--set", "scale=tiny", "--set", &format!("tasks=[{task:?}]")],
        )
    };
    assert_eq!(of("rain"), ["scenes rain"]);
    desk.run(&["plan", "mixed", "--set", "tasks=[\"fog\"]"])
        .fails(3, &["no train set is of the kind \"fog\"", "low-light, rain"]);
}

#[test]
fn other_pictures_are_negatives_where_there_is_one_kind_alone() {
    let desk = Desk::with(MIXED);
    let last = |value: &str| -> f64 {
        let negatives = format!("restore.loss.contrastive_negatives={value}");
        desk.run(&[
            "run",
            "mixed",
            "--set",
            "scale=tiny",
            "--set",
            "tasks=[\"rain\"]",
            "--set",
            &negatives,
        ])
        .fine();
        let sql = "SELECT CAST(value AS TEXT) FROM metrics JOIN runs ON runs.id = run_id
                   WHERE metrics.name = 'contrastive' ORDER BY runs.id DESC, step LIMIT 1";
        desk.ask(sql)[0].parse().unwrap()
    };
    assert_eq!(last("degradations"), 0.0);
    assert!(last("pictures") > 0.1);
}

#[test]
fn pictures_without_references_have_the_metrics_that_need_none() {
    let desk = Desk::with(MIXED);
    for name in ["a", "b", "c"] {
        desk.plant(&format!("under/challenging-60/{name}.png"), 40, 32);
    }
    desk.run(&["data", "add", &desk.arg("under"), "--dataset", "c60"])
        .fine();
    let lit = "{ dataset = \"scenes\", count = 2, size = 40, degradations = [{ kind = \"low-light\" }] }";
    let test = format!("test=[{{ dataset = \"C60\" }}, {lit}]");
    let test = ["--set", "scale=tiny", "--set", &test];
    desk.run(&[&["plan", "mixed"][..], &test].concat())
        .fails(3, &["c60 underwater has no references", "psnr_rgb, ssim_rgb", "uciqe"]);
    let metrics = ["--set", "metrics=[\"uiqm\", \"psnr_rgb\", \"ssim_rgb\", \"uciqe\"]"];
    desk.run(&[&["run", "mixed"][..], &test, &metrics].concat()).fine();
    let measured = |set: &str| {
        desk.ask(&format!(
            "SELECT tier || ' ' || metric || ' ' || count(*) FROM evaluations WHERE test LIKE '{set}%'
             GROUP BY tier, metric ORDER BY tier, metric"
        ))
    };
    let of = |metrics: &[&str], count: usize| -> Vec<String> {
        let tiers = ["degraded", "medium", "restored"].into_iter();
        tiers
            .flat_map(|tier| metrics.iter().map(move |metric| format!("{tier} {metric} {count}")))
            .collect()
    };
    assert_eq!(measured("c60"), of(&["uciqe", "uiqm"], 3));
    assert_eq!(measured("scenes"), of(&["psnr_rgb", "ssim_rgb", "uciqe", "uiqm"], 2));
    for folder in desk.artefacts("evaluate") {
        assert!(folder.join("sheet.png").exists());
    }
    // Nobody learns from them.
    desk.run(&[&["plan", "mixed", "--set", "train=[{ dataset = \"C60\" }]"][..], &test].concat())
        .fails(5, &["c60 test has no pairs"]);
}

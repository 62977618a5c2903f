//! Names that nothing is called: experiments, datasets, devices, runs, networks, proxies.

use crate::support::Desk;
use crate::support::mini::{LONG, MINI, RAIN};

#[test]
fn an_unknown_experiment_gets_the_nearest_name_and_all_there_are() {
    let desk = Desk::with(&[MINI, LONG].concat());
    for command in ["run", "plan"] {
        desk.run(&[command, "minni"]).fails(
            4,
            &[
                "no experiment \"minni\"",
                "experiments.toml",
                "did you mean \"mini\"?",
                "long",
            ],
        );
    }
    desk.run(&["run", "mini", "denoise"])
        .fails(4, &["\"denoise\"", "there are: long, mini"]);
    assert!(!desk.home().exists());
}

#[test]
fn an_unknown_device_is_refused_before_anything_is_made() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini", "--device", "gpu"])
        .fails(4, &["no device called 'gpu'", "cpu, cuda:0"]);
    desk.run(&["run", "mini", "--device", "cdua:0"])
        .fails(4, &["'cdua:0'", "did you mean 'cuda:0'?"]);
    assert!(!desk.home().exists());
}

#[test]
fn an_unknown_network_is_refused_before_anything_runs() {
    let desk = Desk::with(MINI);
    for key in ["restore.network", "medium.network"] {
        let set = format!("{key}=restorme");
        desk.run(&["run", "mini", "--set", &set])
            .fails(3, &[key, "no network \"restorme\"", "did you mean \"restormer\"?"]);
    }
    assert!(!desk.home().exists());
}

#[test]
fn a_dataset_that_was_not_added_says_how_to_add_it() {
    let desk = Desk::with(RAIN);
    desk.run(&["run", "rain"]).fails(
        4,
        &["\"rain100l\" was not added", "`perceive-ir data add FOLDER` adds it"],
    );
    desk.run(&["run", "rain", "--set", "train=[{ dataset = \"kodka24\" }]"])
        .fails(
            4,
            &["\"kodka24\", \"rain100l\" were", "did you mean \"kodak24\"?", "adds it"],
        );
    let all = "the datasets \"BSD400\", \"CBSD68\", \"Kodak24\" were not added";
    Desk::new().run(&["plan", "denoise-small"]).fails(4, &[all]);
    let optional = |role: &str| format!("{role}=[{{ dataset = \"rain100l\", optional = true }}]");
    desk.run(&["run", "rain", "--set", &optional("train"), "--set", &optional("test")])
        .fails(5, &["rain100l", "nothing to train on", "data add FOLDER"]);
    desk.plant_pairs("test/Rain100L", 2);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    desk.run(&["run", "rain", "--set", "train=[{ dataset = \"rian100l\" }]"])
        .fails(4, &["\"rian100l\"", "did you mean \"rain100l\"?"]);
    desk.run(&[
        "run",
        "rain",
        "--set",
        "train=[{ dataset = \"rain100l\", split = \"trian\" }]",
    ])
    .fails(4, &["rain100l has no split", "trian", "data show rain100l"]);
    assert!(desk.states().is_empty());
    desk.is_tidy();
}

#[test]
fn a_dataset_that_is_trained_on_its_test_pictures_is_warned_of() {
    let desk = Desk::with(RAIN);
    desk.plant_pairs("pictures/Rain100L", 4);
    desk.run(&["data", "add", &desk.arg("pictures")]).fine();
    let says = "warning: rain100l has no train pictures; its test pictures are trained on";
    let planned = desk.run(&["plan", "rain"]).fine().stderr;
    assert!(planned.contains(says), "{planned}");
    let asked = desk.run(&[
        "plan",
        "rain",
        "--set",
        "train=[{ dataset = \"rain100l\", split = \"test\" }]",
    ]);
    assert!(!asked.fine().stderr.contains("warning"), "it was asked for");
}

#[test]
fn unknown_runs_proxies_and_results_are_told_apart() {
    let desk = Desk::with(LONG);
    desk.run(&["run", "long", "--set", "restore.training.steps=1"]).fine();
    let picture = desk.plant("in/a.png", 24, 16).display().to_string();
    let restore = |model: &str| desk.run(&["restore", &picture, "-o", &desk.arg("out"), "--model", model]);
    restore("ffff").fails(4, &["no run", "called 'ffff'", "runs ls", "weights ls"]);
    restore("logn").fails(4, &["called 'logn'", "perceive-ir run logn"]);
    let other = desk.ask("SELECT id FROM runs WHERE stage = 'evaluate'").remove(0);
    restore(&other).fails(4, &[&other, "of stage evaluate", "no restorer"]);
    assert!(!desk.path("out").exists());
    desk.run(&["runs", "show", "ffff"]).fails(4, &["no run 'ffff'"]);
    desk.run(&["results", "logn"])
        .fails(4, &["'logn'", "did you mean 'long'?"]);
    desk.run(&["negatives", "regenerate"])
        .fails(4, &["no negatives have been made yet", "perceive-ir run"]);
    desk.run(&["negatives", "regenerate", "--proxy", "restormer-a"])
        .fails(4, &["'restormer-a'"]);
}

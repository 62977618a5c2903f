//! What experiments, their parents and their grids mean.

use super::*;

#[test]
fn the_shipped_experiments_are_fine() {
    let checked = SpecFile::of(Book::shipped().unwrap()).check();
    assert!(checked.problems.is_empty(), "{:#?}", checked.problems);
    assert!(checked.cases >= checked.experiments);
}

#[test]
fn an_experiment_without_a_grid_has_one_case_called_base() {
    let found = cases(&few("[experiment.a]\nextends = \"few\""), "a").unwrap();
    assert_eq!(names(&found), ["base"]);
    assert_eq!(found[0].settings.train.len(), 1);
    assert_eq!((found[0].seed, found[0].experiment.as_str()), (1, "a"));
}

#[test]
fn layers_lie_over_each_other_in_the_stated_order() {
    let text = few(r#"
        [base]
        prompts = { tokens = 2, steps = 2, batch = 2, pool = 2, deviation = 0.2 }
        [experiment.grandparent]
        abstract = true
        prompts = { steps = 3, batch = 3, pool = 3, deviation = 0.3 }
        [experiment.parent]
        abstract = true
        extends = "grandparent"
        prompts = { batch = 4, pool = 4, deviation = 0.4 }
        [experiment.a]
        extends = ["few", "parent"]
        prompts = { pool = 5, deviation = 0.5 }
        [experiment.a.matrix]
        "prompts.deviation" = [0.6]
    "#);
    let settings = |outside: &Outside| cases_with(&text, "a", outside).unwrap().remove(0).settings;
    let prompts = settings(&Outside::default()).prompts;
    // patch from the preset, temperature from the types.
    assert_eq!((prompts.temperature, prompts.patch, prompts.tokens), (100.0, 48, 2));
    assert_eq!(
        (prompts.steps, prompts.batch, prompts.pool, prompts.deviation),
        (3, 4, 5, 0.6)
    );
    assert_eq!(settings(&sets(&["prompts.pool=7"])).prompts.pool, 7);
}

#[test]
fn a_later_parent_lies_over_an_earlier_one_and_what_they_share_under_both() {
    let text = few(r#"
        [experiment.low]
        extends = "few"
        prompts = { tokens = 3, batch = 3 }
        [experiment.high]
        extends = "few"
        prompts = { tokens = 4 }
        [experiment.a]
        extends = ["low", "high"]
        [experiment.b]
        extends = ["high", "low"]
    "#);
    let tokens = |name: &str| cases(&text, name).unwrap()[0].settings.prompts.clone();
    assert_eq!((tokens("a").tokens, tokens("a").batch), (4, 3));
    assert_eq!((tokens("b").tokens, tokens("b").batch), (3, 3));
}

#[test]
fn explicit_cases_are_called_what_they_say_and_lie_over_the_experiment() {
    let text = few(r#"
        [experiment.table7]
        extends = "few"
        about = "losses"
        seeds = 2
        restore.loss.contrastive = 0.3
        [[experiment.table7.cases]]
        name = "a"
        [[experiment.table7.cases]]
        name = "b"
        about = "without contrast"
        restore.loss.contrastive = 0.0
    "#);
    let found = cases(&text, "table7").unwrap();
    assert_eq!(names(&found), ["a", "a", "b", "b"]);
    assert_eq!(found.iter().map(|case| case.seed).collect::<Vec<_>>(), [1, 2, 1, 2]);
    assert_eq!(
        found.iter().map(|case| case.settings.seed).collect::<Vec<_>>(),
        [1, 2, 1, 2]
    );
    let weights: Vec<f64> = found
        .iter()
        .map(|case| case.settings.restore.loss.contrastive)
        .collect();
    assert_eq!(weights, [0.3, 0.3, 0.0, 0.0]);
    assert_eq!(
        (found[0].settings.about.as_str(), found[2].settings.about.as_str()),
        ("losses", "without contrast")
    );
}

#[test]
fn a_matrix_is_a_product_and_its_cases_are_named_by_the_shortest_keys() {
    let text = few(r#"
        [experiment.fig8]
        extends = "few"
        [experiment.fig8.matrix]
        "restore.loss.clip_aware" = [0.01, 0.05]
        restore.training.batch = [2, 4]
        medium.training.batch = [3]
    "#);
    let found = cases(&text, "fig8").unwrap();
    assert_eq!(
        names(&found),
        [
            "medium.training.batch=3,clip_aware=0.01,restore.training.batch=2",
            "medium.training.batch=3,clip_aware=0.01,restore.training.batch=4",
            "medium.training.batch=3,clip_aware=0.05,restore.training.batch=2",
            "medium.training.batch=3,clip_aware=0.05,restore.training.batch=4",
        ]
    );
    let last = &found[3].settings;
    assert_eq!((last.restore.loss.clip_aware, last.restore.training.batch), (0.05, 4));
    assert_eq!(last.medium.training.batch, 3);
}

#[test]
fn values_may_be_lists_of_tables_and_have_names() {
    let text = few(r#"
        [experiment.tasks]
        extends = "few"
        [experiment.tasks.matrix]
        train = [
            [{ dataset = "BSD400", degradations = [{ kind = "noise", sigma = 15 }] }],
            { name = "n-h", value = [{ dataset = "BSD400", degradations = [{ kind = "haze" }] }, { dataset = "RESIDE" }] },
        ]
        "restore.loss" = [{ label = "bare", contrastive = 0.0, clip_aware = 0.0 }, { contrastive = 0.2 }]
    "#);
    let found = cases(&text, "tasks").unwrap();
    assert_eq!(
        names(&found),
        [
            "loss=bare,train=1",
            "loss=bare,train=n-h",
            "loss=2,train=1",
            "loss=2,train=n-h"
        ]
    );
    assert_eq!(found[1].settings.train.len(), 2);
    assert_eq!(found[1].settings.restore.loss.clip_aware, 0.0);
    // A table lies over the setting's own table.
    assert_eq!(
        (
            found[3].settings.restore.loss.contrastive,
            found[3].settings.restore.loss.clip_aware
        ),
        (0.2, 0.05)
    );
}

#[test]
fn zip_walks_its_lists_together_and_multiplies_with_cases_and_matrix() {
    let text = few(r#"
        [experiment.all]
        extends = "few"
        [[experiment.all.cases]]
        name = "off"
        restore.cfe = false
        restore.loss.contrastive = 0.0
        [[experiment.all.cases]]
        name = "on"
        [experiment.all.matrix]
        "restore.pgca" = ["single", "off"]
        [experiment.all.zip]
        "prompts.tokens" = [4, 8, 8]
        "prompts.batch" = [2, 2, 1]
        [[experiment.all.exclude]]
        case = "off"
        "restore.pgca" = "off"
        [[experiment.all.exclude]]
        prompts.tokens = 8
        prompts.batch = 2
    "#);
    let found = cases(&text, "all").unwrap();
    assert_eq!(
        names(&found),
        [
            "off,pgca=single,batch=2,tokens=4",
            "off,pgca=single,batch=1,tokens=8",
            "on,pgca=single,batch=2,tokens=4",
            "on,pgca=single,batch=1,tokens=8",
            "on,pgca=off,batch=2,tokens=4",
            "on,pgca=off,batch=1,tokens=8",
        ]
    );
    assert!(!found[0].settings.restore.cfe && found[2].settings.restore.cfe);
}

#[test]
fn a_grid_of_its_own_replaces_the_parents_and_none_inherits_it() {
    let text = few(r#"
        [experiment.table2]
        extends = "few"
        seeds = 3
        cases = [{ name = "ours" }, { name = "restormer" }]
        [experiment.table3]
        extends = "table2"
        about = "the same methods"
        [experiment.other]
        extends = "table2"
        seeds = 1
        matrix = { "prompts.tokens" = [4] }
    "#);
    assert_eq!(cases(&text, "table3").unwrap().len(), 6);
    assert_eq!(names(&cases(&text, "other").unwrap()), ["tokens=4"]);
}

#[test]
fn the_sentence_of_a_parent_is_not_about_its_child() {
    let text = few("[experiment.a]\nextends = \"few\"\nabout = \"a\"\n[experiment.b]\nextends = \"a\"");
    assert_eq!(cases(&text, "b").unwrap()[0].settings.about, "");
}

#[test]
fn files_are_included_once_with_their_own_base() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("more")).unwrap();
    write(
        "experiments.toml",
        "include = [\"more/few.toml\", \"shipped\"]\n[base]\nprompts.tokens = 5\n[experiment.a]\nextends = \"few\"",
    );
    write(
        "more/few.toml",
        &format!(
            "include = \"../experiments.toml\"\n[base]\nprompts.batch = 7\n{FEW}\n[experiment.b]\nextends = \"few\""
        ),
    );
    let file = SpecFile::open(&[
        folder.path().join("experiments.toml"),
        folder.path().join("more/few.toml"),
    ])
    .unwrap();
    let prompts = |name: &str| {
        file.cases(name, &Outside::default())
            .unwrap()
            .remove(0)
            .settings
            .prompts
    };
    assert_eq!((prompts("a").tokens, prompts("a").batch), (5, 7));
    assert_eq!((prompts("b").tokens, prompts("b").batch), (16, 7));
    assert!(file.names().contains(&"quickstart"));
    assert!(!file.names().contains(&"few"));
}

#[test]
fn a_shown_experiment_can_be_run_and_means_the_same() {
    let text = few(r#"
        [experiment.fig8]
        extends = "few"
        seeds = 2
        [experiment.fig8.matrix]
        "restore.loss.clip_aware" = [0.01, 0.05]
    "#);
    let file = file(&text).unwrap();
    let outside = sets(&["prompts.words=[\"good\", \"bad\"]"]);
    let shown = file.traced("fig8", &outside).unwrap();
    let again = super::file(&shown.toml().unwrap()).unwrap();
    let cases = file.cases("fig8", &outside).unwrap();
    for case in cases.chunks(2) {
        let name = format!("fig8/{}", case[0].name);
        let found = again.cases(&name, &Outside::default()).unwrap();
        let settings = |cases: &[Case]| cases.iter().map(|case| case.settings.clone()).collect::<Vec<_>>();
        assert_eq!(settings(&found), settings(case));
    }
    let json = shown.json().unwrap();
    assert_eq!(json[1]["seeds"], serde_json::json!([1, 2]));
    let setting = |path: &str| {
        json[1]["settings"].pointer(path).unwrap()["from"]
            .as_str()
            .unwrap()
            .to_string()
    };
    assert_eq!(setting("/prompts/words"), "--set prompts.words=[\"good\", \"bad\"]");
    assert_eq!(setting("/prompts/patch"), "scale tiny");
    assert_eq!(setting("/prompts/deviation"), "default");
    assert_eq!(setting("/train/0/count"), "experiments.toml:6");
    assert_eq!(setting("/restore/loss/clip_aware"), "experiments.toml:13");
}

#[test]
fn every_setting_of_the_schema_is_shown() {
    let file = file(&few("[experiment.a]\nextends = \"few\"")).unwrap();
    let outside = Outside::default();
    let shown = file.traced("a", &outside).unwrap();
    let (text, json) = (shown.toml().unwrap(), shown.json().unwrap());
    assert!(text.contains("# split: test, or else train"), "{text}");
    let schema = crate::spec::schema::schema();
    let keys = |of: &str| schema["definitions"][of]["properties"].as_object().unwrap().keys();
    for (of, place) in [
        ("Training", "/restore/training"),
        ("Training", "/medium/training"),
        ("Validation", "/restore/training/validation"),
        ("Loss", "/restore/loss"),
        ("Restore", "/restore"),
        ("Prompts", "/prompts"),
        ("Upkeep", "/upkeep"),
        ("PictureSet", "/train/0"),
    ] {
        let settings = json[0]["settings"].pointer(place).unwrap();
        for key in keys(of) {
            assert!(settings.get(key).is_some(), "no {place}/{key} in {json:#}");
            // What is not merged has no word for it.
            assert!(text.contains(key) || key == "merge", "no {key} in {text}");
        }
    }
}

//! What is said when something is wrong: a message for each thing, with the place and the nearest right name.

use super::*;

/// What running experiment `a` says of a text after [`FEW`] that begins at line 8.
#[track_caller]
fn says(text: &str, parts: &[&str]) {
    let said = cases(&few(text), "a").expect_err("this text is wrong");
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said:?}");
    }
}

#[test]
fn a_slip_in_a_key_names_line_column_and_neighbour_in_whatever_layer_it_is() {
    let at = |place: &str| format!("experiments.toml:{place}: unknown field");
    says(
        "[experiment.a]\nextends = \"few\"\n  prompts.tokns = 3",
        &[&at("10:11"), "did you mean `tokens`?"],
    );
    says(
        "[base]\nprompts = { tokns = 3 }\n[experiment.a]\nextends = \"few\"",
        &[&at("9:13"), "`tokens`"],
    );
    says(
        "[experiment.b]\nprompts.tokns = 3\n[experiment.a]\nextends = [\"few\", \"b\"]",
        &[&at("9:9"), "`tokens`"],
    );
    let case = "[experiment.a]\nextends = \"few\"\n[[experiment.a.cases]]\nname = \"x\"\nrestore.los.difficulty = 1";
    says(case, &[&at("12:9"), "did you mean `loss`?"]);
    let matrix = "[experiment.a]\nextends = \"few\"\n[experiment.a.matrix]\n\"restore.loss.clip_awre\" = [1, 2]";
    says(matrix, &[&at("11:15"), "did you mean `clip_aware`?"]);
    says(
        "[experiment.a]\nextends = \"few\"\nmatix = { }",
        &[&at("10:1"), "did you mean `matrix`?"],
    );
    says(
        "[bas]\n[experiment.a]\nextends = \"few\"",
        &[&at("8:2"), "did you mean `base`?"],
    );
}

#[test]
fn settings_that_would_be_passed_over_beside_others_are_refused() {
    let queue = "loss = { contrastive = 0.1, contrastive_negatives = \"queue\" }";
    let airnet = format!("[experiment.a]\nextends = \"few\"\n[experiment.a.restore]\nnetwork = \"airnet\"\n{queue}\n");
    cases(&few(&airnet), "a").unwrap();
    says(
        &format!("{airnet}training.accumulate = 2"),
        &["takes each batch whole", "contrastive_negatives"],
    );
    says(
        &format!("{airnet}training.precision = \"bf16\""),
        &["takes each batch whole"],
    );
    let instructir = "[experiment.a]\nextends = \"few\"\n[experiment.a.restore]\nnetwork = \"instructir\"\n\
                      loss.contrastive = 0.0\ninstructions = \"mine\"\n";
    cases(&few(instructir), "a").unwrap();
    says(
        &format!("{instructir}start_from = \"other\""),
        &["start_from brings its own sentences"],
    );
}

#[test]
fn a_wrong_type_or_an_impossible_value_points_at_the_value_in_whatever_layer_it_is() {
    let matrix = "[experiment.a]\nextends = \"few\"\n[experiment.a.matrix]\n\"prompts.tokens\" = [16, \"many\"]";
    says(matrix, &["experiments.toml:11:25: invalid type: string \"many\""]);
    let matrix = "[experiment.a]\nextends = \"few\"\n[experiment.a.matrix]\n\"prompts.tokens\" = [16, 99]";
    says(
        matrix,
        &[
            "experiments.toml:11:25: experiment a, case tokens=99: prompts.tokens",
            "1 to 75",
        ],
    );
    let case = "[experiment.a]\nextends = \"few\"\n[[experiment.a.cases]]\nname = \"x\"\nrestore.pgca = \"dbl\"";
    says(case, &["experiments.toml:12:16: experiment a, case x: restore.pgca"]);
    says(
        "[base]\nprompts.tokens = 0\n[experiment.a]\nextends = \"few\"",
        &["experiments.toml:9:18: experiment a: prompts"],
    );
    // A value that is missing has no place but the experiment's own.
    says(
        "[experiment.a]\nscale = \"tiny\"",
        &["experiments.toml:8:13: experiment a: train: nothing to train on"],
    );
    says(
        "[experiment.a]\nextends = \"few\"\nabout = 2026-01-01",
        &["experiments.toml:10:9", "date"],
    );
    says(
        "[experiment.a]\nextends = \"few\"\nseed = 99999999999999999999",
        &["experiments.toml:10:8", "64 bits"],
    );
}

#[test]
fn parents_that_do_not_exist_or_go_in_circles_are_named() {
    says(
        "[experiment.a]\nextends = \"fews\"",
        &["experiments.toml:9:11: no experiment \"fews\"", "did you mean `few`?"],
    );
    let circle = "[experiment.a]\nextends = \"b\"\n[experiment.b]\nextends = [\"few\", \"a\"]";
    says(circle, &["experiments.toml:11:19", "a extends b extends a"]);
    says(
        "[experiment.a]\nextends = 3",
        &["experiments.toml:9:11", "expected a string"],
    );
    let twice = cases(&few("[experiment.few]"), "few").unwrap_err();
    assert!(
        twice.contains("experiments.toml:8:") || twice.contains("duplicate"),
        "{twice}"
    );
    let only_a_base = cases(FEW, "few").unwrap_err();
    assert!(only_a_base.contains("abstract"), "{only_a_base}");
}

#[test]
fn an_unknown_experiment_names_its_neighbour() {
    let text = few("[experiment.mini]\nextends = \"few\"");
    let error = file(&text).unwrap().cases("minni", &Outside::default()).unwrap_err();
    assert!(error.unknown_name);
    let said = cases(&text, "minni").unwrap_err();
    assert!(said.contains("did you mean \"mini\"? There are: mini"), "{said}");
}

#[test]
fn an_empty_or_impossible_grid_points_at_its_place() {
    let says = |text: &str, parts: &[&str]| says(&format!("[experiment.a]\nextends = \"few\"\n{text}"), parts);
    says("cases = []", &["experiments.toml:10:9", "empty grid"]);
    says("matrix = {}", &["experiments.toml:10:10", "empty grid"]);
    says(
        "matrix = { \"prompts.tokens\" = [] }",
        &["experiments.toml:10:31", "empty grid", "prompts.tokens"],
    );
    says(
        "matrix = { \"prompts.tokens\" = 4 }",
        &["experiments.toml:10:31", "list of values"],
    );
    says("matrix.seed = [1, 2]", &["experiments.toml:10:8", "seeds = 3"]);
    says(
        "zip = { prompts.tokens = [1, 2], prompts.batch = [1] }",
        &["experiments.toml:10:", "`prompts.batch` has 1 values"],
    );
    says("seeds = 0", &["experiments.toml:10:9", "seeds = 0"]);
    says("seeds = 4000000", &["experiments.toml:10:9", "1 to 10000"]);
    says("matrix.scale = [\"tiny\"]", &["experiments.toml:10:8", "restore.size"]);
    let many = (0..1001).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
    let many = format!("matrix = {{ prompts.tokens = [{many}], prompts.batch = [{many}] }}");
    says(&many, &["experiments.toml:8:13", "more than 1000000 cases"]);
    says("seeds = -1", &["experiments.toml:10:9", "-1"]);
    says("cases = [{ tokens = 1 }]", &["experiments.toml:10:10", "needs a name"]);
    says(
        "cases = [{ name = \"x\" }, { name = \"x\" }]",
        &["experiments.toml:10:26", "two cases"],
    );
    says("cases = [{ name = \"x*\" }]", &["experiments.toml:10:19", "--only"]);
    says(
        "cases = [{ name = \"x\", matrix = {} }]",
        &["experiments.toml:10:24", "belongs to the experiment"],
    );
    says(
        "matrix.prompts.tokens = [4, 4]",
        &["experiments.toml:10:29", "two cases are called \"tokens=4\""],
    );
}

#[test]
fn two_axes_of_one_setting_are_refused() {
    let says = |text: &str, parts: &[&str]| says(&format!("[experiment.a]\nextends = \"few\"\n{text}"), parts);
    let twice = "matrix = { prompts.tokens = [4] }\nzip = { \"prompts.tokens\" = [5] }";
    says(twice, &["experiments.toml:11:9", "two axes of one setting"]);
    says(
        "matrix = { prompts = { tokens = [4] }, \"prompts\" = [1] }",
        &["experiments.toml:10:"],
    );
    let both = "cases = [{ name = \"x\", prompts.tokens = 5 }]\nmatrix.prompts.tokens = [4]";
    says(both, &["experiments.toml:10:41", "which the grid varies"]);
}

#[test]
fn an_exclude_must_name_something_and_leave_something() {
    let grid = "[experiment.a]\nextends = \"few\"\nmatrix = { \"restore.pgca\" = [\"single\", \"off\"] }\n";
    let says = |text: &str, parts: &[&str]| says(&format!("{grid}{text}"), parts);
    let no_key = "[[experiment.a.exclude]]\n\"restore.pgac\" = \"off\"";
    says(
        no_key,
        &[
            "experiments.toml:12:1",
            "no key of this grid",
            "did you mean `restore.pgca`?",
        ],
    );
    let no_value = "[[experiment.a.exclude]]\n\"restore.pgca\" = \"offf\"";
    says(
        no_value,
        &["experiments.toml:12:18", "no such value", "did you mean `off`?"],
    );
    let all = "[[experiment.a.exclude]]\nrestore.pgca = \"off\"\n[[experiment.a.exclude]]\nrestore.pgca = \"single\"";
    says(all, &["experiments.toml:", "leaves no case"]);
    says("exclude = [{}]", &["experiments.toml:11:12", "named by keys"]);
}

#[test]
fn an_impossible_value_from_outside_is_blamed_on_it() {
    let text = few("[experiment.a]\nextends = \"few\"\nrestore.loss.contrastive = 0.1");
    let said = |set: &str| cases_with(&text, "a", &sets(&[set])).unwrap_err();
    assert!(
        said("restore.cfe=false").contains("restore.loss.contrastive"),
        "{}",
        said("restore.cfe=false")
    );
    assert!(said("prompts.tokens=90").starts_with("--set prompts.tokens=90: experiment a: prompts.tokens"));
    assert!(
        said("prompts.tokns=9").starts_with("--set prompts.tokns=9: unknown field `tokns` | did you mean `tokens`?")
    );
    assert!(said("prompts.tokens").starts_with("--set prompts.tokens: not of the form key=value"));
}

#[test]
fn an_experiment_of_the_program_that_a_file_leaves_out_is_told_how_to_include() {
    let said = cases(&few(""), "quickstart").unwrap_err();
    assert!(said.contains("include = [\"shipped\"]"), "{said}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_once() {
    let text = few(r#"
        [experiment.a]
        extends = "few"
        prompts = { tokens = 99, pool = 0 }
        matrix = { "restore.pgca" = ["single", "off"] }
        [experiment.b]
        extends = "few"
        prompts.tokns = 3
        [experiment.c]
        extends = "nobody"
    "#);
    let checked = SpecFile::of(Book::of(Path::new("experiments.toml"), text).unwrap()).check();
    let told: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    for (told, part) in told.iter().zip(["tokns", "prompts.tokens", "prompts.pool", "nobody"]) {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!((checked.experiments, checked.cases), (3, 3));
}

#[test]
fn words_out_of_place_and_of_the_wrong_type_hide_nothing_else() {
    let text = few(r#"
        [base]
        extends = "few"
        abstract = true
        [experiment.a]
        extends = ["few", 3]
        abstract = "no"
        prompts.tokns = 3
    "#);
    let checked = SpecFile::of(Book::of(Path::new("experiments.toml"), text).unwrap()).check();
    let told: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    for part in [
        "10:9: `extends` belongs to an experiment",
        "11:9: `abstract` belongs to an experiment",
        "13:27",
        "14:20",
        "tokns",
    ] {
        assert!(told.iter().any(|told| told.contains(part)), "no {part} in {told:#?}");
    }
}

#[test]
fn files_that_meet_in_one_name_or_are_not_there_are_told_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.toml"), "include = [\"b.toml\"]\n[experiment.x]\nseed = 1").unwrap();
    std::fs::write(path("b.toml"), "\n[experiment.x]").unwrap();
    let said = SpecFile::open(&[path("a.toml")]).unwrap_err().to_string();
    assert!(
        said.contains("b.toml:2:13: experiment \"x\" is there already") && said.contains("a.toml:2"),
        "{said}"
    );
    std::fs::write(path("c.toml"), "include = [\n  \"gone.toml\",\n]").unwrap();
    let said = SpecFile::open(&[path("c.toml")]).unwrap_err().to_string();
    assert!(
        said.contains("c.toml:2:3: cannot read") && said.contains("gone.toml"),
        "{said}"
    );
}

#[test]
fn networks_and_metrics_that_do_not_exist_point_at_their_name_before_any_complaint_about_losses() {
    let says = |text: &str, parts: &[&str]| says(&format!("[experiment.a]\nextends = \"few\"\n{text}"), parts);
    says(
        "restore.network = \"restorme\"\nrestore.loss.contrastive = 0.1",
        &[
            "experiments.toml:10:19: experiment a: restore.network",
            "did you mean \"restormer\"?",
        ],
    );
    says(
        "medium.network = \"nafnett\"\nrestore.loss.clip_aware = -1.0",
        &[
            "experiments.toml:10:18: experiment a: medium.network",
            "did you mean \"nafnet\"?",
        ],
    );
    says(
        "metrics = [\"psnr_rbg\"]\nrestore.loss.clip_aware = -1.0",
        &[
            "experiments.toml:10:11: experiment a: metrics",
            "did you mean \"psnr_rgb\"?",
        ],
    );
    let text = few("[experiment.a]\nextends = \"few\"\nrestore.network = \"swin\"");
    let problems = file(&text).unwrap().check().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].to_string().contains("there is no network \"swin\""),
        "{problems:?}"
    );
}

//! `perceive-ir metrics RESTORED [CLEAN]` and the learned metric in experiments, from outside.

mod support;

use std::path::Path;

use burn::tensor::Device;
use perceive_model::{
    metric::{
        self, Planes,
        lpips::{Backbone, ChannelWeights, Lpips},
    },
    tower::AlexNet,
    weights::{Checkpoint, recipe, shapes},
};
use serde_json::Value;
use support::{Desk, Outcome, cut, mini::MINI};

fn json(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// AlexNet by recipe and the published weights of its channels, as files to import.
fn lpips_files(desk: &Desk) -> [String; 2] {
    let network = recipe(&shapes(&AlexNet::new(&Device::flex())));
    network.write(desk.path("network.safetensors")).unwrap();
    channels().write(desk.path("channels.safetensors")).unwrap();
    ["network.safetensors", "channels.safetensors"].map(|name| desk.arg(name))
}

fn channels() -> Checkpoint {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/lpips_alex.safetensors");
    let mut channels = Checkpoint::read(golden).unwrap();
    channels.tensors.retain(|key, _| !key.starts_with("__"));
    channels
}

fn import_lpips(desk: &Desk) {
    let [network, channels] = lpips_files(desk);
    desk.run(&["weights", "import", "alexnet", &network]).fine();
    desk.run(&["weights", "import", "lpips-alex", &channels]).fine();
}

#[test]
fn folders_meet_by_name_and_every_protocol_is_a_column() {
    let desk = Desk::new();
    for name in ["a/1.png", "a/2.png", "a/3.png", "b/1.bmp", "b/2.png", "b/4.png"] {
        desk.plant(name, 40, 36);
    }
    let outcome = desk
        .run(&["metrics", &desk.arg("a"), &desk.arg("b"), "--format", "json"])
        .fine();
    assert!(
        outcome.stderr.contains("a/3.png") && outcome.stderr.contains("b/4.png"),
        "{}",
        outcome.stderr
    );
    let rows = json(&outcome.stdout);
    let names: Vec<&Value> = rows.iter().map(|row| &row["picture"]).collect();
    assert_eq!(names, ["1.png", "2.png"]);
    let table = desk.run(&["metrics", &desk.arg("a"), &desk.arg("b")]).fine().stdout;
    let words = |line: Option<&str>| line.unwrap().split_whitespace().map(String::from).collect::<Vec<_>>();
    let (head, means) = (words(table.lines().next()), words(table.lines().last()));
    assert_eq!(means[0], "mean");
    for metric in ["psnr_rgb", "psnr_y", "ssim_rgb", "ssim_restormer_y", "uciqe", "uiqm"] {
        let value = |row: usize| rows[row][metric].as_f64().unwrap();
        let column = head.iter().position(|name| name == metric).unwrap();
        let mean: f64 = means[column].parse().unwrap();
        assert!((f64::midpoint(value(0), value(1)) - mean).abs() < 6e-3, "{metric}");
    }
    assert!(rows[0].get("lpips_alex").is_none(), "its weights are not imported");

    let mut few = desk.command(&[
        "metrics",
        "--protocol",
        "ssim_rgb,psnr_y",
        "--crop-border",
        "3",
        "--format",
        "csv",
    ]);
    let few = few.args([desk.arg("a"), desk.arg("b")]);
    let csv = Outcome::of(few.output().unwrap()).fine().stdout;
    assert!(csv.starts_with("picture,ssim_rgb_crop3,psnr_y_crop3\n1.png,"), "{csv}");

    let alone = desk
        .run(&["metrics", &desk.arg("a/1.png"), "--format", "csv"])
        .fine()
        .stdout;
    assert!(alone.starts_with("picture,uciqe,"), "{alone}");
    assert_eq!(alone.lines().count(), 2);
}

#[test]
fn pictures_of_different_sizes_are_named_with_their_sizes_and_the_rest_is_measured() {
    let desk = Desk::new();
    for (name, width) in [("a/1.png", 24), ("b/1.png", 24), ("a/2.png", 24), ("b/2.png", 20)] {
        desk.plant(name, width, 16);
    }
    let says = ["a/2.png is 24x16", "b/2.png is 20x16"];
    let one = desk.run(&["metrics", &desk.arg("a/2.png"), &desk.arg("b/2.png")]);
    assert_eq!(one.stdout, "");
    one.fails(5, &says);
    let all = desk.run(&["metrics", &desk.arg("a"), &desk.arg("b"), "--format", "csv"]);
    assert!(
        all.stdout.contains("\n1.png,") && !all.stdout.contains("mean"),
        "{}",
        all.stdout
    );
    all.fails(5, &[&says[..], &["1 of 2 pictures"]].concat());
}

#[test]
fn equal_pictures_are_infinitely_good_and_small_ones_measured_as_far_as_they_go() {
    let desk = Desk::new();
    let (picture, small) = (desk.plant("a.png", 24, 16), desk.plant("small.png", 9, 9));
    let (picture, small) = (picture.display().to_string(), small.display().to_string());
    let equal = json(
        &desk
            .run(&["metrics", &picture, &picture, "--format", "json"])
            .fine()
            .stdout,
    );
    assert_eq!(
        (&equal[0]["psnr_rgb"], &equal[0]["mae_rgb"]),
        (&"inf".into(), &0.0.into())
    );
    let small = json(&desk.run(&["metrics", &small, &small, "--format", "json"]).fine().stdout);
    assert_eq!(
        (&small[0]["ssim_gaussian_y"], &small[0]["ssim_restormer_y"]),
        (&Value::Null, &1.0.into())
    );
}

#[test]
fn a_broken_picture_of_ones_own_is_told_without_a_word_of_datasets() {
    let desk = Desk::new();
    cut(&desk.plant("a.png", 24, 16), 20);
    let told = desk
        .run(&["metrics", &desk.arg("a.png")])
        .fails(5, &["a.png", "hint:", "anew"]);
    assert!(!told.stderr.contains("data verify"), "{}", told.stderr);
}

#[test]
fn folders_below_are_passed_over_in_plain_words() {
    let desk = Desk::new();
    for name in ["a/1.png", "a/below/2.png", "a/other/3.png", "b/1.png"] {
        desk.plant(name, 24, 16);
    }
    let told = desk.run(&["metrics", &desk.arg("a"), &desk.arg("b")]).fine().stderr;
    assert!(told.contains("2 folders below") && !told.contains("1 folder"), "{told}");
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_what_to_do() {
    let desk = Desk::new();
    desk.plant("a.png", 40, 36);
    let picture = desk.arg("a.png");
    desk.run(&["metrics", &picture, "--protocol", "psnr_y"])
        .fails(2, &["RESTORED CLEAN"]);
    desk.run(&["metrics", &picture, &picture, "--protocol", "psnr_yy"])
        .fails(4, &["psnr_y"]);
    desk.run(&["metrics", &picture, &desk.arg("none.png")])
        .fails(5, &["none.png"]);
    desk.run(&["metrics", &picture, &picture, "--crop-border", "18"])
        .fails(5, &["a.png", "40x36"]);
    desk.run(&["metrics", &picture, &picture, "--protocol", "lpips_alex"])
        .fails(6, &["alexnet-owt-7be5be79.pth", "weights import lpips-alex alex.pth"]);
}

#[test]
fn the_help_names_every_protocol() {
    let help = Desk::new().run(&["metrics", "--help"]).fine().stdout;
    for metric in metric::METRICS {
        assert!(help.contains(metric.name), "no {} in: {help}", metric.name);
    }
}

#[test]
fn lpips_has_a_column_once_its_weights_are_imported() {
    let desk = Desk::new();
    import_lpips(&desk);
    let paths = ["a.png", "b.png"].map(|name| desk.plant(name, 40, 36));
    let [a, b] = ["a.png", "b.png"].map(|name| desk.arg(name));
    let rows = json(&desk.run(&["metrics", &a, &b, "--format", "json"]).fine().stdout);
    let [a, b] = paths.map(|path| {
        let picture = image::open(path).unwrap().to_rgb8();
        Planes::from_rgb8(picture.as_raw(), 36, 40).unwrap()
    });
    let device = Device::flex();
    let network = AlexNet::new(&device);
    let network = AlexNet::from_checkpoint(recipe(&shapes(&network)), "recipe", &device).unwrap();
    let channels = ChannelWeights::from_checkpoint(Backbone::Alex, &channels(), "golden", &device).unwrap();
    let expected = Lpips::alex(network, channels).measure(&a, &b).unwrap();
    let got = rows[0]["lpips_alex"].as_f64().unwrap();
    assert!(
        expected > 0.0 && (got - expected).abs() < 1e-6,
        "{got} instead of {expected}"
    );
    assert!(rows[0].get("lpips_vgg").is_none());
}

const METRICS: &str = r#"metrics=["psnr_rgb", "lpips_alex"]"#;

#[test]
fn an_experiment_that_names_lpips_without_its_weights_is_refused_and_a_small_one_goes_without() {
    let desk = Desk::with(&MINI.replace("scale = \"tiny\"", "scale = \"paper\""));
    desk.run(&["plan", "mini", "--set", METRICS]).fails(
        6,
        &[
            "lpips_alex needs",
            "weights import alexnet",
            "weights import lpips-alex",
        ],
    );
    desk.write_experiments(MINI);
    let told = desk.run(&["plan", "mini", "--set", METRICS]).fine();
    assert!(told.stderr.contains("lpips_alex is left out"), "{}", told.stderr);
}

#[test]
fn lpips_is_evaluated_and_its_weights_are_part_of_the_key() {
    let desk = Desk::with(MINI);
    import_lpips(&desk);
    let loss = "restore.loss={ contrastive = 0.0, clip_aware = 0.0, perceptual = 0.0 }";
    let settings = ["--set", METRICS, "--set", loss, "--set", "restore.network=restormer"];
    desk.run(&[&["run", "mini"][..], &settings].concat()).fine();
    let values = desk.ask("SELECT CAST(count(*) AS TEXT) FROM evaluations WHERE metric = 'lpips_alex' AND value > 0");
    assert_eq!(values, ["8"], "two sets, two pictures, two tiers");
    let table = desk.run(&["results", "mini", "--format", "csv"]).fine().stdout;
    assert!(table.contains("lpips_alex"), "{table}");

    let to_do = |desk: &Desk| {
        let plan = desk
            .run(&[&["plan", "mini", "--format", "json"][..], &settings].concat())
            .fine();
        let jobs = json(&plan.stdout).into_iter().filter(|job| job["state"] != "cached");
        jobs.map(|job| job["stage"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(to_do(&desk), Vec::<String>::new());
    let mut other = channels();
    other.tensors.values_mut().for_each(|array| array.data[0] += 1.0);
    other.write(desk.path("other.safetensors")).unwrap();
    desk.run(&["weights", "rm", "lpips-alex"]).fine();
    desk.run(&["weights", "import", "lpips-alex", &desk.arg("other.safetensors")])
        .fine();
    assert_eq!(to_do(&desk), ["evaluate", "evaluate"]);
}

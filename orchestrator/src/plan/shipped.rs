//! Tests of the experiments that the program brings along: the paper's tables as plans.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use perceive_datasets::catalogue;
use perceive_model::{metric::Metric, network::NetworkConfig};

use super::{
    Node, Weights,
    pictures::{Found, Pictures},
    plan,
};
use crate::{
    failure::Failure,
    spec::{Case, Experiment, Outside, Size, SpecFile, Towers, pictures::PictureSet, proxy::Proxy},
    stage::{
        Job,
        negatives::source::Source,
        restore::{Restore, Sentences},
        start::StartFrom,
        towers::Tower,
    },
    weights_store::Kind,
};

/// The cases of each table, in the paper's order, without the rows of networks that the program does not have.
const TABLES: &[(&str, &str)] = &[
    (
        "table2",
        "perceive-ir restormer nafnet fsnet mambair airnet promptir instructir mprnet",
    ),
    (
        "table3",
        "perceive-ir restormer nafnet fsnet mambair airnet promptir instructir",
    ),
    ("table4", "perceive-ir restormer nafnet fsnet airnet promptir"),
    (
        "table5",
        "perceive-ir-dehazing perceive-ir-deraining perceive-ir-deblurring perceive-ir-low-light \
         restormer-dehazing restormer-deraining restormer-deblurring restormer-low-light \
         nafnet-dehazing fsnet-dehazing airnet-dehazing promptir-dehazing \
         nafnet-deraining fsnet-deraining airnet-deraining promptir-deraining fsnet-deblurring mprnet-deblurring",
    ),
    ("table6", "a b c d e f g h i j"),
    ("table7", "a b c d e f g h"),
    (
        "fig8",
        "0.1-0.05-0.1 0.05-0.025-0.05 0.2-0.1-0.2 0.05-0.05-0.1 0.2-0.05-0.1 0.1-0.025-0.1 0.1-0.1-0.1 0.1-0.05-0.05 \
         0.1-0.05-0.2",
    ),
    ("table8", "a b c d e f g h i j k l m"),
    (
        "table9",
        "n h r b l n-h n-r h-r b-l n-h-r n-h-b n-h-l n-h-r-b n-h-r-l n-h-b-l n-h-r-b-l",
    ),
    ("table10", "restormer mprnet airnet promptir"),
    ("table11", "perceive-ir airnet promptir"),
    ("table12", "perceive-ir promptir instructir"),
    (
        "table13",
        "restormer-n-h-r restormer-n-h-r-b-l nafnet-n-h-r nafnet-n-h-r-b-l airnet-n-h-r airnet-n-h-r-b-l \
         promptir-n-h-r promptir-n-h-r-b-l instructir-n-h-r instructir-n-h-r-b-l",
    ),
];

/// Every tower installed.
pub struct Towered;

impl Weights for Towered {
    fn check(&self, _: Towers, _: &[&'static Kind]) -> Result<(), Failure> {
        Ok(())
    }

    fn clip(&self, _: Towers) -> Result<Tower, Failure> {
        Ok(Tower::StandIn)
    }

    fn dinov2(&self, _: Towers) -> Result<Tower, Failure> {
        Ok(Tower::StandIn)
    }

    fn vgg16(&self, _: Towers) -> Result<Tower, Failure> {
        Ok(Tower::StandIn)
    }

    fn token_width(&self, _: &Tower) -> Result<usize, Failure> {
        Ok(32)
    }

    fn imported(&self, name: &str) -> Result<String, Failure> {
        Ok(name.into())
    }

    fn start(&self, name: &str) -> Result<(StartFrom, NetworkConfig), Failure> {
        let blake3 = name.into();
        let of = NetworkConfig::sized("restormer", perceive_model::network::Size::Tiny)?;
        let name = name.into();
        Ok((StartFrom::Imported { name, blake3 }, of))
    }

    fn sentences(&self, name: &str) -> Result<(Sentences, BTreeMap<String, usize>), Failure> {
        let sentences = Sentences {
            name: name.into(),
            blake3: name.into(),
        };
        Ok((sentences, [("noise".to_string(), 3), ("haze".to_string(), 2)].into()))
    }

    fn metric(&self, metric: &Metric, _: Size) -> Result<Option<Vec<String>>, Failure> {
        Ok(Some(
            metric.is_learned().then(|| metric.name.into()).into_iter().collect(),
        ))
    }

    fn foreign(&self, proxy: &Proxy) -> Result<Source, Failure> {
        let name = proxy.name.clone();
        Ok(Source::Imported {
            blake3: format!("{:?}", proxy.origin),
            name,
        })
    }
}

fn spec() -> SpecFile {
    SpecFile::open(&[PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../experiments.toml"
    ))])
    .unwrap()
}

fn cases(name: &str, scale: Option<Size>) -> Vec<Case> {
    let outside = Outside {
        scale,
        ..Outside::default()
    };
    spec().cases(name, &outside).unwrap()
}

/// As if every dataset were there, whole.
fn whole(asked: PictureSet, split: &str) -> Found {
    let entry = catalogue::find(&asked.dataset).unwrap();
    Found::Indexed {
        dataset: entry.name.into(),
        split: split.into(),
        kind: asked.kinds()[0].into(),
        digest: format!("{} {split}", entry.name),
        pictures: entry.split(split).unwrap().official,
        smallest: (PathBuf::from("smallest.png"), 256, 256),
        without_references: entry.is_without_references(),
        asked,
    }
}

fn planned(experiment: &Experiment) -> Vec<Node> {
    let all = |sets: Vec<PictureSet>, split: &str| sets.into_iter().map(|set| whole(set, split)).collect();
    let pictures = Pictures {
        train: all(experiment.train_sets(), "train"),
        test: all(experiment.test_sets(), "test"),
    };
    plan(experiment, &pictures, &Towered).unwrap()
}

/// The plans of an experiment's cases by name.
fn plans(name: &str) -> BTreeMap<String, Vec<Node>> {
    cases(name, None)
        .into_iter()
        .map(|case| (case.name, planned(&case.settings)))
        .collect()
}

fn restore(nodes: &[Node]) -> (&str, &Restore) {
    let mut found = nodes.iter().filter_map(|node| match &node.job {
        Job::Restore(job) => Some((node.key.as_str(), &**job)),
        _ => None,
    });
    found.next().unwrap()
}

/// How many different jobs of each stage.
fn counts<'a>(plans: impl IntoIterator<Item = &'a Vec<Node>>) -> BTreeMap<&'static str, usize> {
    let all: BTreeMap<&str, &Job> = plans
        .into_iter()
        .flatten()
        .map(|node| (node.key.as_str(), &node.job))
        .collect();
    let mut counts = BTreeMap::new();
    for job in all.values() {
        *counts.entry(job.stage()).or_default() += 1;
    }
    counts
}

#[test]
fn every_table_has_the_papers_cases_that_the_program_can_run() {
    for (table, expected) in TABLES {
        let names: Vec<String> = cases(table, None).into_iter().map(|case| case.name).collect();
        assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>(), "{table}");
    }
    let tables = spec()
        .names()
        .into_iter()
        .filter(|name| name.starts_with("table") || name.starts_with("fig"))
        .map(String::from)
        .collect::<Vec<_>>();
    assert_eq!(tables, TABLES.iter().map(|(table, _)| *table).collect::<Vec<_>>());
}

#[test]
fn every_shipped_experiment_resolves_at_every_scale() {
    for name in spec().names() {
        for scale in [None, Some(Size::Tiny), Some(Size::Small), Some(Size::Paper)] {
            for case in cases(name, scale) {
                assert_eq!(case.settings.check(), [], "{name} {}", case.name);
            }
        }
    }
}

#[test]
fn the_tables_train_as_the_paper_did() {
    let ablations = ["table6", "table7", "fig8", "table8", "table10"];
    for (table, _) in TABLES {
        for case in cases(table, None) {
            let restore = &case.settings.restore;
            let steps = if ablations.contains(table) { 100_000 } else { 400_000 };
            let training = &restore.training;
            assert_eq!(
                (training.steps, training.batch, training.patch),
                (steps, 6, 128),
                "{table}"
            );
            assert_eq!(training.learning_rate, 2e-4);
            assert_eq!(restore.size, Size::Paper);
            assert_eq!(case.settings.towers, Towers::Real);
            let (medium, prompts) = (&case.settings.medium, &case.settings.prompts);
            assert_eq!((medium.training.steps, medium.training.learning_rate), (100_000, 2e-4));
            assert_eq!(
                (prompts.steps, prompts.learning_rate, prompts.batch),
                (100_000, 4e-5, 32)
            );
            if ablations.contains(table) {
                assert_eq!(case.settings.tasks, ["rain"]);
            }
        }
    }
}

#[test]
fn a_tiny_table_takes_minutes_and_needs_no_real_tower() {
    for (table, _) in TABLES {
        for case in cases(table, Some(Size::Tiny)) {
            let settings = &case.settings;
            assert!(settings.restore.training.steps <= 500 && settings.medium.training.steps <= 300);
            assert!((1..=64).contains(&settings.train_limit) && (1..=8).contains(&settings.test_limit));
            assert_eq!(settings.towers, Towers::StandIn);
        }
    }
}

#[test]
fn the_rows_of_table_vi_are_trainings_of_their_own_on_six_networks() {
    let plans = plans("table6");
    let trainings: BTreeSet<&str> = plans.values().map(|nodes| restore(nodes).0).collect();
    assert_eq!(trainings.len(), 10);
    let network = |row: &str| restore(&plans[row]).1.network.clone();
    let rows = ["a", "c", "d", "e", "g", "h"];
    for (index, row) in rows.iter().enumerate() {
        for other in &rows[..index] {
            assert_ne!(network(row), network(other), "{row} {other}");
        }
    }
    for (with, without) in [("b", "a"), ("f", "c"), ("i", "g"), ("j", "h")] {
        assert_eq!(network(with), network(without));
        assert!(restore(&plans[with]).1.clip_aware.is_some() && restore(&plans[without]).1.clip_aware.is_none());
    }
    // The baseline has a Restormer's numbers, the whole network the paper's.
    let plain = NetworkConfig::sized("restormer", perceive_model::network::Size::Paper).unwrap();
    assert_eq!(network("a").parameters(), plain.parameters());
    assert_eq!(network("j").with_guidance_width(768).parameters(), 42_019_828);
    assert!(plans.values().all(|nodes| restore(nodes).1.perceptual.is_some()));
}

#[test]
fn the_rows_of_table_vii_are_the_eight_subsets_of_three_terms() {
    let plans = plans("table7");
    let terms = |nodes: &Vec<Node>| {
        let (_, job) = restore(nodes);
        let contrastive = job.loss.contrastive > 0.0;
        (job.clip_aware.is_some(), job.perceptual.is_some(), contrastive)
    };
    let subsets: BTreeSet<_> = plans.values().map(terms).collect();
    assert_eq!(subsets.len(), 8);
    assert_eq!(terms(&plans["a"]), (false, false, false));
    assert_eq!(terms(&plans["e"]), (false, true, true));
    assert_eq!(terms(&plans["h"]), (true, true, true));
}

#[test]
fn a_sweep_of_loss_weights_trains_medium_prompts_and_negatives_once() {
    let plans = plans("fig8");
    let expected = [
        ("evaluate", 9),
        ("medium", 2),
        ("negatives", 2),
        ("prompts", 1),
        ("restore", 9),
    ];
    assert_eq!(counts(plans.values()), BTreeMap::from(expected));
}

#[test]
fn prompt_settings_share_the_medium_pictures_and_the_negatives() {
    let plans = plans("table8");
    let counts = counts(plans.values());
    assert_eq!((counts["medium"], counts["negatives"]), (2, 2));
    assert_eq!((counts["prompts"], counts["restore"]), (13, 13));
}

#[test]
fn what_two_tables_have_in_common_is_trained_once() {
    let key = |table: &str, case: &str| restore(&plans(table)[case]).0.to_string();
    for same in [
        &[
            ("table6", "j"),
            ("table7", "h"),
            ("table8", "i"),
            ("table10", "restormer"),
            ("fig8", "0.1-0.05-0.1"),
        ][..],
        &[
            ("table2", "perceive-ir"),
            ("table9", "n-h-r"),
            ("table13", "restormer-n-h-r"),
        ],
        &[
            ("table3", "perceive-ir"),
            ("table9", "n-h-r-b-l"),
            ("table12", "perceive-ir"),
            ("table13", "restormer-n-h-r-b-l"),
        ],
        &[("table4", "perceive-ir"), ("table9", "n"), ("table11", "perceive-ir")],
        &[("table2", "airnet"), ("table13", "airnet-n-h-r")],
        &[
            ("table3", "instructir"),
            ("table12", "instructir"),
            ("table13", "instructir-n-h-r-b-l"),
        ],
        &[("table4", "promptir"), ("table11", "promptir")],
        &[("table5", "perceive-ir-dehazing"), ("table9", "h")],
        &[("table5", "perceive-ir-deraining"), ("table9", "r")],
        &[("table5", "perceive-ir-deblurring"), ("table9", "b")],
        &[("table5", "perceive-ir-low-light"), ("table9", "l")],
    ] {
        let keys: BTreeSet<String> = same.iter().map(|(table, case)| key(table, case)).collect();
        assert_eq!(keys.len(), 1, "{same:?}");
    }
    assert_ne!(
        key("table6", "j"),
        key("table5", "perceive-ir-deraining"),
        "100,000 steps are not 400,000"
    );
}

#[test]
fn the_tests_are_the_columns_of_each_table() {
    let tests = |table: &str, case: &str| -> Vec<String> {
        let mut labels = Vec::new();
        for node in &plans(table)[case] {
            if let Job::Evaluate(job) = &node.job {
                labels.push(job.set.label.clone());
            }
        }
        labels
    };
    let noise = |set: &str, levels: &[u32]| {
        levels
            .iter()
            .map(|level| format!("{set} noise{level}"))
            .collect::<Vec<_>>()
    };
    let others = ["sots haze", "rain100l rain", "gopro blur", "lol low-light"].map(String::from);
    let three = noise("cbsd68", &[15, 25, 50]);
    assert_eq!(tests("table2", "restormer"), [&three[..], &others[..2]].concat());
    assert_eq!(
        tests("table3", "restormer"),
        [&noise("cbsd68", &[25])[..], &others].concat()
    );
    assert_eq!(tests("table4", "restormer").len(), 9);
    assert_eq!(tests("table5", "restormer-deblurring"), ["gopro blur"]);
    assert_eq!(tests("table7", "a"), ["rain100l rain"]);
    assert_eq!(tests("table9", "n-h-r-b-l"), [&three[..], &others].concat());
    assert_eq!(tests("table9", "b-l"), ["gopro blur", "lol low-light"]);
    assert_eq!(
        tests("table11", "perceive-ir"),
        [noise("cbsd68", &[60, 100]), noise("urban100", &[60, 100])].concat()
    );
    assert_eq!(tests("table12", "perceive-ir"), ["uieb underwater", "c60 underwater"]);
    let plans = plans("table12");
    let tests: Vec<_> = plans["perceive-ir"]
        .iter()
        .filter_map(|node| match &node.job {
            Job::Evaluate(job) => Some(job),
            _ => None,
        })
        .collect();
    assert_eq!(
        tests[0].metrics,
        ["lpips_alex", "psnr_rgb", "ssim_rgb", "uciqe", "uiqm"]
    );
    assert_eq!(tests[0].weights["lpips_alex"], ["lpips_alex"]);
    assert_eq!(tests[1].metrics, ["uciqe", "uiqm"], "C60 has no references");
    assert!(tests[1].weights.is_empty());
}

#[test]
fn a_job_read_back_from_its_order_has_the_key_that_was_planned() {
    for (table, _) in TABLES {
        for node in plans(table).into_values().flatten() {
            let order = serde_json::to_vec(&node.job).unwrap();
            assert_eq!(
                serde_json::from_slice::<Job>(&order).unwrap().key(),
                node.key,
                "{table}"
            );
        }
    }
}

#[test]
fn settings_of_what_is_off_change_no_key() {
    let keys = |case: &str, sets: &[&str]| -> Vec<String> {
        let outside = Outside {
            sets: sets.iter().map(ToString::to_string).collect(),
            only: vec![case.into()],
            ..Outside::default()
        };
        let table = if case == "restormer" { "table2" } else { "table8" };
        let case = spec().cases(table, &outside).unwrap().remove(0);
        planned(&case.settings).into_iter().map(|node| node.key).collect()
    };
    for (case, set, without) in [
        ("restormer", "restore.loss.slice=7", true),
        ("restormer", "restore.loss.difficulty=0.5", true),
        ("restormer", "restore.loss.contrastive_temperature=0.5", true),
        ("restormer", "prompts.tokens=3", true),
        ("restormer", "medium.training.steps=3", true),
        ("a", "prompts.tokens=3", true),
        ("a", "prompts.learning_rate=0.5", true),
        ("a", "prompts.temperature=3.0", false),
        ("i", "prompts.tokens=3", false),
        ("i", "restore.loss.slice=7", false),
        ("i", "restore.loss.contrastive_temperature=0.5", false),
        ("i", "restore.loss.contrastive_negatives=degradations", false),
    ] {
        assert_eq!(keys(case, &[]) == keys(case, &[set]), without, "{case} {set}");
    }
}

#[test]
fn merged_sets_share_a_weight_by_their_pictures() {
    let plans = plans("table2");
    let weight = |group: &str| -> f64 {
        let sets = &restore(&plans["restormer"]).1.sets;
        sets.iter().filter(|set| set.group == group).map(|set| set.weight).sum()
    };
    assert!((weight("bsd400 train") - 400.0 / 5144.0).abs() < 1e-5);
    assert!((weight("wed train") - 4744.0 / 5144.0).abs() < 1e-5);
    assert_eq!((weight("reside train"), weight("rain100l train")), (1.0, 1.0));
}

#[test]
fn instructir_is_told_the_degradations_of_its_training_and_may_be_given_sentences_for_them() {
    let mut case = cases("table12", None)
        .into_iter()
        .find(|case| case.name == "instructir")
        .unwrap();
    let sets = |nodes: &[Node]| match &restore(nodes).1.network {
        NetworkConfig::InstructIr(config) => config
            .instructions
            .iter()
            .map(|set| (set.degradation.clone(), set.sentences))
            .collect::<Vec<_>>(),
        _ => panic!("another network"),
    };
    let stand_in = planned(&case.settings);
    let named: Vec<String> = sets(&stand_in).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        named,
        ["noise15", "noise25", "noise50", "haze", "rain", "blur", "low-light"]
    );
    assert!(restore(&stand_in).1.instructions.is_none());

    case.settings.restore.instructions = "mine".into();
    let pictures = |tasks: &[&str], experiment: &Experiment| {
        let experiment = Experiment {
            tasks: tasks.iter().map(ToString::to_string).collect(),
            ..experiment.clone()
        };
        let all = |sets: Vec<PictureSet>, split: &str| sets.into_iter().map(|set| whole(set, split)).collect();
        Pictures {
            train: all(experiment.train_sets(), "train"),
            test: all(experiment.test_sets(), "test"),
        }
    };
    let rain = pictures(&["rain"], &case.settings);
    let failure = plan(&case.settings, &rain, &Towered).unwrap_err();
    assert!(
        failure.to_string().contains("mine has no sentence for rain"),
        "{failure}"
    );
    let mut spoken = pictures(&["noise", "haze"], &case.settings);
    spoken.test = pictures(&[], &case.settings).test;
    let nodes = plan(&case.settings, &spoken, &Towered).unwrap();
    let counts: Vec<usize> = sets(&nodes).into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [3, 3, 3, 2]);
    assert_eq!(restore(&nodes).1.instructions.as_ref().unwrap().name, "mine");
}

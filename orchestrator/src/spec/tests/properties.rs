//! What holds for any grid, in whatever order a file is written.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Settings that a grid may vary, each with values that are possible beside any others.
const AXES: &[(&str, &[&str])] = &[
    ("prompts.tokens", &["1", "4", "16", "64"]),
    ("prompts.temperature", &["1.0", "50", "100.0"]),
    ("restore.loss.clip_aware", &["0.0", "0.01", "0.05"]),
    ("restore.pgca", &["\"single\"", "\"off\""]),
    ("restore.training.batch", &["1", "2", "3", "4"]),
    ("medium.training.batch", &["1", "2"]),
];

/// Some of [`AXES`] with at least one value each, in any order.
fn grid() -> impl Strategy<Value = Vec<(&'static str, Vec<&'static str>)>> {
    let axes = proptest::sample::subsequence(AXES.to_vec(), 1..=4).prop_shuffle();
    axes.prop_flat_map(|axes| {
        axes.into_iter()
            .map(|(key, values)| {
                let some = proptest::sample::subsequence(values.to_vec(), 1..=values.len());
                (Just(key), some)
            })
            .collect::<Vec<_>>()
    })
}

fn lines(pairs: &[(&str, Vec<&str>)]) -> String {
    let line = |(key, values): &(&str, Vec<&str>)| format!("\"{key}\" = [{}]\n", values.join(", "));
    pairs.iter().map(line).collect()
}

/// Cases by name.
fn by_name(cases: Vec<Case>) -> BTreeMap<(String, u64), Experiment> {
    cases
        .into_iter()
        .map(|case| ((case.name, case.seed), case.settings))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_matrix_has_as_many_cases_as_the_product_less_what_is_excluded(
        grid in grid(),
        excluded in proptest::collection::vec(any::<proptest::sample::Index>(), 0..3),
    ) {
        let product: usize = grid.iter().map(|(_, values)| values.len()).product();
        // Each entry leaves out one point: the values of all axes that this number stands for.
        let mut points: Vec<usize> = excluded.iter().map(|index| index.index(product)).collect();
        points.sort_unstable();
        points.dedup();
        prop_assume!(points.len() < product);
        let mut text = few(&format!("[experiment.a]\nextends = \"few\"\nseeds = 2\n[experiment.a.matrix]\n{}", lines(&grid)));
        for mut point in points.iter().copied() {
            text.push_str("[[experiment.a.exclude]]\n");
            for (key, values) in &grid {
                text.push_str(&format!("\"{key}\" = {}\n", values[point % values.len()]));
                point /= values.len();
            }
        }
        let found = cases(&text, "a").unwrap();
        prop_assert_eq!(found.len(), 2 * (product - points.len()));
        prop_assert_eq!(by_name(found).len(), 2 * (product - points.len()));
    }

    #[test]
    fn the_order_of_keys_and_experiments_changes_nothing(grid in grid()) {
        let parent = "[experiment.p]\nextends = \"few\"\nprompts = { pool = 9, patch = 24 }\n";
        let child = |grid: &str| format!("[experiment.a]\nextends = \"p\"\n[experiment.a.matrix]\n{grid}");
        let mut backwards = grid.clone();
        backwards.reverse();
        let one = format!("{FEW}{parent}{}", child(&lines(&grid)));
        let parent = "[experiment.p]\nprompts = { patch = 24, pool = 9 }\nextends = \"few\"\n";
        let other = format!("{}{parent}{FEW}", child(&lines(&backwards)));
        prop_assert_eq!(cases(&one, "a").unwrap(), cases(&other, "a").unwrap());
    }

    #[test]
    fn every_case_has_exactly_the_values_of_its_name(grid in grid()) {
        let text = few(&format!("[experiment.a]\nextends = \"few\"\n[experiment.a.matrix]\n{}", lines(&grid)));
        for case in cases(&text, "a").unwrap() {
            let settings = serde_json::to_value(&case.settings).unwrap();
            for part in case.name.split(',') {
                let (short, value) = part.split_once('=').unwrap();
                let key = grid.iter().map(|(key, _)| key).find(|key| key.ends_with(short)).unwrap();
                let found = settings.pointer(&format!("/{}", key.replace('.', "/"))).unwrap();
                let same = match (found.as_f64(), value.parse::<f64>()) {
                    (Some(found), Ok(value)) => found == value,
                    _ => found.as_str() == Some(value),
                };
                prop_assert!(same, "{key}: {found} is not {value}");
            }
        }
    }

    #[test]
    fn a_layer_wins_over_all_below_it(layers in proptest::collection::vec(any::<bool>(), 6)) {
        // One layer after the other may set the tokens: base, grandparent, parent, the experiment, its case, --set,
        // which must leave alone what a case says.
        let line = |layer: usize| if layers[layer] { format!("prompts.tokens = {}\n", 20 + layer) } else { String::new() };
        let text = format!(
            "[base]\n{}{FEW}[experiment.g]\n{}[experiment.p]\nextends = \"g\"\n{}[experiment.a]\nextends = [\"few\", \"p\"]\n{}\
             [[experiment.a.cases]]\nname = \"x\"\n{}",
            line(0), line(1), line(2), line(3), line(4),
        );
        let outside = if layers[5] { sets(&["prompts.tokens=25"]) } else { Outside::default() };
        let found = cases_with(&text, "a", &outside);
        prop_assert_eq!(found.is_err(), layers[4] && layers[5]);
        let Ok(found) = found else { return Ok(()) };
        let highest = layers.iter().rposition(|set| *set);
        prop_assert_eq!(found[0].settings.prompts.tokens, highest.map_or(16, |layer| 20 + layer));
    }
}

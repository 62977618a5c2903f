//! Measurements in, a table out: means over the pictures of a test set become mean and deviation over seeds.

use polars::prelude::*;

use super::columns::{AVERAGE, KEYS, Shown, gains, ordered_names, shown_columns, std_of};
use super::measurement::{Measurement, Per, frame};
use super::read::Case;

/// What makes two rows belong to one case. The same point at another scale, or with other towers, is another case.
const CASE: [&str; 5] = ["case_order", "case", "scale", "towers", "tests"];

/// What makes two rows of a case be about the same thing.
const ABOUT: [&str; 4] = ["test_order", "test", "degradation", "picture"];

/// One row for each case, test set and degradation (and picture), cases in the order in which they first appear in
/// `cases`, and one row of averages after each case that has several test sets.
///
/// Columns: [`KEYS`], then for each of `metrics` that was measured: a mean for each tier that was measured, `gain`
/// (restored - degraded), and beside each of them its sample deviation over seeds (null with one seed). Averages weigh
/// every test set the same, as the paper's do, and are null where a test set lacks the number.
pub fn table(cases: &[Case], measurements: &[Measurement], metrics: &[&str], per: Per) -> PolarsResult<DataFrame> {
    let shown = shown_columns(measurements, metrics);
    let means: Vec<Expr> = shown.iter().map(Shown::mean).collect();
    let gains: Vec<Expr> = gains(&shown);
    let names: Vec<String> = ordered_names(&shown, metrics);

    let per_seed = frame(cases, measurements)?
        .lazy()
        .group_by_stable(columns_of(&[&CASE, &["seed"], &ABOUT]))
        .agg([vec![col("pictures").max()], means].concat())
        .with_columns(gains);

    // A seed that has not met every test set of its case yet would average over other test sets than its siblings.
    let averages = per_seed
        .clone()
        .group_by_stable(columns_of(&[&CASE, &["seed"]]))
        .agg(
            names
                .iter()
                .map(|name| {
                    when(col(name).null_count().eq(lit(0)))
                        .then(col(name).mean())
                        .otherwise(lit(NULL))
                        .alias(name)
                })
                .chain([col("pictures").sum(), len().cast(DataType::UInt32).alias("met")])
                .collect::<Vec<_>>(),
        )
        .filter(col("met").eq(col("tests")).and(col("tests").gt(lit(1u32))))
        .filter(
            names
                .iter()
                .map(|name| col(name).is_not_null())
                .fold(lit(false), Expr::or),
        )
        .with_columns([
            lit(u32::MAX).cast(DataType::UInt32).alias("test_order"),
            lit(AVERAGE).alias("test"),
            lit("").alias("degradation"),
            lit("").alias("picture"),
        ]);

    let keys = columns_of(&[&CASE, &ABOUT]);
    let columns: Vec<Expr> = keys
        .iter()
        .cloned()
        .chain([col("seed"), col("pictures").cast(DataType::UInt32)])
        .chain(names.iter().map(|name| col(name).cast(DataType::Float64)))
        .collect();
    let over_seeds = names
        .iter()
        .flat_map(|name| [col(name).mean(), col(name).std(1).alias(std_of(name))])
        .chain([
            col("pictures").max(),
            col("seed").n_unique().cast(DataType::UInt32).alias("seeds"),
        ])
        .collect::<Vec<_>>();
    let all = match per {
        Per::Test => concat(
            [per_seed.select(&columns), averages.select(&columns)],
            UnionArgs::default(),
        )?,
        Per::Picture => per_seed.select(&columns),
    };
    let (order, silent) = match per {
        Per::Test => (&["case_order", "test_order"][..], "picture"),
        Per::Picture => (&["case_order", "test_order", "picture"][..], "pictures"),
    };
    all.group_by_stable(keys)
        .agg(over_seeds)
        .sort(order.iter().copied(), SortMultipleOptions::default())
        .select(
            KEYS.into_iter()
                .filter(|key| *key != silent)
                .map(col)
                .chain(names.iter().flat_map(|name| [col(name), col(std_of(name))]))
                .collect::<Vec<_>>(),
        )
        // Rows that are sorted at the end would be let free to come in any order, and sums depend on it in the last digit: the
        // same record makes the same table, bit for bit.
        .with_check_order(false)
        .collect()
}

fn columns_of(names: &[&[&str]]) -> Vec<Expr> {
    names
        .iter()
        .flat_map(|names| names.iter().map(|name| col(*name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::desk::Desk;
    use super::*;

    const NOISE: (&str, &str) = ("CBSD68", "noise25");
    const RAIN: (&str, &str) = ("Rain100L", "rain");
    const LOW: (&str, &str) = ("LOL", "low-light");

    fn numbers(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
        frame.column(column).unwrap().f64().unwrap().iter().collect()
    }

    fn words(frame: &DataFrame, column: &str) -> Vec<String> {
        let column = frame.column(column).unwrap().str().unwrap();
        column.iter().map(|word| word.unwrap().to_owned()).collect()
    }

    fn counts(frame: &DataFrame, column: &str) -> Vec<Option<u32>> {
        frame.column(column).unwrap().u32().unwrap().iter().collect()
    }

    #[test]
    fn the_gain_is_restored_minus_degraded() {
        let frame = Desk::default().tested("one", 0, NOISE, 30.0).table(&["psnr_rgb"]);
        assert_eq!(frame.height(), 1);
        assert_eq!(words(&frame, "test"), ["CBSD68"]);
        assert_eq!(counts(&frame, "pictures"), [Some(2)]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(30.0)]);
        assert_eq!(numbers(&frame, "psnr_rgb_gain"), [Some(10.0)]);
        assert_eq!(
            numbers(&frame, "psnr_rgb_gain_std"),
            [None],
            "one seed has no deviation"
        );
    }

    #[test]
    fn an_average_closes_each_case_and_weighs_test_sets_the_same() {
        let mut desk = Desk::default()
            .tested("second", 0, RAIN, 30.0)
            .tested("second", 0, NOISE, 36.0)
            .tested("first", 0, LOW, 22.0);
        desk.rows[3].pictures = 3;
        let frame = desk.table(&["psnr_rgb"]);
        assert_eq!(words(&frame, "case"), ["second", "second", "second", "first"]);
        assert_eq!(words(&frame, "test"), ["CBSD68", "Rain100L", AVERAGE, "LOL"]);
        let restored = numbers(&frame, "psnr_rgb_restored");
        assert_eq!(restored, [Some(36.0), Some(30.0), Some(33.0), Some(22.0)]);
        assert_eq!(counts(&frame, "pictures"), [Some(3), Some(2), Some(5), Some(2)]);
    }

    #[test]
    fn seeds_become_mean_and_deviation() {
        let desk = Desk::default()
            .tested("case", 1, NOISE, 29.0)
            .tested("case", 2, NOISE, 31.0)
            .tested("case", 3, NOISE, 33.0);
        let frame = desk.table(&["psnr_rgb"]);
        assert_eq!(counts(&frame, "seeds"), [Some(3)]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(31.0)]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored_std"), [Some(2.0)]);
        assert_eq!(numbers(&frame, "psnr_rgb_degraded_std"), [Some(0.0)]);
        assert_eq!(
            counts(&frame, "pictures"),
            [Some(2)],
            "a picture is the same picture under every seed"
        );
    }

    #[test]
    fn a_seed_without_every_test_set_does_not_shift_the_average() {
        let desk = Desk::default()
            .tested("case", 1, NOISE, 29.0)
            .tested("case", 1, LOW, 21.0)
            .tested("case", 2, NOISE, 31.0);
        let frame = desk.table(&["psnr_rgb"]);
        assert_eq!(
            numbers(&frame, "psnr_rgb_restored"),
            [Some(30.0), Some(21.0), Some(25.0)]
        );
        assert_eq!(counts(&frame, "seeds"), [Some(2), Some(1), Some(1)]);
    }

    #[test]
    fn an_average_lacks_what_one_of_its_test_sets_lacks() {
        let mut desk = Desk::default()
            .tested("case", 0, NOISE, 28.0)
            .tested("case", 0, LOW, 20.0);
        desk.measure(0, LOW, "medium", "psnr_rgb", 18.0);
        assert_eq!(
            numbers(&desk.table(&["psnr_rgb"]), "psnr_rgb_medium"),
            [None, Some(18.0), None]
        );
    }

    #[test]
    fn the_same_point_at_another_scale_is_another_case() {
        let mut desk = Desk::default().tested("case", 0, NOISE, 29.0);
        let small = desk.case("case", "small", 0);
        desk.measure(small, NOISE, "restored", "psnr_rgb", 31.0);
        let frame = desk.table(&["psnr_rgb"]);
        assert_eq!(words(&frame, "scale"), ["tiny", "small"]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(29.0), Some(31.0)]);
    }

    #[test]
    fn protocols_never_share_a_column() {
        let mut desk = Desk::default().tested("case", 0, RAIN, 29.0);
        desk.measure(0, RAIN, "restored", "psnr_y", 41.0);
        let frame = desk.table(&["psnr_rgb", "psnr_y"]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(29.0)]);
        assert_eq!(numbers(&frame, "psnr_y_restored"), [Some(41.0)]);
        assert!(desk.table(&["psnr_y"]).column("psnr_rgb_restored").is_err());
    }

    #[test]
    fn tiers_that_nobody_measured_have_no_column() {
        let mut desk = Desk::default();
        let case = desk.case("case", "tiny", 0);
        desk.measure(case, RAIN, "degraded", "psnr_rgb", 20.0);
        let frame = desk.table(&["psnr_rgb", "ssim_rgb"]);
        let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
        let keys = KEYS.into_iter().filter(|key| *key != "picture");
        let expected: Vec<&str> = keys.chain(["psnr_rgb_degraded", "psnr_rgb_degraded_std"]).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn every_picture_has_a_row_when_asked_for() {
        let mut desk = Desk::default()
            .tested("case", 1, RAIN, 30.0)
            .tested("case", 1, RAIN, 34.0)
            .tested("case", 2, RAIN, 32.0);
        for (row, picture) in desk.rows.iter_mut().zip(["b", "b", "a", "a", "b", "b"]) {
            row.picture = format!("{picture}.png");
        }
        let frame = table(&desk.cases, &desk.rows, &["psnr_rgb"], Per::Picture).unwrap();
        assert_eq!(words(&frame, "picture"), ["a.png", "b.png"]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(34.0), Some(31.0)]);
        assert_eq!(counts(&frame, "seeds"), [Some(1), Some(2)]);
        assert!(frame.column("pictures").is_err());
    }

    #[test]
    fn the_same_numbers_make_the_same_table_to_the_last_bit() {
        let mut desk = Desk::default();
        for seed in 0..3 {
            for case in 0..200 {
                for (place, test) in [NOISE, RAIN, LOW].into_iter().enumerate() {
                    let value = 30.0 + f64::from(case * 7 + seed * 3 + place as i32).sin();
                    desk = desk.tested(&format!("case {case}"), i64::from(seed), test, value);
                }
            }
        }
        let first = desk.table(&["psnr_rgb"]);
        assert_eq!(first.height(), 200 * 4);
        for _ in 0..5 {
            assert!(desk.table(&["psnr_rgb"]).equals_missing(&first));
        }
    }

    #[test]
    fn no_measurements_make_an_empty_table() {
        assert_eq!(Desk::default().table(&["psnr_rgb"]).height(), 0);
    }
}

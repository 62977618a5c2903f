//! The whole text of small tables, in every format.

use super::super::beside::beside_paper;
use super::super::desk::Desk;
use super::super::methods::with_methods;
use super::super::{filter, pivot, tall};
use super::*;
use crate::paper;

const NOISE: (&str, &str) = ("cbsd68", "noise25");
const RAIN: (&str, &str) = ("rain100l", "rain");
const METRICS: [&str; 2] = ["psnr_rgb", "ssim_rgb"];

/// A case with PSNR and SSIM (a fortieth of it) in some test sets.
fn tested(desk: &mut Desk, case: &str, seed: i64, psnr: &[((&str, &str), f64)]) {
    let place = desk.case(case, "tiny", seed);
    for (test, psnr) in psnr {
        desk.measure(place, *test, "restored", "psnr_rgb", *psnr);
        desk.measure(place, *test, "restored", "ssim_rgb", psnr / 40.0);
    }
}

/// One case, with what its pictures were.
fn one(seeds: i64) -> DataFrame {
    let mut desk = Desk::default();
    for seed in 0..seeds {
        tested(&mut desk, "base", seed, &[(NOISE, 29.996 + seed as f64), (RAIN, 33.0)]);
        let place = desk.case("base", "tiny", seed);
        for test in [NOISE, RAIN] {
            desk.measure(place, test, "degraded", "psnr_rgb", 20.0);
        }
    }
    desk.table(&METRICS)
}

/// Three cases of two seeds, of which one lacks a seed.
fn several() -> DataFrame {
    let mut desk = Desk::default();
    tested(&mut desk, "perceive-ir", 1, &[(NOISE, 31.0), (RAIN, 37.0)]);
    tested(&mut desk, "perceive-ir", 2, &[(NOISE, 31.2), (RAIN, 37.4)]);
    tested(&mut desk, "restormer", 1, &[(NOISE, 30.5), (RAIN, 36.0)]);
    tested(&mut desk, "restormer", 2, &[(NOISE, 30.5), (RAIN, 36.0)]);
    tested(&mut desk, "mine_1", 1, &[(NOISE, 31.1)]);
    desk.table(&METRICS)
}

fn text(made: &[Sheet], format: Format) -> String {
    sheets(
        made,
        &["a caption".to_owned(), "of two lines".to_owned()],
        format,
        false,
    )
}

fn of_one(frame: &DataFrame, format: Format) -> String {
    text(&[tall::sheet(frame).unwrap()], format)
}

fn of_several(frame: &DataFrame, format: Format) -> String {
    text(&pivot::sheets(frame, &METRICS).unwrap(), format)
}

/// Without the line breaks at its ends, so that a raw string may begin on a line of its own.
#[track_caller]
fn same(text: &str, expected: &str) {
    assert_eq!(text, expected.trim_start_matches('\n'), "\n{text}");
}

#[test]
fn one_case_is_a_row_a_test_set() {
    same(
        &of_one(&one(1), Format::Table),
        r"
a caption
of two lines

case  test      degradation  pictures  psnr_rgb  psnr_rgb  psnr_rgb  ssim_rgb
                                       degraded  restored      gain  restored
──────────────────────────────────────────────────────────────────────────────
base  cbsd68    noise25             2     20.00     30.00    +10.00    0.7499
      rain100l  rain                2     20.00     33.00    +13.00    0.8250
      average                       4     20.00     31.50    +11.50    0.7874
",
    );
}

#[test]
fn one_case_of_several_seeds_has_deviations() {
    same(
        &of_one(&one(2), Format::Table),
        r"
a caption
of two lines

case  test      degradation  pictures  seeds      psnr_rgb      psnr_rgb       psnr_rgb         ssim_rgb
                                                  degraded      restored           gain         restored
─────────────────────────────────────────────────────────────────────────────────────────────────────────
base  cbsd68    noise25             2      2  20.00 ± 0.00  30.50 ± 0.71  +10.50 ± 0.71  0.7624 ± 0.0177
      rain100l  rain                2      2  20.00 ± 0.00  33.00 ± 0.00  +13.00 ± 0.00  0.8250 ± 0.0000
      average                       4      2  20.00 ± 0.00  31.75 ± 0.35  +11.75 ± 0.35  0.7937 ± 0.0088
",
    );
}

#[test]
fn averages_are_bold_in_markdown() {
    same(
        &of_one(&one(1), Format::Markdown),
        r"
a caption  
of two lines

| case | test | degradation | pictures | psnr_rgb degraded | psnr_rgb restored | psnr_rgb gain | ssim_rgb restored |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
| base | cbsd68 | noise25 | 2 | 20.00 | 30.00 | +10.00 | 0.7499 |
| base | rain100l | rain | 2 | 20.00 | 33.00 | +13.00 | 0.8250 |
| **base** | **average** |  | **4** | **20.00** | **31.50** | **+11.50** | **0.7874** |
",
    );
}

#[test]
fn several_cases_are_a_pivot_with_the_best_starred_and_fewer_seeds_told() {
    same(
        &of_several(&several(), Format::Table),
        r"
a caption
of two lines

case                 cbsd68            cbsd68       rain100l          rain100l        average           average
                    noise25           noise25           rain              rain       psnr_rgb          ssim_rgb
                   psnr_rgb          ssim_rgb       psnr_rgb          ssim_rgb
────────────────────────────────────────────────────────────────────────────────────────────────────────────────
perceive-ir   31.10 ± 0.14*  0.7775 ± 0.0035*  37.20 ± 0.28*  0.9300 ± 0.0071*  34.15 ± 0.21*  0.8538 ± 0.0053*
restormer     30.50 ± 0.00   0.7625 ± 0.0000   36.00 ± 0.00   0.9000 ± 0.0000   33.25 ± 0.00   0.8313 ± 0.0000
mine_1       31.10 (n = 1)*   0.7775 (n = 1)*             -                 -              -                 -
",
    );
}

#[test]
fn sorting_moves_cases_and_no_columns() {
    let sorted = filter::sort(&several(), "psnr_rgb", &[]).unwrap();
    let sheet = pivot::sheets(&sorted, &METRICS).unwrap().remove(0);
    let heads: Vec<&str> = sheet.columns.iter().map(|column| column.head[0].as_str()).collect();
    let tests = ["cbsd68 noise25", "rain100l rain", "average"];
    assert_eq!(heads[1..], tests.map(|test| [test; 2]).concat());
    let cases: Vec<&str> = sheet.columns[0].cells.iter().map(|cell| cell.text.as_str()).collect();
    assert_eq!(cases, ["restormer", "perceive-ir", "mine_1"], "by their averages");
}

#[test]
fn a_terminal_gets_bold_and_underline_beside_the_stars() {
    let made = pivot::sheets(&several(), &METRICS).unwrap();
    let styled = sheets(&made, &[], Format::Table, true);
    let best = styled.lines().find(|line| line.contains("34.15")).unwrap();
    assert!(best.contains("\u{1b}[1m") && best.contains("± 0.21*"), "{best:?}");
    let second = styled.lines().find(|line| line.contains("33.25")).unwrap();
    assert!(second.contains("\u{1b}[4m"), "{second:?}");
    assert!(!sheets(&made, &[], Format::Table, false).contains('\u{1b}'));
}

#[test]
fn the_best_is_bold_and_the_second_underlined_in_documents() {
    same(
        &of_several(&several(), Format::Markdown),
        r"
a caption  
of two lines

| case | cbsd68 noise25 psnr_rgb | cbsd68 noise25 ssim_rgb | rain100l rain psnr_rgb | rain100l rain ssim_rgb | average psnr_rgb | average ssim_rgb |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| perceive-ir | **31.10 ± 0.14** | **0.7775 ± 0.0035** | **37.20 ± 0.28** | **0.9300 ± 0.0071** | **34.15 ± 0.21** | **0.8538 ± 0.0053** |
| restormer | <u>30.50 ± 0.00</u> | <u>0.7625 ± 0.0000</u> | <u>36.00 ± 0.00</u> | <u>0.9000 ± 0.0000</u> | <u>33.25 ± 0.00</u> | <u>0.8313 ± 0.0000</u> |
| mine_1 | **31.10 (n = 1)** | **0.7775 (n = 1)** | - | - | - | - |
",
    );
}

#[test]
fn latex_is_a_tabular_of_booktabs() {
    same(
        &of_several(&several(), Format::Latex),
        r"
% a caption
% of two lines

\begin{tabular}{lrrrrrr}
\toprule
 & \multicolumn{2}{c}{cbsd68 noise25} & \multicolumn{2}{c}{rain100l rain} & \multicolumn{2}{c}{average} \\
\cmidrule(lr){2-3} \cmidrule(lr){4-5} \cmidrule(lr){6-7}
case & psnr\_rgb & ssim\_rgb & psnr\_rgb & ssim\_rgb & psnr\_rgb & ssim\_rgb \\
\midrule
perceive-ir & \textbf{31.10 $\pm$ 0.14} & \textbf{0.7775 $\pm$ 0.0035} & \textbf{37.20 $\pm$ 0.28} & \textbf{0.9300 $\pm$ 0.0071} & \textbf{34.15 $\pm$ 0.21} & \textbf{0.8538 $\pm$ 0.0053} \\
restormer & \underline{30.50 $\pm$ 0.00} & \underline{0.7625 $\pm$ 0.0000} & \underline{36.00 $\pm$ 0.00} & \underline{0.9000 $\pm$ 0.0000} & \underline{33.25 $\pm$ 0.00} & \underline{0.8313 $\pm$ 0.0000} \\
mine\_1 & \textbf{31.10 (n = 1)} & \textbf{0.7775 (n = 1)} & - & - & - & - \\
\bottomrule
\end{tabular}
",
    );
}

#[test]
fn the_paper_stands_to_the_right_in_one_test_set() {
    let mut desk = Desk::default();
    tested(&mut desk, "a", 1, &[(RAIN, 30.0)]);
    tested(&mut desk, "h", 1, &[(RAIN, 31.0)]);
    let frame = beside_paper(&desk.table(&METRICS), "table7", &METRICS).unwrap();
    same(
        &of_several(&frame, Format::Table),
        r"
a caption
of two lines

case  rain100l  rain100l  paper  paper  difference  difference
          rain      rain   psnr   ssim    psnr_rgb    ssim_rgb
      psnr_rgb  ssim_rgb
───────────────────────────────────────────────────────────────
a       30.00    0.7500   37.30  0.978       -7.30      -0.228
h       31.00*   0.7750*  37.76  0.982       -6.76      -0.207
",
    );
    same(
        &of_several(&frame, Format::Latex),
        r"
% a caption
% of two lines

\begin{tabular}{lrrrrrr}
\toprule
 & \multicolumn{2}{c}{rain100l rain} & \multicolumn{2}{c}{paper} & \multicolumn{2}{c}{difference} \\
\cmidrule(lr){2-3} \cmidrule(lr){4-5} \cmidrule(lr){6-7}
case & psnr\_rgb & ssim\_rgb & psnr & ssim & psnr\_rgb & ssim\_rgb \\
\midrule
a & \underline{30.00} & \underline{0.7500} & 37.30 & 0.978 & $-$7.30 & $-$0.228 \\
h & \textbf{31.00} & \textbf{0.7750} & 37.76 & 0.982 & $-$6.76 & $-$0.207 \\
\bottomrule
\end{tabular}
",
    );
}

#[test]
fn the_paper_has_a_sheet_of_its_own_for_several_test_sets() {
    let frame = beside_paper(&several(), "table3", &METRICS).unwrap();
    let frame = with_methods(&frame, paper::find("table3").unwrap(), &["promptir"], &METRICS).unwrap();
    same(
        &of_several(&frame, Format::Table),
        r"
a caption
of two lines

measured here
case                 cbsd68            cbsd68       rain100l          rain100l        average           average
                    noise25           noise25           rain              rain       psnr_rgb          ssim_rgb
                   psnr_rgb          ssim_rgb       psnr_rgb          ssim_rgb
────────────────────────────────────────────────────────────────────────────────────────────────────────────────
perceive-ir   31.10 ± 0.14*  0.7775 ± 0.0035*  37.20 ± 0.28*  0.9300 ± 0.0071*  34.15 ± 0.21*  0.8538 ± 0.0053*
restormer     30.50 ± 0.00   0.7625 ± 0.0000   36.00 ± 0.00   0.9000 ± 0.0000   33.25 ± 0.00   0.8313 ± 0.0000
mine_1       31.10 (n = 1)*   0.7775 (n = 1)*             -                 -              -                 -

paper
case               cbsd68   cbsd68  rain100l  rain100l  average  average
                  noise25  noise25      rain      rain     psnr     ssim
                     psnr     ssim      psnr      ssim
─────────────────────────────────────────────────────────────────────────
perceive-ir         31.44    0.887     37.25     0.977    34.34    0.932
restormer           31.49    0.884     34.81     0.962    33.15    0.923
PromptIR (paper)    31.47    0.886     36.37     0.970    33.92    0.928

difference: measured here - paper
case           cbsd68    cbsd68  rain100l  rain100l   average   average
              noise25   noise25      rain      rain  psnr_rgb  ssim_rgb
             psnr_rgb  ssim_rgb  psnr_rgb  ssim_rgb
────────────────────────────────────────────────────────────────────────
perceive-ir     -0.34    -0.109     -0.05    -0.047     -0.20    -0.078
restormer       -0.99    -0.122     +1.19    -0.062     +0.10    -0.092
",
    );
}

#[test]
fn csv_has_every_column_and_every_digit() {
    let csv = String::from_utf8(frame(&one(1), Format::Csv).unwrap()).unwrap();
    same(
        &csv,
        r#"
case,scale,towers,test,degradation,pictures,seeds,psnr_rgb_degraded,psnr_rgb_degraded_std,psnr_rgb_restored,psnr_rgb_restored_std,psnr_rgb_gain,psnr_rgb_gain_std,ssim_rgb_restored,ssim_rgb_restored_std
base,tiny,stand-in,cbsd68,noise25,2,1,20.0,,29.996,,9.995999999999999,,0.7499,
base,tiny,stand-in,rain100l,rain,2,1,20.0,,33.0,,13.0,,0.825,
base,tiny,stand-in,average,"",4,1,20.0,,31.497999999999998,,11.498,,0.78745,
"#,
    );
}

#[test]
fn json_is_a_list_of_objects_and_what_is_not_finite_is_null() {
    let mut desk = Desk::default();
    tested(&mut desk, "perfect", 1, &[(RAIN, f64::INFINITY)]);
    let table = desk.table(&METRICS);
    assert!(of_one(&table, Format::Table).contains("inf"));
    let json: serde_json::Value = serde_json::from_slice(&frame(&table, Format::Json).unwrap()).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 1);
    assert!(json[0]["psnr_rgb_restored"].is_null());
    assert_eq!(json[0]["towers"], "stand-in");
    assert_eq!(json[0]["pictures"], 2);
}

#[test]
fn parquet_reads_back_as_the_same_frame() {
    let table = several();
    let bytes = frame(&table, Format::Parquet).unwrap();
    let read = ParquetReader::new(std::io::Cursor::new(bytes)).finish().unwrap();
    assert!(read.equals_missing(&table), "{read}");
}

#[test]
fn an_empty_table_is_empty_in_every_format() {
    let empty = Desk::default().table(&METRICS);
    assert_eq!(frame(&empty, Format::Json).unwrap().trim_ascii(), b"[]");
    let csv = String::from_utf8(frame(&empty, Format::Csv).unwrap()).unwrap();
    assert_eq!(csv, "case,scale,towers,test,degradation,pictures,seeds\n");
}

#[test]
fn a_files_ending_says_its_format_and_is_not_contradicted() {
    let chosen = |asked, file: &str| Format::chosen(asked, Some(Path::new(file)));
    for (file, format) in [
        ("a.csv", Format::Csv),
        ("a.JSON", Format::Json),
        ("b/a.parquet", Format::Parquet),
        ("a.md", Format::Markdown),
        ("a.tex", Format::Latex),
        ("a.txt", Format::Table),
        ("csv", Format::Table),
    ] {
        assert_eq!(chosen(None, file).unwrap(), format, "{file}");
        assert_eq!(chosen(Some(format), file).unwrap(), format, "{file}");
    }
    assert_eq!(chosen(Some(Format::Csv), "a.txt").unwrap(), Format::Csv);
    assert_eq!(Format::chosen(None, None).unwrap(), Format::Table);
    let failure = chosen(Some(Format::Json), "a.csv").unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(
        failure.message.contains("--format json") && failure.message.contains(".csv is csv"),
        "{}",
        failure.message
    );
}

//! `--where` and `--sort`: which rows of a table of results, and in which order.
//!
//! `restore.loss.clip_aware > 0.01 and test = cbsd68`: comparisons joined by `and`, each of a column or a setting with a
//! number, true, false or text. A metric's own name stands for its restored pictures.

use std::fmt;

use polars::prelude::*;

use super::columns::column_of;
use crate::failure::{Exit, Failure};

/// One comparison of `--where`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub name: String,
    operator: Operator,
    value: String,
    is_quoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Operator {
    /// Longer signs first: `<=` is not `<` and an odd value.
    const SIGNS: [(&str, Self); 7] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn apply(self, column: Expr, value: Expr) -> Expr {
        match self {
            Self::Equal => column.eq(value),
            Self::NotEqual => column.neq(value),
            Self::Less => column.lt(value),
            Self::AtMost => column.lt_eq(value),
            Self::Greater => column.gt(value),
            Self::AtLeast => column.gt_eq(value),
        }
    }

    fn is_of_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Operator::SIGNS.iter().find(|(_, operator)| *operator == self.operator);
        let sign = sign.map_or("=", |(sign, _)| sign);
        write!(formatter, "{} {sign} {}", self.name, self.value)
    }
}

/// Parses `--where`.
///
/// # Errors
/// [`Exit::Usage`] with the part that is no comparison.
pub fn parse(text: &str) -> Result<Vec<Comparison>, Failure> {
    let mut rest = text.trim();
    let mut comparisons = Vec::new();
    loop {
        let (comparison, after) = comparison(rest).ok_or_else(|| unreadable(rest))?;
        comparisons.push(comparison);
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(comparisons);
        }
        let after = rest.get(..4).filter(|word| word.eq_ignore_ascii_case("and "));
        if after.is_none() {
            return Err(unreadable(rest));
        }
        rest = rest[4..].trim_start();
    }
}

fn unreadable(part: &str) -> Failure {
    let part = if part.is_empty() { "the end" } else { part };
    Failure::new(
        Exit::Usage,
        format!("--where: {part:?} is not `NAME = VALUE` (or != < <= > >=)"),
    )
    .help("for example --where 'restore.loss.clip_aware > 0.01 and test = cbsd68'; text with spaces stands in quotes")
}

/// The comparison that `text` begins with, and what follows it.
fn comparison(text: &str) -> Option<(Comparison, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || "=!<>".contains(c))?;
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let (sign, operator) = Operator::SIGNS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    let rest = rest[sign.len()..].trim_start();
    let quote = rest.chars().next().filter(|first| "'\"".contains(*first));
    let (value, rest) = match quote {
        Some(quote) => rest[1..].split_once(quote)?,
        None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
    };
    let is_whole = !name.is_empty() && (quote.is_some() || !value.is_empty());
    is_whole.then(|| {
        let comparison = Comparison {
            name: name.to_owned(),
            operator: *operator,
            value: value.to_owned(),
            is_quoted: quote.is_some(),
        };
        (comparison, rest)
    })
}

/// The rows of `frame` for which all comparisons hold; `settings` are further names, for messages.
///
/// # Errors
/// [`Exit::Unknown`] for a name that is no column, [`Exit::Usage`] for a value of another type.
pub fn keep(frame: &DataFrame, comparisons: &[Comparison], settings: &[&str]) -> Result<DataFrame, Failure> {
    let mut all = lit(true);
    for comparison in comparisons {
        let name = column_called(frame, &comparison.name, settings)?;
        all = all.and(expression(frame, &name, comparison)?);
    }
    let kept = frame.clone().lazy().filter(all).collect();
    kept.map_err(|error| Failure::new(Exit::Unexpected, format!("--where: {error}")))
}

fn expression(frame: &DataFrame, name: &str, comparison: &Comparison) -> Result<Expr, Failure> {
    let Comparison { operator, value, .. } = comparison;
    let refuse = |what: &str| {
        let failure = Failure::new(Exit::Usage, format!("--where: `{comparison}`: {what}"));
        let seen = frame
            .column(name)
            .ok()
            .and_then(|column| column.drop_nulls().get(0).ok().map(|value| value.to_string()));
        Err(match seen {
            Some(seen) => failure.help(format!("{name} has values such as {seen}")),
            None => failure,
        })
    };
    let column = col(name);
    match frame.column(name).map(|column| column.dtype().clone()) {
        Ok(DataType::String) if operator.is_of_order() => refuse("text is only equal (=) or not equal (!=)"),
        Ok(DataType::String) => Ok(operator.apply(column, lit(value.clone()))),
        Ok(DataType::Boolean) => match value.parse::<bool>() {
            Ok(flag) if !operator.is_of_order() && !comparison.is_quoted => Ok(operator.apply(column, lit(flag))),
            _ => refuse("it is only = or != true or false"),
        },
        _ => match value.parse::<f64>() {
            Ok(number) if !comparison.is_quoted && !number.is_nan() => Ok(operator.apply(column, lit(number))),
            _ => refuse("it is a number, and the value is not"),
        },
    }
}

/// Sorts by `COLUMN` or `COLUMN,desc`; what has no value comes last.
///
/// # Errors
/// [`Exit::Unknown`] for a name that is no column.
pub fn sort(frame: &DataFrame, by: &str, settings: &[&str]) -> Result<DataFrame, Failure> {
    let (name, descending) = direction(by)?;
    let name = column_called(frame, name, settings)?;
    let options = SortMultipleOptions::default()
        .with_order_descending(descending)
        .with_nulls_last(true)
        .with_maintain_order(true);
    let sorted = frame.sort([name.as_str()], options);
    sorted.map_err(|error| Failure::new(Exit::Unexpected, format!("--sort: {error}")))
}

/// The name in `--sort`, and whether the largest comes first.
pub fn direction(by: &str) -> Result<(&str, bool), Failure> {
    match by.rsplit_once(',') {
        None => Ok((by.trim(), false)),
        Some((name, "asc")) => Ok((name.trim(), false)),
        Some((name, "desc")) => Ok((name.trim(), true)),
        Some((_, other)) => Err(Failure::new(Exit::Usage, format!("--sort: {other:?} is no direction"))
            .help("write --sort COLUMN for the smallest first, --sort COLUMN,desc for the largest")),
    }
}

fn column_called(frame: &DataFrame, name: &str, settings: &[&str]) -> Result<String, Failure> {
    let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
    let restored = column_of(name, "restored");
    [name, &restored]
        .into_iter()
        .find(|name| names.contains(name))
        .map(str::to_owned)
        .ok_or_else(|| {
            let columns = names.iter().copied().filter(|name| !name.ends_with("_std"));
            let settings = settings.iter().copied().filter(|setting| !names.contains(setting));
            Failure::unknown("column or setting", name, columns.chain(settings))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> DataFrame {
        df!(
            "case" => ["a", "b", "c"],
            "restore.loss.clip_aware" => [Some(0.01), Some(0.05), None],
            "restore.cfe" => [true, false, true],
            "psnr_rgb_restored" => [30.0, 31.0, 29.0],
            "pictures" => [2u32, 3, 4],
        )
        .unwrap()
    }

    fn kept(condition: &str) -> Vec<String> {
        let kept = keep(&frame(), &parse(condition).unwrap(), &[]).unwrap();
        cases(&kept)
    }

    fn cases(frame: &DataFrame) -> Vec<String> {
        let cases = frame.column("case").unwrap().str().unwrap();
        cases.iter().flatten().map(str::to_owned).collect()
    }

    fn refusal(condition: &str) -> Failure {
        let comparisons = match parse(condition) {
            Ok(comparisons) => comparisons,
            Err(failure) => return failure,
        };
        keep(&frame(), &comparisons, &["restore.network"]).unwrap_err()
    }

    #[test]
    fn numbers_flags_and_text_are_compared_as_what_they_are() {
        assert_eq!(kept("restore.loss.clip_aware > 0.01"), ["b"]);
        assert_eq!(kept("restore.loss.clip_aware>=0.01"), ["a", "b"]);
        assert_eq!(kept("restore.cfe = true"), ["a", "c"]);
        assert_eq!(kept("case != 'b' and psnr_rgb > 29.5"), ["a"]);
        assert_eq!(kept("pictures == 3 AND case=b"), ["b"]);
        assert!(kept("case = \"a and b\"").is_empty());
    }

    #[test]
    fn what_is_no_comparison_is_shown() {
        for (condition, said) in [
            ("psnr_rgb", "psnr_rgb"),
            ("psnr_rgb > ", "psnr_rgb >"),
            ("psnr_rgb > 3 or case = a", "or case = a"),
            ("psnr_rgb > 3 and", "and"),
            ("case = 'a", "case = 'a"),
            ("", "the end"),
            ("> 3", "> 3"),
        ] {
            let failure = refusal(condition);
            assert_eq!(failure.exit, Exit::Usage, "{condition}");
            assert!(failure.message.contains(said), "{}", failure.message);
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_an_example() {
        for condition in [
            "psnr_rgb > high",
            "psnr_rgb = '30'",
            "restore.cfe = 1",
            "restore.cfe > true",
            "case > b",
        ] {
            let failure = refusal(condition);
            assert_eq!(failure.exit, Exit::Usage, "{condition}");
            assert!(
                failure.with_help().contains("values such as"),
                "{}",
                failure.with_help()
            );
        }
    }

    #[test]
    fn the_nearest_name_is_told() {
        let failure = refusal("restore.los.clip_aware > 0");
        assert_eq!(failure.exit, Exit::Unknown);
        assert!(
            failure.with_help().contains("'restore.loss.clip_aware'"),
            "{}",
            failure.with_help()
        );
        assert!(refusal("restore.netwrk = a").with_help().contains("'restore.network'"));
    }

    #[test]
    fn a_setting_that_has_a_column_is_told_once() {
        let comparisons = parse("nothing-like-it = 1").unwrap();
        let failure = keep(&frame(), &comparisons, &["case", "restore.network", "restore.cfe"]).unwrap_err();
        let help = failure.help.unwrap();
        let names: Vec<&str> = help.trim_start_matches("known: ").split(", ").collect();
        let times = |name: &str| names.iter().filter(|known| **known == name).count();
        assert_eq!(["case", "restore.cfe", "restore.network"].map(times), [1; 3], "{help}");
    }

    #[test]
    fn rows_are_sorted_either_way_with_empty_ones_last() {
        let by = |by: &str| cases(&sort(&frame(), by, &[]).unwrap());
        assert_eq!(by("psnr_rgb"), ["c", "a", "b"]);
        assert_eq!(by("psnr_rgb_restored,desc"), ["b", "a", "c"]);
        assert_eq!(by("restore.loss.clip_aware,desc"), ["b", "a", "c"]);
        assert_eq!(sort(&frame(), "psnr_rgb,down", &[]).unwrap_err().exit, Exit::Usage);
        assert_eq!(sort(&frame(), "psnt_rgb", &[]).unwrap_err().exit, Exit::Unknown);
    }
}

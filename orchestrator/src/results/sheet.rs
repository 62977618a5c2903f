//! A table as people see it: columns with a head of two words, cells of text, some of them marked.
//!
//! PSNR has two decimals and SSIM four; the paper's own numbers have the paper's decimals.

/// Columns of equal height.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Whose numbers these are, where there are several sheets.
    pub title: Option<String>,
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Such as `["cbsd68 noise25", "psnr_rgb"]`; the second word is empty for what is not a number.
    pub head: [String; 2],
    /// Numbers stand on the right.
    pub right: bool,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub text: String,
    pub mark: Mark,
}

/// What a cell is among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    None,
    /// Part of a row that sums up.
    Strong,
    /// The best of its column.
    Best,
    /// The second best of its column.
    Second,
}

impl Sheet {
    pub fn height(&self) -> usize {
        self.columns.first().map_or(0, |column| column.cells.len())
    }
}

impl Column {
    pub fn of_text(head: &str, cells: impl IntoIterator<Item = String>) -> Self {
        Self {
            head: [head.to_owned(), String::new()],
            right: false,
            cells: cells.into_iter().map(Cell::plain).collect(),
        }
    }

    pub fn of_numbers(head: [&str; 2], cells: Vec<Cell>) -> Self {
        Self {
            head: head.map(str::to_owned),
            right: true,
            cells,
        }
    }
}

impl Cell {
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            mark: Mark::None,
        }
    }

    /// What stands where there is no value.
    pub fn empty() -> Self {
        Self::plain("-")
    }
}

/// Decimals of a metric, as measured here or as the paper prints it.
pub fn decimals(metric: &str, is_printed: bool) -> usize {
    match (metric.starts_with("psnr"), is_printed) {
        (true, _) => 2,
        (false, true) => 3,
        (false, false) => 4,
    }
}

/// `31.53`, `+9.25`, `31.53 ± 0.02`. What prints as zero has no sign.
pub fn number(value: f64, deviation: Option<f64>, decimals: usize, is_signed: bool) -> String {
    let is_zero = value.abs() < 0.5 * 10f64.powi(-(decimals as i32));
    let value = if is_zero { 0.0 } else { value };
    let text = if is_signed && !is_zero {
        format!("{value:+.decimals$}")
    } else {
        format!("{value:.decimals$}")
    };
    match deviation {
        Some(deviation) => format!("{text} ± {deviation:.decimals$}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        assert_eq!(number(31.526, None, 2, false), "31.53");
        assert_eq!(number(9.25, Some(0.021), 2, true), "+9.25 ± 0.02");
        assert_eq!(number(-0.004, None, 2, true), "0.00");
        assert_eq!(number(-0.3, None, 2, true), "-0.30");
        assert_eq!(
            (
                decimals("psnr_rgb", true),
                decimals("ssim_rgb", true),
                decimals("uiqm", false)
            ),
            (2, 3, 4)
        );
    }
}

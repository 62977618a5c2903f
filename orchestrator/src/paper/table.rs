//! One table of the paper: its cells, read from `case,method,test,degradation,metric,value`.

/// What the column of averages has in the place of a test set.
pub const AVERAGE: &str = "average";

/// A table as printed.
#[derive(Debug, PartialEq)]
pub struct Table {
    /// The experiment that repeats it.
    pub experiment: &'static str,
    /// As the paper calls it, such as `Table VII`.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What a reader must know of these numbers; may be empty.
    pub note: &'static str,
    pub(super) text: &'static str,
}

/// One number of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The case of the table's experiment that repeats this row; other methods have names of the same form.
    pub case: &'static str,
    /// The row as printed, or what its ticks say.
    pub method: &'static str,
    /// The dataset's name in the catalogue, such as `cbsd68`; [`AVERAGE`]; or empty for what belongs to the method.
    pub test: &'static str,
    /// The degradation's label, such as `noise25`; empty for an average.
    pub degradation: &'static str,
    /// `psnr` (dB), `ssim`, `lpips`, `uciqe`, `uiqm`, or `parameters` (millions).
    pub metric: &'static str,
    pub value: f64,
}

impl Table {
    /// Every number, row by row.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        self.text.lines().skip(1).filter_map(parse)
    }

    /// The rows as (case, method), in the order of the table.
    pub fn rows(&self) -> Vec<(&'static str, &'static str)> {
        let mut rows = Vec::new();
        for cell in self.cells() {
            if !rows.contains(&(cell.case, cell.method)) {
                rows.push((cell.case, cell.method));
            }
        }
        rows
    }
}

fn parse(line: &'static str) -> Option<Cell> {
    let mut fields = line.split(',');
    let cell = Cell {
        case: fields.next()?,
        method: fields.next()?,
        test: fields.next()?,
        degradation: fields.next()?,
        metric: fields.next()?,
        value: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(cell)
}

/// The paper's metric that one of ours may be held against: the paper's PSNR and SSIM are on RGB; of which network its LPIPS
/// is it does not say, and AlexNet is the metric's own default.
pub fn counterpart(metric: &str) -> Option<&'static str> {
    match metric {
        "psnr_rgb" => Some("psnr"),
        "ssim_rgb" => Some("ssim"),
        "lpips_alex" => Some("lpips"),
        "uciqe" => Some("uciqe"),
        "uiqm" => Some("uiqm"),
        _ => None,
    }
}

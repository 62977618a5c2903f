//! `perceive-ir metrics RESTORED [CLEAN]`: two pictures, or two folders of them, measured by every protocol.
//!
//! A pair that cannot be measured is told at the end, with exit code 5; the others are measured all the same.

mod pairing;
mod protocols;

use std::path::{Path, PathBuf};

use perceive_datasets::picture::Picture;
use perceive_model::metric::{Meter, MetricError, Planes};
use rayon::prelude::*;

use self::pairing::{Pair, Pairing};
use crate::command::restore::warn_of_folders_below;
use crate::failure::{Exit, Failure, own_picture};
use crate::home::Home;
use crate::show::progress::{Bar, Progress};
use crate::show::{Cell, Format, Table, Talk, count};
use crate::stage::restorer::measurable;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A restored picture, or a folder of them.
    #[arg(required = true, value_name = "RESTORED")]
    restored: PathBuf,
    /// The clean picture, or a folder with pictures of the same names (whatever their endings). Without it, only what needs
    /// no clean picture is measured.
    #[arg(value_name = "CLEAN")]
    clean: Option<PathBuf>,
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help = protocols::help())]
    protocol: Vec<String>,
    /// Cut so many pixels off each side of every picture first, as BasicSR's crop_border does.
    #[arg(long, value_name = "PIXELS", default_value_t = 0)]
    crop_border: usize,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let Pairing { pairs, alone } = pairing::of(&args.restored, args.clean.as_deref())?;
    let meters = protocols::chosen(&args.protocol, args.clean.is_some(), home)?;
    for folder in std::iter::once(&args.restored).chain(&args.clean) {
        warn_of_folders_below(folder, "call this command on each whose pictures are to be measured");
    }
    if !alone.is_empty() {
        let names: Vec<String> = alone.iter().map(|path| path.display().to_string()).collect();
        Talk::warn(format!("without a partner and left out: {}", names.join(", ")));
    }
    let several = args.restored.is_dir();
    let bar = Progress::new(talk).bar("measuring", pairs.len() as u64, "pictures");
    let measured = Measuring {
        meters: &meters,
        border: args.crop_border,
        bar: &bar,
    }
    .all(&pairs);
    drop(bar);

    let (mut rows, mut broken) = (Vec::new(), Vec::new());
    for (pair, values) in pairs.iter().zip(measured) {
        match values {
            Ok(values) => rows.push((pair.name.as_str(), values)),
            Err(failure) => broken.push(failure),
        }
    }
    if !rows.is_empty() {
        // To a program every row is a picture.
        let with_mean = several && args.format == Format::Table;
        table(&meters, &rows, args.crop_border, with_mean).print(args.format)?;
    }
    let told: Vec<String> = broken.iter().map(Failure::to_string).collect();
    match (broken.len(), pairs.len()) {
        (0, _) => Ok(()),
        (1, 1) => Err(broken.remove(0)),
        (some, all) => Err(Failure::new(
            Exit::Pictures,
            format!("{some} of {} could not be measured:\n{}", count(all, "picture"), told.join("\n")),
        )
        .help("the means are those of the others; without these pictures, or with whole ones of one size, all are measured")),
    }
}

/// One value of each meter; `None` where the picture is smaller than the metric's window.
type Values = Vec<Option<f64>>;

struct Measuring<'a> {
    meters: &'a [Meter],
    border: usize,
    bar: &'a Bar,
}

impl Measuring<'_> {
    /// Computed metrics over many pictures at once; learned ones, which use all cores for one picture, one by one.
    fn all(&self, pairs: &[Pair]) -> Vec<Result<Values, Failure>> {
        let is_learned = |meter: &Meter| meter.metric.is_learned();
        if !self.meters.iter().any(is_learned) {
            return pairs.par_iter().map(|pair| self.advancing(pair, |_| true)).collect();
        }
        let computed: Vec<_> = pairs
            .par_iter()
            .map(|pair| self.values(pair, |meter| !is_learned(meter)))
            .collect();
        let both = pairs.iter().zip(computed).map(|(pair, computed)| {
            let (computed, learned) = (computed?, self.advancing(pair, is_learned)?);
            Ok(computed.into_iter().zip(learned).map(|(a, b)| a.or(b)).collect())
        });
        both.collect()
    }

    fn advancing(&self, pair: &Pair, wanted: impl Fn(&Meter) -> bool) -> Result<Values, Failure> {
        let values = self.values(pair, wanted);
        self.bar.advance();
        values
    }

    /// Of the meters that are `wanted`; `None` for the others.
    fn values(&self, pair: &Pair, wanted: impl Fn(&Meter) -> bool) -> Result<Values, Failure> {
        let restored = Picture::open(&pair.restored).map_err(own_picture)?;
        let clean = pair
            .clean
            .as_deref()
            .map(Picture::open)
            .transpose()
            .map_err(own_picture)?;
        if let (Some(clean), Some(path)) = (&clean, &pair.clean) {
            of_one_size((&pair.restored, &restored), (path, clean))?;
        }
        let planes = |picture: &Picture, path: &Path| -> Result<Planes, Failure> {
            let inside = measurable(picture)?.without_border(self.border);
            inside.map_err(|error| Failure::new(Exit::Pictures, format!("{}: {error}", path.display())))
        };
        let clean = match (&clean, &pair.clean) {
            (Some(picture), Some(path)) => Some(planes(picture, path)?),
            _ => None,
        };
        let restored = planes(&restored, &pair.restored)?;
        let value = |meter: &Meter| {
            if !wanted(meter) {
                return Ok(None);
            }
            match meter.measure(&restored, clean.as_ref()) {
                Ok(value) => Ok(Some(value)),
                Err(MetricError::TooSmall { .. }) => Ok(None),
                Err(error) => {
                    let text = format!("{}: {error}", pair.restored.display());
                    Err(Failure::new(Exit::Pictures, text))
                }
            }
        };
        self.meters.iter().map(value).collect()
    }
}

fn of_one_size((a, restored): (&Path, &Picture), (b, clean): (&Path, &Picture)) -> Result<(), Failure> {
    if (restored.width, restored.height) == (clean.width, clean.height) {
        return Ok(());
    }
    let text = format!(
        "{} is {}x{}, its clean partner {} is {}x{}",
        a.display(),
        restored.width,
        restored.height,
        b.display(),
        clean.width,
        clean.height
    );
    Err(Failure::new(Exit::Pictures, text).help("only pictures of one size can be compared"))
}

/// A row a picture, and the mean of them all where it is wanted.
fn table(meters: &[Meter], rows: &[(&str, Values)], border: usize, with_mean: bool) -> Table {
    let head = |meter: &Meter| match border {
        0 => meter.metric.name.to_string(),
        border => format!("{}_crop{border}", meter.metric.name),
    };
    let columns = std::iter::once("picture".to_string()).chain(meters.iter().map(head));
    let mut table = Table::new(columns);
    let mut push = |name: &str, values: &[Option<f64>]| {
        let cells = values.iter().zip(meters).map(|(value, meter)| cell(*value, meter));
        table.push(std::iter::once(Cell::text(name)).chain(cells));
    };
    for (name, values) in rows {
        push(name, values);
    }
    if with_mean {
        let mean = |index: usize| {
            let values: Vec<f64> = rows.iter().filter_map(|(_, values)| values[index]).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        push("mean", &(0..meters.len()).map(mean).collect::<Vec<_>>());
    }
    table
}

/// The PSNR of equal pictures is no number to JSON: `inf`, as other programs write it.
fn cell(value: Option<f64>, meter: &Meter) -> Cell {
    match value {
        None => Cell::None,
        Some(value) if value.is_infinite() => Cell::text("inf"),
        Some(value) => Cell::Number(value, if meter.metric.unit == "dB" { 2 } else { 4 }),
    }
}

#[cfg(test)]
mod tests {
    use perceive_model::metric::find;

    use super::*;

    #[test]
    fn the_mean_is_of_what_was_measured() {
        let meters = ["psnr_rgb", "ssim_rgb"].map(|name| Meter::new(find(name).unwrap()));
        let rows = [("a", vec![Some(30.0), Some(0.5)]), ("b", vec![Some(20.0), None])];
        let csv = table(&meters, &rows, 4, true).render(Format::Csv);
        assert_eq!(
            csv,
            "picture,psnr_rgb_crop4,ssim_rgb_crop4\na,30.0,0.5\nb,20.0,\nmean,25.0,0.5\n"
        );
        let equal = [("a", vec![Some(f64::INFINITY), Some(1.0)])];
        assert!(
            table(&meters, &equal, 0, false)
                .render(Format::Csv)
                .ends_with("a,inf,1.0\n")
        );
    }
}

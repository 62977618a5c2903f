//! The evaluate stage: the metrics of one test set, picture by picture, whole pictures; degraded, medium and restored.

use std::collections::BTreeMap;

use perceive_datasets::picture::Picture;
use perceive_model::metric::{self, Meter, Planes};
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage,
    medium::RESTORED,
    meters,
    pairs::{Pair, Set, png_name},
    restorer::{Restorer, measurable},
};
use crate::{
    failure::{Exit, Failure},
    journal::Event,
    sheet::{Cell, Row, contact_sheet},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    pub set: Set,
    /// The restore artefact.
    pub restorer: String,
    /// The medium artefact whose model restores the test pictures for comparison (fold A's).
    pub medium: Option<String>,
    /// One or more of the registry's names, such as the set's references allow.
    pub metrics: Vec<String>,
    /// blake3 of the imported files that learned metrics look through, by the metric's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, Vec<String>>,
    /// At most so many rows in the contact sheet.
    pub rows: usize,
}

/// The contact sheet's file name.
pub const SHEET: &str = "sheet.png";

/// Pictures are shown at most this wide and high.
const CELL: usize = 256;

/// What is stored for two equal pictures, whose PSNR is infinite.
const EQUAL_PSNR: f64 = 100.0;

impl Stage for Evaluate {
    const NAME: &'static str = "evaluate";
    const VERSION: u32 = 1;

    fn label(&self) -> String {
        self.set.label.clone()
    }

    fn inputs(&self) -> Vec<String> {
        let mut inputs: Vec<String> = self.set.listing.input().into_iter().collect();
        inputs.push(self.restorer.clone());
        inputs.extend(self.medium.clone());
        inputs
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let pairs = self.set.listing.read(context)?;
        let open = |key: &String| {
            let restorer = Restorer::open(&context.artefact(key), context.home(), context.device())?;
            Ok::<_, Failure>(restorer.told(&self.set.kind))
        };
        let restorer = open(&self.restorer)?;
        let medium = self.medium.as_ref().map(open).transpose()?;
        let meters = self.meters(context)?;
        let folder = context.output_folder(RESTORED)?;
        let of = pairs.len() as u64;
        context.started(0, of, "pictures")?;
        let first = self.metrics.first().map_or("", String::as_str);
        let mut rows = Vec::new();
        let (mut sum, mut measured) = (0.0, 0);
        for (index, pair) in pairs.iter().enumerate() {
            if context.should_stop() {
                return context.paused(index as u64);
            }
            let path = folder.join(png_name(&pair.name));
            if index >= self.rows && path.exists() {
                // An attempt before this one told its numbers, then wrote it.
                continue;
            }
            let (clean, degraded) = self.open(pair)?;
            let name = format!("{} {}", self.set.label, pair.name);
            let planes = |restorer: &Restorer| {
                context.interruptible(index as u64, || Ok(()), || restorer.planes(&degraded, &name))
            };
            let of_medium = medium.as_ref().map(planes).transpose()?;
            let of_restorer = planes(&restorer)?;
            let test = Test {
                pair,
                clean: clean.as_ref(),
                meters: &meters,
                size: (degraded.width, degraded.height),
            };
            let mut cells = vec![self.measure(context, &test, "degraded", degraded.to_planes())?.1];
            if let Some(planes) = of_medium {
                cells.push(self.measure(context, &test, "medium", planes)?.1);
            }
            let (value, restored) = self.measure(context, &test, "restored", of_restorer)?;
            restored.picture.save_png(&path)?;
            cells.push(restored);
            cells.extend(clean.map(|picture| Cell {
                caption: String::new(),
                picture,
            }));
            if rows.len() < self.rows {
                rows.push(Row {
                    label: format!("{}  {}", self.set.label, pair.name),
                    cells,
                });
            }
            sum += value;
            measured += 1;
            context.progress(index as u64 + 1, of, &[(first, sum / f64::from(measured))])?;
        }
        let tiers = ["degraded", "medium", "restored", "clean"].into_iter();
        let columns: Vec<&str> = tiers
            .filter(|tier| *tier != "medium" || medium.is_some())
            .filter(|tier| *tier != "clean" || !self.set.without_references)
            .collect();
        let title = format!("{}: {}", self.set.label, self.metrics.join(", "));
        contact_sheet(&rows, &columns, &title, CELL).save_png(&context.output().join(SHEET))?;
        Ok(Outcome::Done)
    }
}

/// One picture of the test set.
struct Test<'a> {
    pair: &'a Pair,
    clean: Option<&'a Picture>,
    meters: &'a [Meter],
    /// Width and height.
    size: (usize, usize),
}

impl Evaluate {
    /// The metrics in their order, with what they look through.
    fn meters(&self, context: &Context) -> Result<Vec<Meter>, Failure> {
        let meter = |name: &String| {
            let Some(metric) = metric::find(name) else {
                let known = metric::METRICS.iter().map(|metric| metric.name);
                return Err(Failure::unknown("metric", name, known));
            };
            let planned = self.weights.get(name).map_or(&[][..], Vec::as_slice);
            meters::open_planned(context.home(), metric, planned, context.device())
        };
        self.metrics.iter().map(meter).collect()
    }

    /// Tells every metric of one tier; gives the first metric's value and the tier's cell of the sheet. Planes are
    /// measured unrounded.
    fn measure(
        &self,
        context: &mut Context,
        test: &Test,
        tier: &str,
        planes: Vec<f32>,
    ) -> Result<(f64, Cell), Failure> {
        let (width, height) = test.size;
        let picture = Picture::from_planes(&planes, width, height);
        let shown = Planes::new(planes, height, width)?;
        let clean = test.clean.map(measurable).transpose()?;
        let mut values = Vec::with_capacity(test.meters.len());
        let mut words = Vec::with_capacity(test.meters.len());
        for meter in test.meters {
            let metric = meter.metric;
            let value = match meter.measure(&shown, clean.as_ref())? {
                infinite if metric.unit == "dB" => infinite.min(EQUAL_PSNR),
                value => value,
            };
            context.tell(Event::Evaluation {
                test: self.set.label.clone(),
                degradation: self.set.kind.clone(),
                picture: test.pair.name.clone(),
                tier: tier.into(),
                metric: metric.name.into(),
                value,
            })?;
            values.push(value);
            words.push(if metric.unit == "dB" {
                format!("{value:.2} dB")
            } else {
                format!("{value:.4}")
            });
        }
        let caption = words.join("  ");
        Ok((values.first().copied().unwrap_or_default(), Cell { caption, picture }))
    }

    /// The clean picture, where the set has references, and the degraded one.
    fn open(&self, pair: &Pair) -> Result<(Option<Picture>, Picture), Failure> {
        if self.set.without_references {
            return Ok((None, Picture::open(&pair.degraded)?));
        }
        let (clean, degraded) = open(pair)?;
        Ok((Some(clean), degraded))
    }
}

/// Both pictures of a pair, clean and degraded, of one size.
pub fn open(pair: &Pair) -> Result<(Picture, Picture), Failure> {
    let mut clean = Picture::open(&pair.clean)?;
    let degraded = Picture::open(&pair.degraded)?;
    let border = pair.border as usize;
    if border > 0 && clean.width > 2 * border && clean.height > 2 * border {
        clean = clean.crop(border, border, clean.width - 2 * border, clean.height - 2 * border);
    }
    if (clean.width, clean.height) == (degraded.width, degraded.height) {
        return Ok((clean, degraded));
    }
    let text = format!(
        "{} has {} x {} pixels, its clean partner {} has {} x {}",
        pair.degraded.display(),
        degraded.width,
        degraded.height,
        pair.clean.display(),
        clean.width,
        clean.height
    );
    Err(Failure::new(Exit::Pictures, text).help("`perceive-ir data add` the folder again: it leaves such pairs out"))
}

//! The evaluate stage: PSNR and SSIM of one test set, picture by picture, whole pictures; degraded, medium and restored.

use perceive_datasets::picture::Picture;
use perceive_model::metric::{psnr_rgb, ssim_rgb};
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage,
    medium::RESTORED,
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
        let restorer = Restorer::open(&context.artefact(&self.restorer), context.home(), context.device())?;
        let medium = self
            .medium
            .as_ref()
            .map(|key| Restorer::open(&context.artefact(key), context.home(), context.device()))
            .transpose()?;
        let folder = context.output_folder(RESTORED)?;
        let of = pairs.len() as u64;
        context.started(0, of, "pictures")?;
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
            let (clean, degraded) = open(pair)?;
            let planes =
                |restorer: &Restorer| context.interruptible(index as u64, || Ok(()), || restorer.planes(&degraded));
            let of_medium = medium.as_ref().map(planes);
            let of_restorer = planes(&restorer);
            let mut cells = vec![self.measure(context, pair, "degraded", degraded.to_planes(), &clean)?.1];
            if let Some(planes) = of_medium {
                cells.push(self.measure(context, pair, "medium", planes, &clean)?.1);
            }
            let (psnr, restored) = self.measure(context, pair, "restored", of_restorer, &clean)?;
            restored.picture.save_png(&path)?;
            cells.push(restored);
            cells.push(Cell {
                caption: String::new(),
                picture: clean,
            });
            if rows.len() < self.rows {
                rows.push(Row {
                    label: format!("{}  {}", self.set.label, pair.name),
                    cells,
                });
            }
            sum += psnr;
            measured += 1;
            context.progress(index as u64 + 1, of, &[("psnr", sum / f64::from(measured))])?;
        }
        let columns: &[&str] = if medium.is_some() {
            &["degraded", "medium", "restored", "clean"]
        } else {
            &["degraded", "restored", "clean"]
        };
        let title = format!("{}: PSNR in dB and SSIM on RGB", self.set.label);
        contact_sheet(&rows, columns, &title, CELL).save_png(&context.output().join(SHEET))?;
        Ok(Outcome::Done)
    }
}

impl Evaluate {
    /// Tells PSNR and SSIM of one tier, and gives its cell of the sheet. Planes are measured unrounded.
    fn measure(
        &self,
        context: &mut Context,
        pair: &Pair,
        tier: &str,
        planes: Vec<f32>,
        clean: &Picture,
    ) -> Result<(f64, Cell), Failure> {
        let picture = Picture::from_planes(&planes, clean.width, clean.height);
        let (shown, clean) = (
            perceive_model::metric::Planes::new(planes, clean.height, clean.width)?,
            measurable(clean)?,
        );
        let psnr = psnr_rgb(&shown, &clean)?.min(EQUAL_PSNR);
        let ssim = ssim_rgb(&shown, &clean)?;
        for (metric, value) in [("psnr_rgb", psnr), ("ssim_rgb", ssim)] {
            context.tell(Event::Evaluation {
                test: self.set.label.clone(),
                degradation: self.set.kind.clone(),
                picture: pair.name.clone(),
                tier: tier.into(),
                metric: metric.into(),
                value,
            })?;
        }
        Ok((
            psnr,
            Cell {
                caption: format!("{psnr:.2} dB  {ssim:.4}"),
                picture,
            },
        ))
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

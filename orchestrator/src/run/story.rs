//! What a run's journal told so far, for the progress bar, the closing line and the median rule.

use super::ending::LastWord;
use crate::{
    journal::{Event, Line},
    show::progress::Bar,
};

#[derive(Debug, Default)]
pub struct Story {
    pub last_word: Option<LastWord>,
    notes: Vec<String>,
    psnr: Option<f64>,
}

impl Story {
    pub fn follow(&mut self, lines: Vec<Line>, bar: &Bar) {
        for line in lines {
            match line.event {
                Event::Started { step, of, .. } => bar.start(step, of),
                Event::Progress { step, values, .. } => {
                    self.psnr = values.get("psnr").or(values.get("psnr_rgb")).copied().or(self.psnr);
                    bar.at(step, &values);
                }
                Event::Note { text } => self.notes.push(text),
                Event::Failed { reason, code, kind } => {
                    self.last_word = Some(LastWord { reason, code, kind });
                }
                Event::Order { .. }
                | Event::Metric { .. }
                | Event::Evaluation { .. }
                | Event::Saved { .. }
                | Event::Paused { .. }
                | Event::Done => {}
            }
        }
    }

    /// What is worth telling beside the time.
    pub fn remark(&self) -> String {
        let psnr = self.psnr.map(|psnr| format!(", {psnr:.2} dB")).unwrap_or_default();
        let notes = self.notes.iter().map(|note| format!("; {note}")).collect::<String>();
        format!("{psnr}{notes}")
    }
}

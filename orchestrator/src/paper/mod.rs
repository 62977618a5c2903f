//! The paper's own numbers: Tables II, III and IV of Perceive-IR, as printed.
//!
//! They stand beside what is measured here, always labelled as the paper's. PSNR and SSIM are on RGB; the paper does
//! not say which SSIM window it uses. The tables are data (`table2.csv` ...), typed from the paper's text.

/// A training setting of the paper, which is also a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Table II, one network for noise, haze and rain ("N+H+R").
    Three,
    /// Table III, one network for noise, haze, rain, blur and low light ("N+H+R+B+L").
    Five,
    /// Table IV, one network for noise alone ("One-by-One"); PSNR only.
    Noise,
}

/// One cell of one of the paper's tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub method: &'static str,
    /// The dataset's name in the catalogue, such as `CBSD68`.
    pub test: &'static str,
    /// The degradation's label, such as `noise25`.
    pub degradation: &'static str,
    /// dB.
    pub psnr: f64,
    pub ssim: Option<f64>,
}

/// The row that the paper prints for its own network.
pub const PERCEIVE_IR: &str = "Perceive-IR";

/// The column of averages that Tables II and III print; it belongs to no test set.
const AVERAGE: &str = "average";

impl Setting {
    pub const ALL: [Self; 3] = [Self::Three, Self::Five, Self::Noise];

    /// The setting that an experiment is closest to, judged by the degradations it was tested on.
    ///
    /// `None` where the paper has no such table, as for haze alone.
    pub fn of<'a>(degradations: impl Iterator<Item = &'a str>) -> Option<Self> {
        let kinds: Vec<&str> = degradations
            .map(|label| label.trim_end_matches(|c: char| c.is_ascii_digit()))
            .collect();
        let has = |kind: &str| kinds.contains(&kind);
        if has("blur") || has("low-light") {
            // Blur alone, or low light alone, is not what Table III trained for.
            return (has("noise") || has("haze") || has("rain")).then_some(Self::Five);
        }
        match (has("noise"), has("haze"), has("rain")) {
            (true, false, false) => Some(Self::Noise),
            (_, true, true) | (true, true, _) | (true, _, true) => Some(Self::Three),
            _ => None,
        }
    }

    /// The table's number.
    pub fn table(self) -> &'static str {
        match self {
            Self::Three => "II",
            Self::Five => "III",
            Self::Noise => "IV",
        }
    }

    /// How the paper names the setting.
    pub fn title(self) -> &'static str {
        match self {
            Self::Three => "all-in-one, N+H+R",
            Self::Five => "all-in-one, N+H+R+B+L",
            Self::Noise => "one-by-one, denoising",
        }
    }

    /// Every cell of the table, row by row, without the column of averages.
    pub fn scores(self) -> impl Iterator<Item = Score> {
        self.lines().filter(|score| score.test != AVERAGE)
    }

    /// What the paper prints for its own network on one test set.
    pub fn perceive_ir(self, test: &str, degradation: &str) -> Option<Score> {
        self.scores()
            .find(|score| score.method == PERCEIVE_IR && score.test == test && score.degradation == degradation)
    }

    fn lines(self) -> impl Iterator<Item = Score> {
        let text = match self {
            Self::Three => include_str!("table2.csv"),
            Self::Five => include_str!("table3.csv"),
            Self::Noise => include_str!("table4.csv"),
        };
        text.lines().skip(1).filter_map(parse)
    }
}

/// `method,test,degradation,psnr,ssim`; `ssim` may be empty.
fn parse(line: &'static str) -> Option<Score> {
    let mut fields = line.split(',');
    Some(Score {
        method: fields.next()?,
        test: fields.next()?,
        degradation: fields.next()?,
        psnr: fields.next()?.parse().ok()?,
        ssim: fields.next()?.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_line_of_the_tables_is_read() {
        for (setting, text) in Setting::ALL.into_iter().zip([
            include_str!("table2.csv"),
            include_str!("table3.csv"),
            include_str!("table4.csv"),
        ]) {
            assert_eq!(setting.lines().count(), text.lines().count() - 1, "{setting:?}");
        }
    }

    #[test]
    fn the_tables_have_the_methods_and_tests_of_the_paper() {
        let methods = |setting: Setting| {
            setting
                .scores()
                .map(|score| score.method)
                .collect::<BTreeSet<_>>()
                .len()
        };
        assert_eq!(Setting::ALL.map(methods), [18, 21, 15]);
        assert_eq!(Setting::Three.scores().count(), 18 * 5);
        assert_eq!(Setting::Five.scores().count(), 21 * 5);
        // PromptIR has no Kodak24 numbers in Table IV.
        assert_eq!(Setting::Noise.scores().count(), 15 * 9 - 3);
    }

    #[test]
    fn printed_averages_follow_from_the_cells() {
        // As printed, and not what their cells give: Restormer's PSNR (30.72) and NAFNet's SSIM (0.884) of Table II,
        // and DL's SSIM there, whose haze cell reads 0.391 where 0.931 would fit.
        let slips = [
            (Setting::Three, "Restormer"),
            (Setting::Three, "NAFNet"),
            (Setting::Three, "DL"),
        ];
        for setting in [Setting::Three, Setting::Five] {
            let mut sums = BTreeMap::<&str, (f64, f64)>::new();
            for score in setting.scores() {
                let sum = sums.entry(score.method).or_default();
                sum.0 += score.psnr / 5.0;
                sum.1 += score.ssim.unwrap() / 5.0;
            }
            for printed in setting.lines().filter(|score| score.test == AVERAGE) {
                let (psnr, ssim) = sums[printed.method];
                // Half a unit of the last printed digit, twice: cells and averages are both rounded.
                let fits = (psnr - printed.psnr).abs() < 0.0105 && (ssim - printed.ssim.unwrap()).abs() < 0.00105;
                assert_eq!(
                    fits,
                    !slips.contains(&(setting, printed.method)),
                    "{setting:?} {}",
                    printed.method
                );
            }
        }
    }

    #[test]
    fn the_papers_own_row_is_found() {
        let psnr = |setting: Setting, test, degradation| setting.perceive_ir(test, degradation).map(|score| score.psnr);
        assert_eq!(psnr(Setting::Three, "CBSD68", "noise25"), Some(31.53));
        assert_eq!(psnr(Setting::Five, "CBSD68", "noise25"), Some(31.44));
        assert_eq!(psnr(Setting::Five, "LOL", "low-light"), Some(22.88));
        assert_eq!(psnr(Setting::Noise, "Kodak24", "noise50"), Some(29.16));
        assert_eq!(psnr(Setting::Five, "CBSD68", "noise15"), None);
        assert_eq!(psnr(Setting::Noise, AVERAGE, ""), None);
    }

    #[test]
    fn the_setting_follows_from_the_degradations() {
        let of = |labels: &[&str]| Setting::of(labels.iter().copied());
        assert_eq!(of(&["noise15", "noise25"]), Some(Setting::Noise));
        assert_eq!(of(&["noise25", "haze", "rain"]), Some(Setting::Three));
        assert_eq!(
            of(&["noise25", "haze", "rain", "blur", "low-light"]),
            Some(Setting::Five)
        );
        assert_eq!(of(&["haze"]), None);
        assert_eq!(of(&["blur"]), None);
        assert_eq!(of(&[]), None);
    }
}

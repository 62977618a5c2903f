//! By which metrics pictures are measured.

use burn::tensor::Device;
use perceive_model::metric::{METRICS, Meter, Metric, find};

use crate::command::one_of;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::stage::meters;

/// What `--help` says of `--protocol`.
pub fn help() -> String {
    format!(
        "Only these metrics, such as psnr_y,ssim_rgb; all that can be measured if none is named {}",
        one_of(METRICS.iter().map(|metric| metric.name))
    )
}

/// The metrics of these names, in the order given; all that can be measured where none is named: those without a
/// reference unless there are clean pictures, and learned ones where their weights are imported.
///
/// # Errors
/// A name that is none, one that needs a clean picture where there is none, and missing weights of one that was named.
pub fn chosen(names: &[String], with_clean: bool, home: &Home) -> Result<Vec<Meter>, Failure> {
    let mut metrics: Vec<&'static Metric> = Vec::new();
    if names.is_empty() {
        for metric in METRICS {
            if (with_clean || !metric.needs_reference()) && meters::is_installed(home, metric)? {
                metrics.push(metric);
            }
        }
    }
    for name in names {
        let metric =
            find(name).ok_or_else(|| Failure::unknown("metric", name, METRICS.iter().map(|metric| metric.name)))?;
        if metric.needs_reference() && !with_clean {
            let text = format!("{name} compares with a clean picture, and none is given");
            return Err(Failure::new(Exit::Usage, text).help("`perceive-ir metrics RESTORED CLEAN`"));
        }
        if !metrics.iter().any(|known| known.name == metric.name) {
            metrics.push(metric);
        }
    }
    let device = Device::flex();
    metrics
        .into_iter()
        .map(|metric| meters::open(home, metric, &device))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str], with_clean: bool) -> Result<Vec<&'static str>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
        let meters = chosen(&asked, with_clean, &Home::at(folder.path().to_path_buf()))?;
        Ok(meters.iter().map(|meter| meter.metric.name).collect())
    }

    #[test]
    fn all_that_can_be_measured_is_measured() {
        let all = names(&[], true).unwrap();
        assert_eq!(all.len(), METRICS.iter().filter(|metric| !metric.is_learned()).count());
        let alone = names(&[], false).unwrap();
        assert!(alone.contains(&"uciqe") && !alone.contains(&"psnr_rgb"), "{alone:?}");
    }

    #[test]
    fn what_is_named_comes_in_its_order_or_is_refused_with_the_reason() {
        assert_eq!(names(&["uiqm", "psnr_y", "uiqm"], true).unwrap(), ["uiqm", "psnr_y"]);
        assert_eq!(names(&["psnr_y"], false).unwrap_err().exit, Exit::Usage);
        assert_eq!(names(&["psnr"], true).unwrap_err().exit, Exit::Unknown);
        assert_eq!(names(&["lpips_alex"], true).unwrap_err().exit, Exit::Weights);
    }
}

//! Metrics ready to measure: the weights that the learned ones look through, and from where.

use burn::tensor::Device;
use perceive_model::{
    metric::{
        Measure, Meter, Metric,
        lpips::{Backbone, ChannelWeights, Lpips},
    },
    tower::{AlexNet, Vgg16},
    weights::Checkpoint,
};

use crate::{
    failure::{Exit, Failure},
    home::Home,
    weights_store::{Kind, WeightsStore, how_to_import, kind, others},
};

/// The weights that a metric looks through; none for one that is computed.
pub fn kinds(metric: &Metric) -> Vec<&'static Kind> {
    match metric.how {
        Measure::Learned(Backbone::Alex) => vec![&kind::alexnet::KIND, &kind::lpips::ALEX],
        Measure::Learned(Backbone::Vgg) => vec![&kind::vgg16::KIND, &kind::lpips::VGG],
        Measure::Against(_) | Measure::Alone(_) => Vec::new(),
    }
}

/// Whether all that the metric looks through is imported.
pub fn is_installed(home: &Home, metric: &Metric) -> Result<bool, Failure> {
    missing(home, metric).map(|missing| missing.is_empty())
}

/// blake3 of the imported files that a metric looks through, in the order of [`kinds`].
///
/// # Errors
/// [`Exit::Weights`] where one is not installed, with what to fetch, or was changed since its import.
pub fn hashes(home: &Home, metric: &Metric) -> Result<Vec<String>, Failure> {
    let missing = missing(home, metric)?;
    if !missing.is_empty() {
        let titles: Vec<&str> = missing.iter().map(|kind| kind.title).collect();
        let (verb, titles) = (if missing.len() == 1 { "is" } else { "are" }, titles.join(" and "));
        let text = format!(
            "{} needs the weights of {titles}, which {verb} not installed",
            metric.name
        );
        let steps: Vec<String> = missing.into_iter().map(how_to_import).collect();
        return Err(Failure::new(Exit::Weights, text).help(steps.join("\n")));
    }
    let store = WeightsStore::of(home);
    let hash = |kind: &'static Kind| {
        store.find(kind)?;
        Ok(store.named(kind.name)?.blake3)
    };
    kinds(metric).into_iter().map(hash).collect()
}

/// The metric with its weights, on `device`. `planned`: the [`hashes`] that a job was planned with.
///
/// # Errors
/// As [`hashes`], and [`Exit::Weights`] where they are others now.
pub fn open_planned(
    home: &Home,
    metric: &'static Metric,
    planned: &[String],
    device: &Device,
) -> Result<Meter, Failure> {
    let now = hashes(home, metric)?;
    match kinds(metric)
        .iter()
        .zip(now.iter().zip(planned))
        .find(|(_, (now, planned))| now != planned)
    {
        Some((kind, _)) => Err(others(kind.name)),
        None => read(home, metric, device),
    }
}

/// The metric with its weights, on `device`.
///
/// # Errors
/// As [`hashes`].
pub fn open(home: &Home, metric: &'static Metric, device: &Device) -> Result<Meter, Failure> {
    hashes(home, metric)?;
    read(home, metric, device)
}

fn read(home: &Home, metric: &'static Metric, device: &Device) -> Result<Meter, Failure> {
    let Measure::Learned(backbone) = metric.how else {
        return Ok(Meter::new(metric));
    };
    let store = WeightsStore::of(home);
    let read = |kind: &'static Kind| {
        let path = store.find(kind)?;
        Ok::<_, Failure>((Checkpoint::read(&path)?, path.display().to_string()))
    };
    let channels = |kind| {
        let (checkpoint, origin) = read(kind)?;
        Ok::<_, Failure>(ChannelWeights::from_checkpoint(backbone, &checkpoint, &origin, device)?)
    };
    let network = match backbone {
        Backbone::Alex => {
            let (checkpoint, origin) = read(&kind::alexnet::KIND)?;
            let tower = AlexNet::from_checkpoint(checkpoint, &origin, device)?;
            Lpips::alex(tower, channels(&kind::lpips::ALEX)?)
        }
        Backbone::Vgg => {
            let (checkpoint, origin) = read(&kind::vgg16::KIND)?;
            let tower = Vgg16::from_checkpoint(checkpoint, &origin, device)?;
            Lpips::vgg(tower, channels(&kind::lpips::VGG)?)
        }
    };
    Ok(Meter::with_network(metric, network))
}

fn missing(home: &Home, metric: &Metric) -> Result<Vec<&'static Kind>, Failure> {
    let store = WeightsStore::of(home);
    let mut missing = Vec::new();
    for kind in kinds(metric) {
        if store.entry(kind.name)?.is_none() {
            missing.push(kind);
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use perceive_model::metric::METRICS;

    use super::*;

    #[test]
    fn a_learned_metric_says_all_that_is_to_be_imported_and_a_computed_one_needs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().to_path_buf());
        for metric in METRICS {
            assert_eq!(
                is_installed(&home, metric).unwrap(),
                !metric.is_learned(),
                "{}",
                metric.name
            );
            if !metric.is_learned() {
                assert_eq!(hashes(&home, metric).unwrap(), Vec::<String>::new());
                continue;
            }
            let failure = hashes(&home, metric).unwrap_err();
            assert_eq!(failure.exit, Exit::Weights);
            let said = failure.with_help();
            for kind in kinds(metric) {
                assert!(said.contains(&format!("weights import {} ", kind.name)), "{said}");
            }
            assert!(!said.contains("stand-in"), "a seeded network measures nothing: {said}");
        }
    }
}

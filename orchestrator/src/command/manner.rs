//! How jobs are worked off, as `run` and `queue serve` take it from the command line. None of it can change a result.

use std::time::Duration;

use super::one_of;
use crate::{
    device::{DeviceGroup, DeviceName},
    failure::{Exit, Failure},
    run::{Limits, Manner, Stops, median},
    show::Talk,
    signals, time,
};

#[derive(Debug, clap::Args)]
pub struct Work {
    /// Where to compute: cpu, cuda:0, ...; several with commas, one job at a time on each. cuda:0+cuda:1 is one place, whose
    /// trainings divide each batch between both.
    #[arg(long, default_value = "cpu", value_name = "NAMES", value_delimiter = ',')]
    device: Vec<String>,
    /// Jobs at once on each device; those on the CPU share its cores.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// How often to try again what may pass: a worker that was killed, hung or found too little memory. Never a NaN.
    #[arg(long, default_value_t = 2, value_name = "N")]
    retries: u32,
    /// The wait before the first retry; it doubles with every other.
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = time::read)]
    back_off: Duration,
    /// Save and stop after so long, such as 90m or 2h; exit code 75.
    #[arg(long, value_name = "TIME", value_parser = time::read)]
    time_limit: Option<Duration>,
    /// Each training pauses after so many steps of this command.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    step_limit: Option<u64>,
    /// End a job that holds more memory than this, such as 8G.
    #[arg(long, value_name = "BYTES", value_parser = size)]
    memory_limit: Option<u64>,
    /// A worker that tells nothing for so long is taken to hang, and ended.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = time::read)]
    hang_after: Duration,
    /// How long a worker may take to save and stop, once asked.
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = time::read)]
    grace: Duration,
    #[arg(long, value_name = "METRIC[@STEP]", help = prune_help())]
    prune: Option<median::Rule>,
    /// The signal to save and make room for others (exit code 75), as schedulers of clusters send it.
    #[arg(long, default_value = "USR1", value_name = "SIGNAL", value_parser = signals::named)]
    requeue_signal: i32,
}

impl Work {
    /// # Errors
    /// A device that is unknown, or that this program cannot open; a metric that judges no training.
    pub fn manner(&self, talk: Talk) -> Result<Manner, Failure> {
        self.prune.as_ref().map_or(Ok(()), median::Rule::check)?;
        let devices = self
            .device
            .iter()
            .map(|name| {
                let device: DeviceGroup = name.parse()?;
                device.open()?;
                Ok(device)
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        if let Some(twice) = twice(&devices) {
            let text = format!("--device names {twice} twice");
            return Err(Failure::new(Exit::Usage, text).help("--jobs N puts several jobs on each device"));
        }
        Ok(Manner {
            devices,
            jobs: usize::from(self.jobs),
            retries: self.retries,
            back_off: self.back_off,
            step_limit: self.step_limit,
            limits: Limits {
                memory: self.memory_limit,
                silence: self.hang_after,
                grace: self.grace,
            },
            prune: self.prune.clone(),
            talk,
        })
    }

    /// Listens for what may ask this process to stop.
    pub fn stops(&self) -> Result<Stops, Failure> {
        Stops::listen(Some(self.requeue_signal), self.time_limit)
    }
}

fn prune_help() -> String {
    format!(
        "The median rule: stop trainings whose METRIC is worse than the median of the other cases, from STEP on {}",
        one_of(median::Rule::metrics())
    )
}

/// A device that is in two of the groups.
fn twice(groups: &[DeviceGroup]) -> Option<DeviceName> {
    let is_before = |at: usize, name| groups[..at].iter().any(|group| group.names().contains(name));
    let mut names = groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| group.names().iter().map(move |name| (at, name)));
    names.find(|(at, name)| is_before(*at, *name)).map(|(_, name)| *name)
}

/// `800M`, `8G`, `8GB`, `123456`: powers of 1000.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write 800M or 8G");
    let plain = text.trim().trim_end_matches(['B', 'b']);
    let units = [('k', 1e3), ('K', 1e3), ('M', 1e6), ('G', 1e9), ('T', 1e12)];
    let unit = units.into_iter().find(|(letter, _)| plain.ends_with(*letter));
    let (digits, factor) = unit.map_or((plain, 1.0), |(letter, factor)| {
        (plain.trim_end_matches(letter), factor)
    });
    let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
    // Less than a megabyte is a number whose unit was forgotten.
    if number.is_finite() && number * factor >= 1e6 {
        Ok((number * factor) as u64)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_in_two_groups_is_named() {
        let groups = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(
            twice(&groups(&["cuda:0+cuda:1", "cuda:2", "cuda:1"])),
            Some(DeviceName::Cuda(1))
        );
        assert_eq!(twice(&groups(&["cpu", "cpu"])), Some(DeviceName::Cpu));
        assert_eq!(twice(&groups(&["cuda:0+cuda:1", "cuda:2+cuda:3", "cpu+cpu"])), None);
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(
            (size("8G"), size("1.5 MB"), size("12345678")),
            (Ok(8_000_000_000), Ok(1_500_000), Ok(12_345_678))
        );
        assert!(size("much").is_err() && size("-1G").is_err() && size("0").is_err());
        assert!(size("8").is_err(), "a forgotten unit");
    }
}

//! What `plan` and `run` share: from names on the command line to the jobs of their cases.

use std::path::PathBuf;

use perceive_model::tower::{Dinov2Config, stand_in};

use crate::{
    database::Database,
    failure::Failure,
    home::Home,
    plan::{Graph, Weights, pictures::Finder},
    show::Talk,
    spec::{Case, Outside, Size, SpecFile, Towers, proxy::Proxy},
    stage::{negatives::source::Source, towers::Tower},
    weights_store::{WeightsStore, kind},
};

/// Where the experiments are.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// A file of experiments; may be given several times [default: experiments.toml here, or else the one shipped inside].
    #[arg(long, value_name = "FILE", env = "PERCEIVE_EXPERIMENTS")]
    experiments_file: Vec<PathBuf>,
}

impl Files {
    pub fn open(&self) -> Result<SpecFile, Failure> {
        Ok(SpecFile::open(&self.experiments_file)?)
    }
}

/// Which settings, from which files.
#[derive(Debug, clap::Args)]
pub struct Choice {
    #[command(flatten)]
    files: Files,
    /// One setting, such as restore.loss.clip_aware=0.1; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Take sizes, steps, batches and crops from this scale instead of the experiment's own.
    #[arg(long, value_enum)]
    scale: Option<Size>,
    /// Only the case of this name, in which * stands for anything; may be given several times.
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// How often each case is run, each time with the next seed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seeds: Option<u32>,
}

impl Choice {
    pub fn open(&self) -> Result<SpecFile, Failure> {
        self.files.open()
    }

    /// What the command line says over the file.
    pub fn outside(&self) -> Outside {
        Outside {
            scale: self.scale,
            sets: self.set.clone(),
            only: self.only.clone(),
            seeds: self.seeds,
        }
    }

    /// Every repetition of every chosen case of these experiments.
    pub fn cases(&self, spec: &SpecFile, names: &[String]) -> Result<Vec<Case>, Failure> {
        let mut cases = Vec::new();
        for name in names {
            cases.extend(spec.cases(name, &self.outside())?);
        }
        Ok(cases)
    }
}

/// The jobs of all cases, as pictures and weights are in `home` just now.
pub fn planned(cases: &[Case], home: &Home, database: &Database, talk: Talk) -> Result<Graph, Failure> {
    let installed = Installed {
        home,
        foreign: foreign(cases, home, talk)?,
    };
    Graph::of(cases, &mut Finder::new(home, database, talk), &installed)
}

/// Weights as they are installed in a home.
struct Installed<'a> {
    home: &'a Home,
    /// The proxies of all cases that come from outside the home.
    foreign: Vec<(Proxy, Source)>,
}

/// Looks at every proxy from outside once, however many cases have it.
fn foreign(cases: &[Case], home: &Home, talk: Talk) -> Result<Vec<(Proxy, Source)>, Failure> {
    let mut known: Vec<(Proxy, Source)> = Vec::new();
    for proxy in cases.iter().flat_map(|case| case.settings.foreign_proxies()) {
        if known.iter().all(|(other, _)| other != proxy) {
            known.push((proxy.clone(), look(proxy, home, talk)?));
        }
    }
    Ok(known)
}

fn look(proxy: &Proxy, home: &Home, talk: Talk) -> Result<Source, Failure> {
    Source::of(&proxy.origin, home, talk).map_err(|failure| {
        let message = format!("negatives.proxies: proxy {:?}: {}", proxy.name, failure.message);
        Failure { message, ..failure }
    })
}

impl Weights for Installed<'_> {
    fn clip(&self, towers: Towers) -> Result<Tower, Failure> {
        Tower::of(self.home, towers, &kind::clip::KIND)
    }

    fn dinov2(&self, towers: Towers) -> Result<Tower, Failure> {
        Tower::of(self.home, towers, &kind::dinov2::KIND)
    }

    fn vgg16(&self, towers: Towers) -> Result<Tower, Failure> {
        Tower::of(self.home, towers, &kind::vgg16::KIND)
    }

    fn token_width(&self, tower: &Tower) -> Result<usize, Failure> {
        match tower {
            Tower::StandIn => Ok(stand_in::dinov2_config().embed_dim),
            Tower::Imported(_) => {
                let entry = WeightsStore::of(self.home).named(kind::dinov2::KIND.name)?;
                let config = serde_json::from_value::<Dinov2Config>(entry.configuration);
                Ok(config.unwrap_or_default().embed_dim)
            }
        }
    }

    fn imported(&self, name: &str) -> Result<String, Failure> {
        let installed = WeightsStore::of(self.home).named(name);
        installed.map(|entry| entry.blake3).map_err(|failure| {
            let import = format!("`perceive-ir weights import restormer FILE --name {name}` installs them");
            let help = failure.help.map_or(String::new(), |help| format!("; {help}"));
            let message = format!("negatives.proxies: the weights {name:?} are not installed");
            Failure::new(failure.exit, message).help(import + &help)
        })
    }

    fn foreign(&self, proxy: &Proxy) -> Result<Source, Failure> {
        match self.foreign.iter().find(|(other, _)| other == proxy) {
            Some((_, source)) => Ok(source.clone()),
            None => look(proxy, self.home, Talk::Quiet),
        }
    }
}

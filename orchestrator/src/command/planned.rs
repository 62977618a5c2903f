//! What `plan` and `run` share: from names on the command line to the jobs of their cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use perceive_model::{
    metric::Metric,
    network::NetworkConfig,
    tower::{Dinov2Config, stand_in},
};

use super::model::Model;
use crate::{
    database::Database,
    failure::{Exit, Failure},
    home::Home,
    plan::{Graph, Weights, pictures::Finder},
    show::Talk,
    spec::{Case, Outside, Size, SpecFile, Towers, proxy::Proxy},
    stage::{meters, negatives::source::Source, restore::Sentences, restorer, start::StartFrom, towers::Tower},
    weights_store::{Kind, WeightsStore, kind},
};

/// The variable that names a file of experiments.
pub const EXPERIMENTS: &str = "PERCEIVE_EXPERIMENTS";

/// Where the experiments are.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// A file of experiments; may be given several times [default: experiments.toml here, or else the one shipped inside].
    #[arg(long, value_name = "FILE", env = EXPERIMENTS)]
    experiments_file: Vec<PathBuf>,
}

impl Files {
    /// The files that commands take which have no option for them.
    pub fn usual() -> Self {
        let experiments_file = std::env::var_os(EXPERIMENTS).map(PathBuf::from);
        Self {
            experiments_file: experiments_file.into_iter().collect(),
        }
    }

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
        database,
        talk,
        left_out: Mutex::default(),
        foreign: foreign(cases, home, talk)?,
    };
    Graph::of(cases, &mut Finder::new(home, database, talk), &installed)
}

/// Weights as they are installed in a home, and what its runs have learned.
struct Installed<'a> {
    home: &'a Home,
    database: &'a Database,
    talk: Talk,
    /// The metrics that were said to be left out.
    left_out: Mutex<BTreeSet<&'static str>>,
    /// The proxies of all cases that come from outside the home.
    foreign: Vec<(Proxy, Source)>,
}

/// Looks at every proxy from outside once, however many cases have it.
fn foreign(cases: &[Case], home: &Home, talk: Talk) -> Result<Vec<(Proxy, Source)>, Failure> {
    let mut known: Vec<(Proxy, Source)> = Vec::new();
    for proxy in cases.iter().flat_map(|case| case.settings.foreign_proxies()) {
        if known.iter().all(|(other, _)| other != proxy) {
            let source = Source::of(&proxy.origin, home, talk).map_err(|failure| {
                let message = format!("negatives.proxies: proxy {:?}: {}", proxy.name, failure.message);
                Failure { message, ..failure }
            })?;
            known.push((proxy.clone(), source));
        }
    }
    Ok(known)
}

impl Weights for Installed<'_> {
    fn check(&self, towers: Towers, kinds: &[&'static Kind]) -> Result<(), Failure> {
        match towers {
            Towers::StandIn => Ok(()),
            Towers::Real => WeightsStore::of(self.home).check_installed(kinds),
        }
    }

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
        let entry = WeightsStore::of(self.home).named(name).map_err(|failure| {
            let import = format!("`perceive-ir weights import KIND FILE --name {name}` installs them");
            let help = failure.help.map_or(String::new(), |help| format!("; {help}"));
            let message = format!("negatives.proxies: the weights {name:?} are not installed");
            Failure::new(failure.exit, message).help(import + &help)
        })?;
        let of_proxies = |failure: Failure| Failure {
            message: format!("negatives.proxies: {}", failure.message),
            ..failure
        };
        if let Some(tower) = restorer::guide(&entry).map_err(of_proxies)? {
            tower.check(self.home, &kind::dinov2::KIND).map_err(of_proxies)?;
        }
        Ok(entry.stored_blake3)
    }

    fn start(&self, name: &str) -> Result<(StartFrom, NetworkConfig), Failure> {
        match Model::named(name, self.home, self.database) {
            Ok(Model::Imported(entry)) => {
                let of = entry.network()?;
                let blake3 = entry.stored_blake3;
                let name = entry.name;
                Ok((StartFrom::Imported { name, blake3 }, of))
            }
            Ok(Model::Artefact { key, folder }) => {
                let of = restorer::configuration(&folder)?.network;
                Ok((StartFrom::Artefact(key), of))
            }
            Err(failure) if failure.exit == Exit::Unknown => {
                let message = format!("there are neither weights nor a finished restorer called {name:?}");
                Err(Failure::new(Exit::Unknown, message)
                    .help("`perceive-ir weights ls` lists imported weights, `perceive-ir runs ls` runs"))
            }
            Err(failure) => Err(failure),
        }
    }

    fn sentences(&self, name: &str) -> Result<(Sentences, BTreeMap<String, usize>), Failure> {
        let kind = kind::instructions::KIND.name;
        let entry = WeightsStore::of(self.home)
            .entry(name)?
            .filter(|entry| entry.kind == kind);
        let Some(entry) = entry else {
            let text = format!("restore.instructions: the sentence embeddings {name:?} are not installed");
            return Err(Failure::new(Exit::Weights, text).help(format!(
                "`perceive-ir weights import {kind} FILE --name {name}` installs them; without restore.instructions seeded \
                 stand-ins are taken"
            )));
        };
        let counts = serde_json::from_value(entry.configuration).unwrap_or_default();
        let sentences = Sentences {
            name: entry.name,
            blake3: entry.blake3,
        };
        Ok((sentences, counts))
    }

    fn metric(&self, metric: &Metric, scale: Size) -> Result<Option<Vec<String>>, Failure> {
        if scale == Size::Paper || meters::is_installed(self.home, metric)? {
            return meters::hashes(self.home, metric).map(Some);
        }
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if left_out.insert(metric.name) {
            let kinds: Vec<&str> = meters::kinds(metric).iter().map(|kind| kind.name).collect();
            let kinds = kinds.join(" and ");
            self.talk.say(format!(
                "{} is left out: it needs the weights {kinds} (`perceive-ir weights ls`)",
                metric.name
            ));
        }
        Ok(None)
    }

    fn foreign(&self, proxy: &Proxy) -> Result<Source, Failure> {
        let known = self.foreign.iter().find(|(other, _)| other == proxy);
        known.map(|(_, source)| source.clone()).ok_or_else(|| {
            let text = format!("proxy {:?} is of no case that is planned", proxy.name);
            Failure::new(Exit::Unexpected, text)
        })
    }
}

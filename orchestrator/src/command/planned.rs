//! What `plan` and `run` share: from names on the command line to planned experiments.

use std::path::PathBuf;

use perceive_model::tower::{Dinov2Config, stand_in};

use crate::{
    database::Database,
    failure::Failure,
    home::Home,
    plan::{self, Node, Weights, pictures},
    run::Standing,
    show::{Cell, Format, Table, Talk},
    spec::{Case, Outside, Size, SpecFile, Towers},
    stage::{Job, evaluate::SHEET, towers::Tower},
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

/// A case with its jobs.
pub struct Planned {
    pub case: Case,
    pub nodes: Vec<Node>,
}

impl Planned {
    pub fn new(case: Case, home: &Home, database: &Database, talk: Talk) -> Result<Self, Failure> {
        let pictures = pictures::find(&case.settings, home, database, talk)?;
        let nodes = plan::plan(&case.settings, &pictures, &Installed { home })?;
        Ok(Self { case, nodes })
    }

    /// The jobs of all cases on stdout.
    pub fn print(all: &[Self], home: &Home, format: Format) -> Result<(), Failure> {
        let mut table = Table::new(["experiment", "case", "seed", "stage", "job", "key", "state"]);
        for Self { case, nodes } in all {
            for node in nodes {
                table.push([
                    Cell::text(&case.experiment),
                    Cell::text(&case.name),
                    Cell::Whole(case.seed as i64),
                    Cell::text(node.job.stage()),
                    Cell::text(node.job.label()),
                    Cell::text(&node.key[..12]),
                    Cell::text(Standing::of(node, home).word()),
                ]);
            }
        }
        table.print(format)
    }

    /// Where the contact sheets are.
    pub fn tell_where(&self, home: &Home, talk: Talk) {
        for node in &self.nodes {
            if let Job::Evaluate(job) = &node.job {
                talk.say(format!(
                    "{}: {}",
                    job.set.label,
                    home.artefact(&node.key).join(SHEET).display()
                ));
            }
        }
    }
}

/// Weights as they are installed in a home.
struct Installed<'a> {
    home: &'a Home,
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
}

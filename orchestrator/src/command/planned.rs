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
    spec::{Experiment, Size, SpecFile, Towers},
    stage::{Job, evaluate::SHEET, towers::Tower},
    weights_store::{WeightsStore, kind},
};

/// Which settings, from which file.
#[derive(Debug, clap::Args)]
pub struct Choice {
    /// The experiments' file [default: experiments.toml here, or else the one shipped inside the program].
    #[arg(long, value_name = "FILE", env = "PERCEIVE_EXPERIMENTS")]
    experiments_file: Option<PathBuf>,
    /// One setting, such as restore.loss.clip_aware=0.1; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Take sizes, steps, batches and crops from this scale instead of the experiment's own.
    #[arg(long, value_enum)]
    scale: Option<Size>,
}

impl Choice {
    pub fn open(&self) -> Result<SpecFile, Failure> {
        Ok(SpecFile::open(self.experiments_file.as_deref())?)
    }

    pub fn resolve(&self, spec: &SpecFile, names: &[String]) -> Result<Vec<(String, Experiment)>, Failure> {
        names
            .iter()
            .map(|name| Ok((name.clone(), spec.resolve(name, self.scale, &self.set)?)))
            .collect()
    }
}

/// An experiment with its jobs.
pub struct Planned {
    pub name: String,
    pub experiment: Experiment,
    pub nodes: Vec<Node>,
}

impl Planned {
    pub fn new(
        name: String,
        experiment: Experiment,
        home: &Home,
        database: &Database,
        talk: Talk,
    ) -> Result<Self, Failure> {
        let pictures = pictures::find(&experiment, home, database, talk)?;
        let nodes = plan::plan(&experiment, &pictures, &Installed { home })?;
        Ok(Self {
            name,
            experiment,
            nodes,
        })
    }

    /// The jobs on stdout.
    pub fn print(&self, home: &Home, format: Format) -> Result<(), Failure> {
        let mut table = Table::new(["experiment", "stage", "job", "key", "state"]);
        for node in &self.nodes {
            table.push([
                Cell::text(&self.name),
                Cell::text(node.job.stage()),
                Cell::text(node.job.label()),
                Cell::text(&node.key[..12]),
                Cell::text(Standing::of(node, home).word()),
            ]);
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

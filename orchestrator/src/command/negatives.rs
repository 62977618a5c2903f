//! `perceive-ir negatives ls|regenerate`: what the proxies made, and making it again.

use crate::{
    database::{Database, artefacts::Artefact},
    device::DeviceGroup,
    failure::{Exit, Failure},
    home::Home,
    plan::Node,
    run::{Manner, Stops, make_one, take_over},
    scratch::Scratch,
    show::{Cell, Format, Table, Talk},
    stage::{
        Job,
        context::read_json,
        medium::{REACHED, Reached},
    },
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The proxies, with the average PSNR of their pictures.
    Ls {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Remake the negatives of all proxies, or of one.
    Regenerate {
        #[arg(long, value_name = "NAME")]
        proxy: Option<String>,
        #[arg(long, default_value = "cpu", value_name = "NAME")]
        device: String,
        #[arg(long)]
        dry_run: bool,
    },
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.what {
        What::Ls { format } => list(home, *format, talk),
        What::Regenerate { proxy, device, dry_run } => regenerate(home, talk, proxy.as_deref(), device, *dry_run),
    }
}

fn made(database: &Database) -> Result<Vec<Artefact>, Failure> {
    Ok(database
        .artefacts()?
        .into_iter()
        .filter(|artefact| artefact.stage == "negatives")
        .collect())
}

fn list(home: &Home, format: Format, talk: Talk) -> Result<(), Failure> {
    let mut table = Table::new(["proxy", "key", "pictures", "average psnr_rgb", "size"]);
    for artefact in made(&Database::open_read_only(home)?)? {
        let folder = home.artefact(&artefact.key);
        // A hand may have removed it.
        let reached: Option<Reached> = folder.exists().then(|| read_json(&folder.join(REACHED))).transpose()?;
        let told = |number: fn(Reached) -> String| reached.map_or("-".to_string(), number);
        table.push([
            Cell::text(artefact.label),
            Cell::text(&artefact.key[..12]),
            Cell::text(told(|reached| reached.pictures.to_string())),
            Cell::text(told(|reached| format!("{:.2}", reached.average_psnr))),
            Cell::Bytes(artefact.bytes as u64),
        ]);
    }
    table.list(format, talk)
}

fn regenerate(home: &Home, talk: Talk, proxy: Option<&str>, device: &str, dry_run: bool) -> Result<(), Failure> {
    let device: DeviceGroup = device.parse()?;
    let _hold = home.hold()?;
    let database = Database::open(home)?;
    take_over(home, &database, talk)?;
    let all = made(&database)?;
    let chosen: Vec<&Artefact> = all
        .iter()
        .filter(|artefact| proxy.is_none_or(|name| name == artefact.label))
        .collect();
    if chosen.is_empty() {
        return Err(match proxy {
            Some(name) => Failure::unknown("proxy", name, all.iter().map(|artefact| artefact.label.as_str())),
            None => Failure::new(Exit::Unknown, "no negatives have been made yet")
                .help("`perceive-ir run EXPERIMENT` makes those of an experiment"),
        });
    }
    let manner = Manner::plain(device, talk);
    let stops = Stops::listen(None, None)?;
    for artefact in chosen {
        talk.say(format!("{} {}: made anew", artefact.label, &artefact.key[..12]));
        if dry_run {
            continue;
        }
        let job: Job = serde_json::from_str(&artefact.settings).map_err(|error| {
            Failure::new(
                Exit::Database,
                format!("the job of artefact {} cannot be read: {error}", artefact.key),
            )
            .help("it was made by another version of the program: run its experiment again")
        })?;
        let Job::Negatives(negatives) = &job else { continue };
        let node = Node {
            key: artefact.key.clone(),
            job: Job::Negatives(negatives.clone()),
        };
        // Beside the old ones, which stay until the new ones are whole.
        let scratch = Scratch::open(home, &format!("negatives-{}", artefact.key), &node.job, &database)?;
        let ended = make_one(node, 0, scratch.home(), &database, &manner, &stops);
        scratch.move_journals(home)?;
        ended?;
        scratch.exchange(home, &artefact.key)?;
    }
    Ok(())
}

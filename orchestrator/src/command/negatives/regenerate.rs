//! `perceive-ir negatives regenerate`: remakes what is stale, and nothing else.
//!
//! Pictures that are damaged or missing are made again in a scratch home, from where the artefact goes to its old place
//! when it is whole. Pictures of a proxy that has changed since are other ones and have another key: they are made as the
//! experiment's next run would make them, and the old ones stay.

use std::fs;

use super::made::{Made, State};
use crate::{
    database::Database,
    device::DeviceGroup,
    failure::{Exit, Failure},
    home::Home,
    plan::Node,
    run::{Manner, Stops, make_one, manifest::Manifest, take_over},
    scratch::Scratch,
    show::{Talk, count},
    stage::{
        Job,
        context::{create_folder, output},
        medium::RESTORED,
        negatives::{Negatives, flaws},
    },
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those of this proxy.
    #[arg(long, value_name = "NAME")]
    proxy: Option<String>,
    /// Remake all, stale or not.
    #[arg(long)]
    force: bool,
    #[arg(long, default_value = "cpu", value_name = "NAME")]
    device: String,
    /// Say what would be remade and why, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What is to be done about one artefact.
enum Task {
    Leave,
    /// Make it again; what is whole is kept, unless all is to be remade.
    Remake {
        keep: bool,
    },
    /// Make the pictures of what its source is now.
    MakeOther(Box<Negatives>),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let device: DeviceGroup = args.device.parse()?;
    let _hold = home.hold()?;
    let database = Database::open(home)?;
    take_over(home, &database, talk)?;
    let all = Made::all(&database)?;
    let chosen = all
        .iter()
        .filter(|made| args.proxy.as_ref().is_none_or(|name| *name == made.artefact.label));
    let chosen: Vec<&Made> = chosen.collect();
    if chosen.is_empty() {
        return Err(match &args.proxy {
            Some(name) => Failure::unknown("proxy", name, all.iter().map(|made| made.artefact.label.as_str())),
            None => Failure::new(Exit::Unknown, "no negatives have been made yet")
                .help("`perceive-ir run EXPERIMENT` makes those of an experiment"),
        });
    }
    let manner = Manner::plain(device, talk);
    let stops = Stops::listen(None, None)?;
    let (mut left, count) = (0, chosen.len());
    for made in chosen {
        let (task, words) = task(made, home, args.force, talk)?;
        talk.say(format!("{}: {words}", made.title()));
        match task {
            Task::Leave => left += 1,
            _ if args.dry_run => {}
            Task::Remake { keep } => remake(made, keep, home, &database, &manner, &stops)?,
            Task::MakeOther(job) => make_one(node(*job), 0, home, &database, &manner, &stops)?,
        }
    }
    if left == count {
        talk.say("nothing is stale; --force remakes all");
    }
    Ok(())
}

/// What is to be done, with the words that tell so.
///
/// # Errors
/// Where it must be remade and what it was made of is gone.
fn task(made: &Made, home: &Home, force: bool, talk: Talk) -> Result<(Task, String), Failure> {
    let state = made.state(home, talk, true);
    let words = match &state {
        State::Whole if force => "made anew".to_string(),
        State::Whole => return Ok((Task::Leave, "whole".to_string())),
        State::Gone => "its folder is gone: made anew".to_string(),
        State::Damaged(faults) => {
            let first = faults.first().map_or("", String::as_str);
            let more = if faults.len() > 1 { ", …" } else { "" };
            format!("{} stale ({first}{more}): made anew", count(faults.len(), "file"))
        }
        State::WithoutSource(failure) if !force => {
            return Ok((
                Task::Leave,
                format!("whole, but could not be remade: {}", failure.message),
            ));
        }
        State::WithoutSource(_) | State::Changed(_) => String::new(),
    };
    // What is stale itself may also be of something that is no more.
    let source = match state {
        State::Gone | State::Damaged(_) => made.source(home, talk),
        State::Whole => return Ok((Task::Remake { keep: false }, words)),
        source => source,
    };
    match source {
        State::WithoutSource(failure) => Err(failure),
        State::Changed(now) => {
            let (kind, title) = (now.source.kind(), now.source.title());
            let key = node((*now).clone()).key;
            let short = &key[..12];
            if home.artefact(&key).exists() {
                let words = format!("its {kind} has changed since ({title}); {short} is of what that is now");
                return Ok((Task::Leave, words));
            }
            let words = format!("its {kind} has changed since ({title}): made of what that is now, as {short}");
            Ok((Task::MakeOther(now), words))
        }
        _ => Ok((Task::Remake { keep: !force }, words)),
    }
}

fn node(job: Negatives) -> Node {
    let job = Job::from(job);
    Node { key: job.key(), job }
}

/// Makes an artefact again beside the old one, which stays until the new one is whole.
fn remake(
    made: &Made,
    keep: bool,
    home: &Home,
    database: &Database,
    manner: &Manner,
    stops: &Stops,
) -> Result<(), Failure> {
    let key = made.artefact.key.clone();
    let job = Job::from(made.job()?.clone());
    let scratch = Scratch::open(home, &format!("negatives-{key}"), &job, database)?;
    if keep {
        keep_whole_pictures(home, scratch.home(), &key)?;
    }
    let node = Node { key: key.clone(), job };
    let ended = make_one(node, 0, scratch.home(), database, manner, stops);
    scratch.move_journals(home)?;
    ended?;
    scratch.exchange(home, &key)
}

/// Lays the pictures that are as they were made into the artefact in the making, which then needs only the others.
fn keep_whole_pictures(home: &Home, scratch: &Home, key: &str) -> Result<(), Failure> {
    let from = home.artefact(key);
    let Ok(Some(manifest)) = Manifest::read(&from) else {
        return Ok(());
    };
    let damaged: Vec<&str> = manifest
        .damaged(&from, &|| ())
        .iter()
        .map(|(listed, _)| listed.path.as_str())
        .collect();
    let to = output(&scratch.work_of(key));
    for listed in &manifest.files {
        let is_picture = listed.path.starts_with(&format!("{RESTORED}/"));
        let place = to.join(&listed.path);
        if damaged.contains(&listed.path.as_str()) || !(is_picture || listed.path == flaws::FILE) || place.exists() {
            continue;
        }
        if let Some(folder) = place.parent() {
            create_folder(folder)?;
        }
        // Under a temporary name first: a picture that is cut by a kill must not be taken for one that is done.
        let unfinished = place.with_extension("unfinished");
        let copied = fs::copy(from.join(&listed.path), &unfinished).and_then(|_| fs::rename(&unfinished, &place));
        copied.map_err(|error| Failure::io(format!("cannot write {}", place.display()), &error))?;
    }
    Ok(())
}

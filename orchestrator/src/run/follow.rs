//! Asking for something and staying until it is made: by serving the queue, or by following whoever serves it.

use std::{thread::sleep, time::Duration};

use super::{
    Manner,
    queue::{Queue, Request},
    server::serve_all,
    stops::{Stops, Wish},
    takeover::take_over,
};
use crate::{
    database::Database,
    failure::{Exit, Failure},
    home::Home,
    plan::Graph,
    show::Talk,
};

/// How often a follower looks whether it has an answer.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// Takes a request away when its asker goes, however it goes about it.
struct Asked<'a> {
    queue: &'a Queue,
    id: &'a str,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.queue.remove(self.id);
    }
}

/// Makes what `request` asks for: serves the queue if nobody does, follows the server otherwise, and takes over from it
/// should it end before there is an answer.
///
/// # Errors
/// The first job that failed; or the command was asked to stop; or somebody else serves the queue and `alone` forbids to
/// join.
pub fn fulfil(request: &Request, home: &Home, manner: &Manner, stops: &Stops, alone: bool) -> Result<(), Failure> {
    let queue = Queue::of(home);
    if alone {
        drop(home.hold()?);
    }
    queue.put(request)?;
    let asked = Asked {
        queue: &queue,
        id: &request.id,
    };
    let answer = loop {
        match home.try_hold()? {
            Some(_hold) => {
                let database = Database::open(home)?.patient(manner.talk)?;
                take_over(home, &database, manner.talk)?;
                serve_all(home, &database, manner, stops)?;
            }
            None => follow(&queue, request, home, stops, manner.talk)?,
        }
        if let Some(answer) = queue.answered(&request.id)? {
            break answer;
        }
        if !queue.holds(&request.id) {
            let text = "the request was taken out of the queue; everything done so far is kept";
            return Err(
                Failure::new(Exit::Interrupted, text).help("run the same command again: it goes on where it stopped")
            );
        }
    };
    drop(asked);
    answer.result()
}

/// Waits for an answer, or until nobody serves any more.
fn follow(queue: &Queue, request: &Request, home: &Home, stops: &Stops, talk: Talk) -> Result<(), Failure> {
    let who = home
        .holder()
        .map_or("another process".to_string(), |holder| format!("process {holder}"));
    talk.say(format!(
        "{who} is at work in {}: joined its queue",
        home.root().display()
    ));
    let of = request.graph.nodes.len();
    let mut told = usize::MAX;
    loop {
        if queue.answered(&request.id)?.is_some() || !queue.holds(&request.id) || home.is_free() {
            return Ok(());
        }
        if stops.wish() != Wish::GoOn {
            return Err(stops.wish().failure());
        }
        let made = made(&request.graph, home);
        if made != told {
            talk.say(format!("queued behind {who}: {made} of {of} jobs are made"));
            told = made;
        }
        sleep(BETWEEN_LOOKS);
    }
}

fn made(graph: &Graph, home: &Home) -> usize {
    let nodes = graph.nodes.iter();
    nodes.filter(|node| home.artefact(&node.key).exists()).count()
}

/// Leaves `request` in the queue for whoever serves it.
pub fn leave(request: &Request, home: &Home, talk: Talk) -> Result<(), Failure> {
    Queue::of(home).put(request)?;
    talk.say(if home.is_free() {
        "queued; `perceive-ir queue serve` does what is queued".to_string()
    } else {
        "queued; whoever is at work here does it next".to_string()
    });
    Ok(())
}

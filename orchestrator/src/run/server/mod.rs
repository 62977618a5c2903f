//! The server: holds the home's lock, takes requests in, has jobs done as slots come free ([`jobs`]), and answers
//! ([`ends`]).

mod ends;
mod jobs;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    BETWEEN_LOOKS, Manner,
    attempt::Attempt,
    board::Board,
    ending::Cause,
    intake::{self, Owner},
    queue::{Answer, Asker, Queue, Request},
    slots::{Place, Slots},
    stops::{Stops, Wish},
};
use crate::{
    database::Database,
    failure::Failure,
    home::Home,
    plan::{Graph, Node, Standings, estimate::Estimates},
    show::progress::Progress,
};

/// How often the queue is looked into.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(500);

/// Serves the queue until nothing is left in it.
///
/// # Errors
/// The first failure of a request whose asker did not wait; what kept the server from going on (disk, database); or
/// [`Exit::Interrupted`](crate::failure::Exit::Interrupted) and [`Exit::Requeue`](crate::failure::Exit::Requeue) when it
/// was asked to stop: then the requests stay.
pub fn serve_all(home: &Home, database: &Database, manner: &Manner, stops: &Stops) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut server = Server {
        home,
        database,
        manner,
        stops,
        queue: Queue::of(home),
        board: Board::default(),
        slots: Slots::new(&manner.devices, manner.jobs, cores),
        estimates: Estimates::read(database)?,
        progress: Progress::new(manner.talk),
        running: Vec::new(),
        requests: BTreeMap::new(),
        owners: Vec::new(),
        tries: HashMap::new(),
        resting: Vec::new(),
        wish: Wish::GoOn,
        looked: None,
        unheard: None,
    };
    server.serve()
}

/// Makes one job in `home` that no queue knows of: a scratch home, or one whose lock the caller holds.
///
/// # Errors
/// See [`serve_all`]; and the job's own failure.
pub fn make_one(
    node: Node,
    seed: u64,
    home: &Home,
    database: &Database,
    manner: &Manner,
    stops: &Stops,
) -> Result<(), Failure> {
    let queue = Queue::of(home);
    let request = Request {
        id: Queue::new_id(),
        title: node.job.label(),
        graph: Graph::of_jobs(vec![node]),
        experiments: Vec::new(),
        priority: 0,
        keep_going: false,
        seed,
        asker: Asker::me(false),
    };
    queue.put(&request)?;
    let served = serve_all(home, database, manner, stops);
    let answer = queue.answered(&request.id);
    queue.remove(&request.id);
    served?;
    answer?.unwrap_or_default().result()
}

struct Server<'a> {
    home: &'a Home,
    database: &'a Database,
    manner: &'a Manner,
    stops: &'a Stops,
    queue: Queue,
    board: Board,
    slots: Slots,
    estimates: Estimates,
    progress: Progress,
    running: Vec<Running>,
    /// Requests that are not answered yet, by their number on the board.
    requests: BTreeMap<u64, Open>,
    owners: Vec<Owner>,
    /// Attempts at each job so far.
    tries: HashMap<usize, u32>,
    /// Jobs that wait before they are tried again.
    resting: Vec<(Instant, usize)>,
    wish: Wish,
    looked: Option<Instant>,
    /// The first failure of a request that nobody waits for.
    unheard: Option<Failure>,
}

struct Running {
    at: usize,
    place: Place,
    attempt: Attempt,
    /// When the median rule last looked at it.
    judged: Instant,
}

struct Open {
    request: Request,
    answer: Answer,
}

impl Server<'_> {
    fn serve(&mut self) -> Result<(), Failure> {
        loop {
            self.heed();
            if self.wish == Wish::GoOn {
                self.take_requests()?;
                self.start_jobs()?;
            }
            self.look_after_jobs()?;
            self.answer()?;
            let idle = self.running.is_empty();
            if idle && self.wish != Wish::GoOn {
                return Err(self.wish.failure());
            }
            if idle && self.requests.is_empty() && self.queue.ids()?.is_empty() {
                self.tell_unmet()?;
                return self.unheard.take().map_or(Ok(()), Err);
            }
            sleep(BETWEEN_LOOKS);
        }
    }

    /// Passes on what this process was asked.
    fn heed(&mut self) {
        let wish = self.stops.wish();
        if wish == self.wish {
            return;
        }
        self.wish = wish;
        self.progress.say(wish.words());
        for running in &mut self.running {
            match wish {
                Wish::AtOnce => running.attempt.kill(Cause::Asked, String::new()),
                _ => running.attempt.stop(Cause::Asked, ""),
            }
        }
    }

    fn take_requests(&mut self) -> Result<(), Failure> {
        if self.looked.is_some_and(|looked| looked.elapsed() < BETWEEN_REQUESTS) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let waiting = self.queue.ids()?;
        let gone: Vec<u64> = self
            .requests
            .iter()
            .filter(|(_, open)| !waiting.contains(&open.request.id) || !open.request.asker.is_there())
            .map(|(asker, _)| *asker)
            .collect();
        for asker in gone {
            self.drop_request(asker);
        }
        for id in waiting {
            if self.requests.values().any(|open| open.request.id == id) {
                continue;
            }
            match self.queue.get(&id)? {
                Some(request) if request.asker.is_there() => self.accept(request)?,
                Some(_) => self.queue.remove(&id),
                None => {}
            }
        }
        Ok(())
    }

    fn accept(&mut self, request: Request) -> Result<(), Failure> {
        let standings = Standings::read(self.home, self.database)?;
        let whole: HashSet<String> = request
            .graph
            .nodes
            .iter()
            .filter(|node| standings.is_whole(&node.key))
            .map(|node| node.key.clone())
            .collect();
        intake::acknowledge(self.home, self.database, &request.graph.nodes, &whole)?;
        let first = self.owners.len();
        self.owners.extend(intake::record_cases(self.database, &request)?);
        let owners = intake::owners_of_nodes(&request);
        let asker = self.requests.last_key_value().map_or(1, |(last, _)| last + 1);
        let owner = |place: usize| owners[place].map(|at| first + at);
        self.board.ask(
            asker,
            request.priority,
            &request.graph,
            |key| whole.contains(key),
            owner,
        );
        if !self.requests.is_empty() {
            self.progress
                .say(&format!("joined by another terminal: {}", request.title));
        }
        if !whole.is_empty() {
            let of = request.graph.nodes.len();
            self.progress
                .say(&format!("{} of {of} jobs are done already", whole.len()));
        }
        let answer = Answer::default();
        self.requests.insert(asker, Open { request, answer });
        Ok(())
    }

    /// Nobody waits for the answer any more.
    fn drop_request(&mut self, asker: u64) {
        let Some(open) = self.requests.remove(&asker) else {
            return;
        };
        self.queue.remove(&open.request.id);
        let unwanted = self.board.withdraw(asker);
        for running in self.running.iter_mut().filter(|running| unwanted.contains(&running.at)) {
            running.attempt.stop(Cause::Asked, "");
        }
    }
}

//! The server: holds the home's lock, takes requests in, starts jobs as slots come free, and answers.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    thread::sleep,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};

use super::{
    BETWEEN_LOOKS, Manner,
    attempt::{Attempt, Terms},
    board::{Board, State},
    ending::{Cause, Ended},
    intake::{self, Owner},
    median,
    queue::{Answer, Asker, Fault, Queue, Request},
    slots::{Place, Slots},
    stops::{Stops, Wish},
};
use crate::{
    database::{Database, runs::NewRun},
    failure::{Exit, Failure},
    home::Home,
    plan::{Graph, Node, Standings, estimate::Estimates},
    process,
    provenance::Code,
    show::progress::Progress,
};

/// How often the queue is looked into.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(500);

/// How often the median rule looks at a training.
const BETWEEN_JUDGEMENTS: Duration = Duration::from_secs(1);

/// No retry waits longer.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Serves the queue until nothing is left in it.
///
/// # Errors
/// The first failure of a request whose asker did not wait; what kept the server from going on (disk, database); or [`Exit::Interrupted`] and [`Exit::Requeue`] when it was asked
/// to stop; then the requests stay.
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

    fn start_jobs(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        for (_, at) in self.resting.extract_if(.., |(until, _)| *until <= now) {
            self.board.put_back(at);
        }
        let available = process::available_memory();
        loop {
            let memory = |at: usize| {
                let expected = self.estimates.of(&self.board.node(at).job).memory;
                expected.map_or(0, |bytes| bytes as u64)
            };
            // What has just begun does not hold its memory yet.
            let promised: u64 = self.running.iter().map(|running| memory(running.at)).sum();
            let held: u64 = self.running.iter().filter_map(|running| running.attempt.memory()).sum();
            let left = available.saturating_sub(promised.saturating_sub(held));
            let found = self.board.next(|at| self.slots.free(memory(at), left).is_some());
            let Some((at, place)) = found.and_then(|at| Some((at, self.slots.free(memory(at), left)?))) else {
                return Ok(());
            };
            self.start(at, place, memory(at))?;
        }
    }

    fn start(&mut self, at: usize, place: Place, memory: u64) -> Result<(), Failure> {
        let node = self.board.node(at).clone();
        let owner = self.board.owner(at).map(|owner| self.owners[owner].clone());
        let of_request = || {
            let asker = self.board.askers(at).next()?;
            self.requests.get(&asker).map(|open| open.request.seed)
        };
        let seed = owner.as_ref().map(|owner| owner.seed).or_else(of_request);
        let tries = self.tries.entry(at).or_default();
        *tries += 1;
        let terms = Terms {
            device: self.slots.device(place).to_string(),
            threads: self.slots.threads(),
            upkeep: owner.as_ref().map(|owner| owner.upkeep.clone()).unwrap_or_default(),
            step_limit: self.manner.step_limit,
            limits: self.manner.limits,
        };
        let code = Code::of_this_program();
        let id = self.database.start_run(&NewRun {
            case: owner.as_ref().and_then(|owner| owner.case),
            stage: node.job.stage().into(),
            label: node.job.label(),
            artefact_key: node.key.clone(),
            seed: seed.unwrap_or_default(),
            device: terms.device.clone(),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            version: env!("CARGO_PKG_VERSION").into(),
            code_commit: code.code_commit.clone(),
            dirty: code.dirty,
            attempt: *tries,
        })?;
        self.database.record_code(&id)?;
        let job = format!("{} {}", node.job.stage(), node.job.label());
        // With one case in sight its name says nothing.
        let label = match &owner {
            Some(owner) if self.owners.len() > 1 => format!("{}: {job}", owner.title),
            _ => job,
        };
        let bar = self.progress.bar(&label, 0, "steps");
        let attempt = Attempt::start(self.home, self.database, &node, id, &terms, bar)?;
        self.board.begin(at);
        self.slots.take(place, memory);
        let judged = Instant::now();
        self.running.push(Running {
            at,
            place,
            attempt,
            judged,
        });
        Ok(())
    }

    fn look_after_jobs(&mut self) -> Result<(), Failure> {
        let mut running = std::mem::take(&mut self.running);
        let mut first = Ok(());
        let mut ended = Vec::new();
        running.retain_mut(|running| match running.attempt.look(self.database) {
            Ok(None) => {
                if let Err(failure) = self.judge(running) {
                    first = Err(failure);
                }
                true
            }
            Ok(Some(how)) => {
                ended.push((running.at, running.place, how));
                false
            }
            Err(failure) => {
                first = Err(failure);
                true
            }
        });
        self.running = running;
        for (at, place, how) in ended {
            self.slots.give_back(place);
            self.settle(at, how)?;
        }
        first
    }

    /// The median rule.
    fn judge(&self, running: &mut Running) -> Result<(), Failure> {
        let Some(rule) = &self.manner.prune else { return Ok(()) };
        let owner = self.board.owner(running.at).map(|owner| &self.owners[owner]);
        let (true, Some(owner)) = (running.judged.elapsed() >= BETWEEN_JUDGEMENTS, owner) else {
            return Ok(());
        };
        running.judged = Instant::now();
        let node = self.board.node(running.at);
        let rows = self
            .database
            .courses(&owner.experiment, node.job.stage(), &rule.metric)?;
        let mut courses: HashMap<String, BTreeMap<u64, f64>> = HashMap::new();
        for (key, step, value) in rows {
            courses.entry(key).or_default().insert(step as u64, value);
        }
        let mine = courses.remove(&node.key).unwrap_or_default();
        let fellows: Vec<_> = courses.values().collect();
        if let Some(words) = median::Rule::judges(rule, &mine, &fellows) {
            running.attempt.stop(Cause::Pruned, &words);
        }
        Ok(())
    }

    /// What follows from the end of an attempt.
    fn settle(&mut self, at: usize, ended: Ended) -> Result<(), Failure> {
        let again = ended.may_pass() && self.board.is_wanted(at) && self.wish == Wish::GoOn;
        let tries = self.tries.get(&at).copied().unwrap_or(1);
        let Some(failure) = ended.failure else {
            intake::record(self.home, self.database, self.board.node(at))?;
            self.board.finish(at);
            return Ok(());
        };
        if again && tries <= self.manner.retries {
            let wait = self.wait_before(tries);
            self.progress.say(&format!(
                "{}; tried again in {:.1} s ({tries} of {})",
                failure.message,
                wait.as_secs_f64(),
                self.manner.retries
            ));
            self.resting.push((Instant::now() + wait, at));
            return Ok(());
        }
        let askers: Vec<u64> = self.board.askers(at).collect();
        if matches!(ended.cause, Cause::Asked) {
            self.board.close(at, State::Paused);
            for asker in askers {
                if let Some(open) = self.requests.get_mut(&asker) {
                    open.answer.stopped = true;
                }
            }
            return Ok(());
        }
        self.board.close(at, State::Failed);
        let node = self.board.node(at);
        let owner = self
            .board
            .owner(at)
            .map(|owner| format!("{}: ", self.owners[owner].title));
        let job = format!("{}{} {}", owner.unwrap_or_default(), node.job.stage(), node.job.label());
        if ended.cause == Cause::Pruned {
            self.progress.say(&format!("{job}: {}", failure.message));
            return Ok(());
        }
        for asker in askers {
            let Some(open) = self.requests.get_mut(&asker) else {
                continue;
            };
            open.answer.failures.push(Fault {
                job: job.clone(),
                code: failure.exit.code(),
                message: failure.message.clone(),
                help: failure.help.clone(),
            });
            if open.request.keep_going {
                self.progress.say(&format!("{job} failed: {}", failure.message));
            } else {
                self.board.hold(asker);
            }
        }
        // A disk or a record that cannot be written to serves nobody.
        if failure.exit == Exit::Disk {
            Err(failure)
        } else {
            Ok(())
        }
    }

    fn wait_before(&self, retry: u32) -> Duration {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.manner.back_off)
            .with_max_delay(LONGEST_WAIT)
            .without_max_times()
            .build();
        waits.nth(retry.saturating_sub(1) as usize).unwrap_or(LONGEST_WAIT)
    }

    /// Answers the requests that nothing more will come for.
    fn answer(&mut self) -> Result<(), Failure> {
        if self.wish != Wish::GoOn {
            // They stay in the queue: their askers take over, or ask again.
            return Ok(());
        }
        let resting: HashSet<usize> = self.resting.iter().map(|(_, at)| *at).collect();
        let is_resting = |asker: u64| {
            resting
                .iter()
                .any(|at| self.board.askers(*at).any(|other| other == asker))
        };
        let settled: Vec<u64> = self
            .requests
            .keys()
            .copied()
            .filter(|asker| self.board.is_settled(*asker) && !is_resting(*asker))
            .collect();
        for asker in settled {
            let Some(mut open) = self.requests.remove(&asker) else {
                continue;
            };
            open.answer.done = self.board.count(asker, State::Done);
            if open.request.asker.detached {
                self.queue.remove(&open.request.id);
                if let Err(failure) = open.answer.result() {
                    self.progress.say(&format!("{}: {failure}", open.request.title));
                    self.unheard.get_or_insert(failure);
                }
            } else {
                self.queue.answer(&open.request.id, &open.answer)?;
            }
        }
        Ok(())
    }
}

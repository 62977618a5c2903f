//! The board: which jobs there are, which may start, and what became of each. No process, clock or file: only order.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use crate::plan::{Graph, Node};

/// The number of a request on the board.
pub type Asker = u64;

/// How a job stands in this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// An input is not made yet.
    Waiting,
    Ready,
    Running,
    Done,
    Failed,
    /// Stopped with its state kept; not begun again in this command.
    Paused,
    /// An input failed, or was paused.
    Blocked,
    /// Whoever asked for it has gone.
    Dropped,
}

impl State {
    /// Whether anything is still to come of it.
    fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Ready | Self::Running)
    }
}

#[derive(Debug)]
struct Entry {
    node: Node,
    /// The title of the first case that needs it, and that case's record.
    owner: Option<usize>,
    state: State,
    /// Inputs that are not made yet.
    missing: usize,
    feeds: Vec<usize>,
    askers: BTreeSet<Asker>,
    priority: i32,
}

/// All jobs that somebody asked for.
#[derive(Debug, Default)]
pub struct Board {
    entries: Vec<Entry>,
    places: HashMap<String, usize>,
    /// The most urgent first, then in the order of asking.
    ready: BTreeSet<(Reverse<i32>, usize)>,
}

impl Board {
    /// Puts up the jobs of `graph` that are needed. `owners` gives the case of a node's place in the graph.
    ///
    /// A job that is on the board already is shared; one that failed or was paused for somebody else gets another chance.
    pub fn ask(
        &mut self,
        asker: Asker,
        priority: i32,
        graph: &Graph,
        whole: impl Fn(&str) -> bool,
        owners: impl Fn(usize) -> Option<usize>,
    ) {
        let inputs = graph.inputs();
        let needed = graph.needed(&inputs, whole);
        for (place, node) in graph.nodes.iter().enumerate().filter(|(place, _)| needed[*place]) {
            let made_of: Vec<usize> = inputs[place]
                .iter()
                .filter_map(|input| self.places.get(&graph.nodes[*input].key).copied())
                .filter(|at| self.entries[*at].state != State::Done)
                .collect();
            let at = match self.places.get(&node.key) {
                Some(at) => *at,
                None => self.put(node.clone(), owners(place)),
            };
            let entry = &mut self.entries[at];
            entry.askers.insert(asker);
            entry.priority = entry.priority.max(priority);
            match entry.state {
                State::Running | State::Done => continue,
                State::Ready => self.ready.retain(|(_, place)| *place != at),
                _ => {}
            }
            self.entries[at].missing = made_of.len();
            for input in made_of {
                if !self.entries[input].feeds.contains(&at) {
                    self.entries[input].feeds.push(at);
                }
            }
            self.open(at);
        }
    }

    fn put(&mut self, node: Node, owner: Option<usize>) -> usize {
        let at = self.entries.len();
        self.places.insert(node.key.clone(), at);
        self.entries.push(Entry {
            node,
            owner,
            state: State::Waiting,
            missing: 0,
            feeds: Vec::new(),
            askers: BTreeSet::new(),
            priority: i32::MIN,
        });
        at
    }

    fn open(&mut self, at: usize) {
        let entry = &mut self.entries[at];
        if entry.missing == 0 {
            entry.state = State::Ready;
            self.ready.insert((Reverse(entry.priority), at));
        } else {
            entry.state = State::Waiting;
        }
    }

    /// The most urgent job that may start and that `fits`.
    pub fn next(&self, fits: impl Fn(usize) -> bool) -> Option<usize> {
        self.ready.iter().map(|(_, at)| *at).find(|at| fits(*at))
    }

    pub fn node(&self, at: usize) -> &Node {
        &self.entries[at].node
    }

    pub fn owner(&self, at: usize) -> Option<usize> {
        self.entries[at].owner
    }

    /// Whether anybody still wants the job.
    pub fn is_wanted(&self, at: usize) -> bool {
        !self.entries[at].askers.is_empty()
    }

    pub fn askers(&self, at: usize) -> impl Iterator<Item = Asker> + '_ {
        self.entries[at].askers.iter().copied()
    }

    /// The job has a worker.
    pub fn begin(&mut self, at: usize) {
        let entry = &mut self.entries[at];
        self.ready.remove(&(Reverse(entry.priority), at));
        entry.state = State::Running;
    }

    /// The job's artefact is whole: what waited for it may go on.
    pub fn finish(&mut self, at: usize) {
        self.entries[at].state = State::Done;
        for fed in std::mem::take(&mut self.entries[at].feeds) {
            let entry = &mut self.entries[fed];
            entry.missing = entry.missing.saturating_sub(1);
            if entry.state == State::Waiting {
                self.open(fed);
            }
        }
    }

    /// The job may be tried again.
    pub fn put_back(&mut self, at: usize) {
        self.open(at);
    }

    /// The job failed, or was paused: what waited for it cannot go on.
    pub fn close(&mut self, at: usize, state: State) {
        self.entries[at].state = state;
        let mut blocked = self.entries[at].feeds.clone();
        while let Some(fed) = blocked.pop() {
            if self.entries[fed].state == State::Waiting {
                self.entries[fed].state = State::Blocked;
                blocked.extend(self.entries[fed].feeds.iter().copied());
            }
        }
    }

    /// The asker has gone: what only it wanted is dropped. Returns what only it wanted and is running.
    pub fn withdraw(&mut self, asker: Asker) -> Vec<usize> {
        let mut running = Vec::new();
        for at in 0..self.entries.len() {
            let entry = &mut self.entries[at];
            if !entry.askers.remove(&asker) || !entry.askers.is_empty() {
                continue;
            }
            match entry.state {
                State::Running => running.push(at),
                State::Ready | State::Waiting => {
                    self.ready.remove(&(Reverse(entry.priority), at));
                    entry.state = State::Dropped;
                }
                _ => {}
            }
        }
        running
    }

    /// Nothing more is begun for this asker; what runs may end.
    pub fn hold(&mut self, asker: Asker) {
        for at in 0..self.entries.len() {
            let entry = &mut self.entries[at];
            if entry.askers.contains(&asker) && matches!(entry.state, State::Ready | State::Waiting) {
                entry.askers.remove(&asker);
                if entry.askers.is_empty() {
                    self.ready.remove(&(Reverse(entry.priority), at));
                    entry.state = State::Dropped;
                }
            }
        }
    }

    /// Whether nothing more will come for this asker.
    pub fn is_settled(&self, asker: Asker) -> bool {
        self.of(asker).all(|entry| !entry.state.is_open())
    }

    /// How many of the asker's jobs are in `state`.
    pub fn count(&self, asker: Asker, state: State) -> usize {
        self.of(asker).filter(|entry| entry.state == state).count()
    }

    /// How many jobs wait for a slot or for an input.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        let waits = |entry: &&Entry| matches!(entry.state, State::Ready | State::Waiting);
        self.entries.iter().filter(waits).count()
    }

    fn of(&self, asker: Asker) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.askers.contains(&asker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{Job, degrade::Degrade, pairs::Listing, scenes::Scenes};
    use perceive_datasets::degradation::Recipe;

    fn scenes(seed: u64) -> Node {
        let job = Job::from(Scenes {
            split: "train".into(),
            count: 1,
            size: 32,
            seed,
        });
        Node { key: job.key(), job }
    }

    fn degraded(of: &Node, seed: u64) -> Node {
        let recipe: Recipe = serde_json::from_value(serde_json::json!({ "kind": "noise", "sigma": 25 })).unwrap();
        let job = Job::from(Degrade {
            dataset: "scenes train".into(),
            clean: Listing::Artefact(of.key.clone()),
            recipe,
            seed,
        });
        Node { key: job.key(), job }
    }

    /// One rendering, two degradations of it.
    fn graph() -> Graph {
        let first = scenes(1);
        let (a, b) = (degraded(&first, 1), degraded(&first, 2));
        Graph::of_jobs(vec![first, a, b])
    }

    fn board(graph: &Graph) -> Board {
        let mut board = Board::default();
        board.ask(1, 0, graph, |_| false, |_| None);
        board
    }

    fn any(board: &Board) -> Option<usize> {
        board.next(|_| true)
    }

    #[test]
    fn a_job_starts_when_its_inputs_are_made() {
        let mut board = board(&graph());
        assert_eq!(any(&board), Some(0));
        board.begin(0);
        assert_eq!(any(&board), None);
        board.finish(0);
        for expected in [1, 2] {
            assert_eq!(any(&board), Some(expected));
            board.begin(expected);
            board.finish(expected);
        }
        assert!(board.is_settled(1) && board.count(1, State::Done) == 3);
    }

    #[test]
    fn what_stands_on_a_failure_is_blocked_and_the_rest_goes_on() {
        let other = scenes(2);
        let mut graph = graph();
        graph.nodes.push(other);
        let mut board = board(&graph);
        board.begin(0);
        board.close(0, State::Failed);
        assert_eq!(board.count(1, State::Blocked), 2);
        assert_eq!(any(&board), Some(3));
        assert!(!board.is_settled(1));
        board.begin(3);
        board.put_back(3);
        assert_eq!(any(&board), Some(3), "tried again");
        board.begin(3);
        board.finish(3);
        assert!(board.is_settled(1));
    }

    #[test]
    fn a_shared_job_is_done_once_and_the_urgent_come_first() {
        let (one, two) = (graph(), Graph::of_jobs(vec![scenes(9)]));
        let mut board = board(&one);
        board.ask(2, 5, &two, |_| false, |_| None);
        assert_eq!(any(&board), Some(3));
        board.ask(3, 9, &one, |_| false, |_| None);
        assert_eq!(any(&board), Some(0));
        assert_eq!(board.waiting(), 4);
        board.begin(0);
        board.finish(0);
        assert_eq!((board.count(1, State::Done), board.count(3, State::Done)), (1, 1));
        assert!(board.withdraw(3).is_empty());
        assert!(board.is_settled(3) && !board.is_settled(1));
    }

    #[test]
    fn whole_artefacts_are_not_made_and_neither_is_what_only_they_read() {
        let graph = graph();
        let whole: Vec<&str> = graph.nodes[1..].iter().map(|node| node.key.as_str()).collect();
        let mut board = Board::default();
        board.ask(1, 0, &graph, |key| whole.contains(&key), |_| None);
        assert!(board.is_settled(1) && board.waiting() == 0);
        board.ask(2, 0, &graph, |key| key == whole[0], |_| None);
        assert_eq!(board.waiting(), 2);
    }

    #[test]
    fn what_nobody_wants_any_more_is_dropped() {
        let mut board = board(&graph());
        board.begin(0);
        assert_eq!(board.withdraw(1), [0]);
        board.finish(0);
        assert_eq!(any(&board), None);
        // Asked for anew, it goes on from what is made.
        board.ask(2, 0, &graph(), |_| false, |_| None);
        assert_eq!(any(&board), Some(1));
    }
}

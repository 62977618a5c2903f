//! Jobs that run: one is begun when its inputs are made, a slot is free and the memory suffices; then it is looked after.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use super::{Running, Server};
use crate::{
    database::runs::NewRun,
    failure::Failure,
    process,
    provenance::Code,
    run::{
        attempt::{Attempt, Terms},
        ending::Cause,
        slots::Place,
    },
    show::Talk,
};

/// How often the median rule looks at a training.
const BETWEEN_JUDGEMENTS: Duration = Duration::from_secs(1);

impl Server<'_> {
    pub(super) fn start_jobs(&mut self) -> Result<(), Failure> {
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

    pub(super) fn look_after_jobs(&mut self) -> Result<(), Failure> {
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
        if let Some(words) = rule.judges(&mine, &fellows) {
            running.attempt.stop(Cause::Pruned, &words);
        }
        Ok(())
    }

    /// A rule about a metric that nobody tells stops nobody, and should not do so in silence.
    pub(super) fn tell_unmet(&self) -> Result<(), Failure> {
        if let Some(rule) = &self.manner.prune
            && !self.tries.is_empty()
            && !self.database.is_recorded(&rule.metric)?
        {
            Talk::warn(format!(
                "--prune {}: no training recorded that metric, so none was judged \
                 (`perceive-ir metrics ls RUN` names those of a run; validation_psnr needs restore.training.validation.every)",
                rule.metric
            ));
        }
        Ok(())
    }
}

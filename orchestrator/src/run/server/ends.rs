//! What follows from the end of an attempt, and of a request.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};

use super::Server;
use crate::{
    failure::{Exit, Failure},
    run::{
        board::State,
        ending::{Cause, Ended},
        intake,
        queue::Fault,
        stops::Wish,
    },
};

/// No retry waits longer.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

impl Server<'_> {
    /// What follows from the end of an attempt.
    pub(super) fn settle(&mut self, at: usize, ended: Ended) -> Result<(), Failure> {
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
                    open.answer.limited = self.manner.step_limit.is_some();
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
    pub(super) fn answer(&mut self) -> Result<(), Failure> {
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

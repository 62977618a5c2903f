//! True states: a run whose process is gone is not running, whatever its row says.

use super::runs::{Run, RunFilter, RunState, machine};
use super::{Database, DatabaseError, now};
use crate::failure::Exit;
use crate::home::Home;
use crate::process;

/// A process of another machine cannot be asked; without a heartbeat for this long it is taken for dead.
const SILENCE_MS: i64 = 10 * 60 * 1000;

impl Database {
    /// Settles runs whose process is gone, after importing what is left in their journals: running ones are what their
    /// last word says, or lost; queued ones are cancelled. Returns those that nobody finished, as they were.
    pub fn settle_lost(&self, home: &Home) -> Result<Vec<Run>, DatabaseError> {
        let mut gone = Vec::new();
        for run in self.in_state(RunState::Running)? {
            if is_alive(&run, &machine(), now()) {
                continue;
            }
            self.import(&run.id, &home.journal(&run.id))?;
            match self.last_word(&run.id)? {
                Some((RunState::Done, code, _)) => self.set_state(&run.id, RunState::Done, Some(code), None)?,
                Some((state, code, reason)) => {
                    self.set_state(&run.id, state, Some(code), reason.as_deref())?;
                    gone.push(run);
                }
                None => {
                    self.set_state(&run.id, RunState::Lost, None, Some("its process ended without a word"))?;
                    gone.push(run);
                }
            }
        }
        for run in self.in_state(RunState::Queued)? {
            if !is_alive(&run, &machine(), now()) {
                let reason = "the process that queued it has ended";
                self.set_state(&run.id, RunState::Cancelled, None, Some(reason))?;
                gone.push(run);
            }
        }
        Ok(gone)
    }

    /// The runs whose process lives on this machine.
    pub fn running_here(&self) -> Result<Vec<Run>, DatabaseError> {
        let here = machine();
        let mut running = self.in_state(RunState::Running)?;
        running.retain(|run| run.machine == here && is_alive(run, &here, now()));
        Ok(running)
    }

    fn in_state(&self, state: RunState) -> Result<Vec<Run>, DatabaseError> {
        self.runs(RunFilter {
            state: Some(state),
            ..RunFilter::default()
        })
    }

    /// How the run ended by its own account: state, exit code, reason.
    fn last_word(&self, id: &str) -> Result<Option<(RunState, i32, Option<String>)>, DatabaseError> {
        let Some(last) = self.events(id)?.pop() else {
            return Ok(None);
        };
        Ok(match last.kind.as_str() {
            "done" => Some((RunState::Done, Exit::Fine.code(), None)),
            "paused" => {
                let reason = "its orchestrator had gone: it saved and stopped";
                Some((RunState::Paused, Exit::Interrupted.code(), Some(reason.to_string())))
            }
            "failed" => Some((RunState::Failed, Exit::Run.code(), Some(last.text))),
            _ => None,
        })
    }
}

fn is_alive(run: &Run, here: &str, now: i64) -> bool {
    if run.machine != here {
        return run.heartbeat.is_some_and(|beat| now - beat < SILENCE_MS);
    }
    let pid = run.pid.and_then(|pid| u32::try_from(pid).ok());
    pid.zip(run.process.as_deref())
        .is_some_and(|(pid, identity)| process::lives(pid, identity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::runs::tests::new_run;
    use crate::database::tests::database;
    use crate::journal::{Event, Journal};

    #[test]
    fn only_runs_whose_process_is_gone_are_settled() {
        let (folder, database) = database();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();

        let queued = database.start_run(&new_run("a")).unwrap();
        let alive = database.start_run(&new_run("b")).unwrap();
        database.set_running(&alive, std::process::id()).unwrap();
        let dead = database.start_run(&new_run("c")).unwrap();
        database.set_running(&dead, ended.id()).unwrap();

        let home = Home::at(folder.path());
        let settled = database.settle_lost(&home).unwrap();
        assert_eq!(
            settled.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
            [dead.as_str()]
        );
        assert_eq!(database.find(&dead).unwrap().state, RunState::Lost);
        assert_eq!(database.find(&alive).unwrap().state, RunState::Running);
        assert_eq!(database.find(&queued).unwrap().state, RunState::Queued);
        assert!(database.settle_lost(&home).unwrap().is_empty());
    }

    #[test]
    fn what_a_worker_told_after_its_orchestrator_was_killed_is_not_lost() {
        let (folder, database) = database();
        let home = Home::at(folder.path());
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let mut states = Vec::new();
        for last in [
            Event::Done,
            Event::Paused { step: 7 },
            Event::Failed {
                reason: "no pictures".into(),
                code: 5,
                kind: None,
            },
            Event::Saved { step: 7 },
        ] {
            let id = database.start_run(&new_run("a")).unwrap();
            database.set_running(&id, ended.id()).unwrap();
            let mut journal = Journal::open(&home.journal(&id)).unwrap();
            let (name, value) = ("loss".into(), 0.5);
            journal.append(Event::Metric { name, step: 7, value }).unwrap();
            journal.append(last).unwrap();
            database.settle_lost(&home).unwrap();
            assert_eq!(database.metric(&id, "loss").unwrap(), [(7, 0.5)]);
            states.push(database.find(&id).unwrap().state);
        }
        assert_eq!(
            states,
            [RunState::Done, RunState::Paused, RunState::Failed, RunState::Lost]
        );
    }

    #[test]
    fn a_process_number_used_again_and_a_silent_machine_do_not_keep_a_run_alive() {
        let (_folder, database) = database();
        let id = database.start_run(&new_run("a")).unwrap();
        database.set_running(&id, std::process::id()).unwrap();
        let mut run = database.find(&id).unwrap();
        assert!(is_alive(&run, &machine(), now()));
        // A clock that jumped changes nothing.
        run.started_at = Some(1000);
        assert!(is_alive(&run, &machine(), now()));
        let mine = run.process.replace("of an earlier boot/1".into());
        assert!(!is_alive(&run, &machine(), now()));
        run.process = mine;

        run.machine = "elsewhere".to_string();
        let beat = run.heartbeat.unwrap();
        assert!(is_alive(&run, &machine(), beat + SILENCE_MS - 1));
        assert!(!is_alive(&run, &machine(), beat + SILENCE_MS));
    }
}

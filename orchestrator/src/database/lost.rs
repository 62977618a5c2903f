//! True states: a run whose process is gone is not running, whatever its row says.

use sysinfo::{Pid, ProcessStatus, ProcessesToUpdate, System};

use super::runs::{Run, RunFilter, RunState, machine};
use super::{Database, DatabaseError, now};

/// A process of another machine cannot be asked; without a heartbeat for this long it is taken for dead.
const SILENCE_MS: i64 = 10 * 60 * 1000;

/// A process that began this much later than its run is another one with the same number.
const SLACK_MS: i64 = 5000;

impl Database {
    /// Settles runs whose process is gone: running ones are lost, queued ones cancelled. Returns them as they were.
    pub fn settle_lost(&self) -> Result<Vec<Run>, DatabaseError> {
        let mut gone = Vec::new();
        for (state, becomes, reason) in [
            (RunState::Running, RunState::Lost, "its process ended without a word"),
            (
                RunState::Queued,
                RunState::Cancelled,
                "the process that queued it has ended",
            ),
        ] {
            let live = RunFilter {
                state: Some(state),
                ..RunFilter::default()
            };
            for run in self.runs(live)? {
                if !is_alive(&run, &machine(), now()) {
                    self.set_state(&run.id, becomes, None, Some(reason))?;
                    gone.push(run);
                }
            }
        }
        Ok(gone)
    }
}

fn is_alive(run: &Run, here: &str, now: i64) -> bool {
    if run.machine != here {
        return run.heartbeat.is_some_and(|beat| now - beat < SILENCE_MS);
    }
    let born = run.started_at.unwrap_or(run.queued_at);
    let pid = run.pid.and_then(|pid| u32::try_from(pid).ok());
    pid.and_then(process_start_ms)
        .is_some_and(|start| start <= born + SLACK_MS)
}

/// When the process began, in milliseconds since the Unix epoch; `None` if there is no such process.
fn process_start_ms(pid: u32) -> Option<i64> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
    let process = system.process(pid)?;
    let ended = matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    (!ended).then(|| process.start_time() as i64 * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::runs::tests::new_run;
    use crate::database::tests::database;

    #[test]
    fn only_runs_whose_process_is_gone_are_settled() {
        let (_folder, database) = database();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();

        let queued = database.start_run(&new_run("a")).unwrap();
        let alive = database.start_run(&new_run("b")).unwrap();
        database.set_running(&alive, std::process::id()).unwrap();
        let dead = database.start_run(&new_run("c")).unwrap();
        database.set_running(&dead, ended.id()).unwrap();

        let settled = database.settle_lost().unwrap();
        assert_eq!(
            settled.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
            [dead.as_str()]
        );
        assert_eq!(database.find(&dead).unwrap().state, RunState::Lost);
        assert_eq!(database.find(&alive).unwrap().state, RunState::Running);
        assert_eq!(database.find(&queued).unwrap().state, RunState::Queued);
        assert!(database.settle_lost().unwrap().is_empty());
    }

    #[test]
    fn a_process_number_used_again_and_a_silent_machine_do_not_keep_a_run_alive() {
        let (_folder, database) = database();
        let id = database.start_run(&new_run("a")).unwrap();
        database.set_running(&id, std::process::id()).unwrap();
        let mut run = database.find(&id).unwrap();
        assert!(is_alive(&run, &machine(), now()));
        // As if this process had begun long after the run.
        run.started_at = Some(1000);
        assert!(!is_alive(&run, &machine(), now()));

        run.machine = "elsewhere".to_string();
        let beat = run.heartbeat.unwrap();
        assert!(is_alive(&run, &machine(), beat + SILENCE_MS - 1));
        assert!(!is_alive(&run, &machine(), beat + SILENCE_MS));
    }
}

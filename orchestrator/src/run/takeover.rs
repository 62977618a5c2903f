//! What an earlier orchestrator left behind.

use std::{collections::BTreeSet, thread::sleep};

use super::BETWEEN_LOOKS;
use crate::{database::Database, disk, failure::Failure, home::Home, show::Talk};

/// Settles what an earlier orchestrator left behind; only for the holder of the home's lock.
///
/// The workers of an orchestrator that was killed notice it within a second, save and stop. Two workers must not make one
/// artefact, so this waits for them.
pub fn take_over(home: &Home, database: &Database, talk: Talk) -> Result<(), Failure> {
    // A request that was being written when its asker was killed is nobody's.
    let queue = home.queue();
    disk::sweep(&queue).map_err(|error| Failure::io(format!("cannot clean {}", queue.display()), &error))?;
    let mut told = BTreeSet::new();
    loop {
        let orphans = database.running_here()?;
        for run in &orphans {
            if told.insert(run.id.clone()) {
                talk.say(format!(
                    "waiting for {} {} of an earlier command to save and stop",
                    run.stage, run.label
                ));
            }
        }
        if orphans.is_empty() {
            break;
        }
        sleep(BETWEEN_LOOKS);
    }
    for run in database.settle_lost(home)? {
        talk.say(format!(
            "{} {} was left unfinished: it goes on now if it is still needed",
            run.stage, run.label
        ));
    }
    Ok(())
}

//! A sweep of eight cases and two seeds, struck ten times on its way, ends with the table of an undisturbed one.

use std::thread::sleep;
use std::time::{Duration, Instant};

use perceive_datasets::random::Key;

use super::{Results, seed};
use crate::support::Desk;
use crate::support::process::reaches;

/// The losses of Table VII, each on and off.
const ABLATION: &str = r#"
[experiment.ablation]
scale = "tiny"
towers = "stand-in"
seeds = 2
prompts = { tokens = 2, steps = 8, batch = 2, patch = 16, pool = 16 }
medium = { training = { steps = 6, batch = 2, patch = 16 } }
upkeep = { save_every = 0.2 }

[experiment.ablation.restore]
loss = { slice = 2 }
training = { steps = 32, batch = 2, patch = 24 }

[experiment.ablation.matrix]
"restore.loss.contrastive" = [0.0, 0.1]
"restore.loss.clip_aware" = [0.0, 0.05]
"restore.loss.perceptual" = [0.0, 0.1]

[[experiment.ablation.train]]
dataset = "scenes"
count = 6
size = 40
degradations = [{ kind = "noise", sigma = 25 }, { kind = "haze" }]

[[experiment.ablation.test]]
dataset = "scenes"
count = 2
size = 40
degradations = [{ kind = "noise", sigma = 25 }]
"#;

const RUN: [&str; 4] = ["run", "ablation", "--back-off", "10ms"];

#[test]
fn a_sweep_that_is_struck_ten_times_ends_with_the_table_of_an_undisturbed_one() {
    let seed = seed();
    println!("PERCEIVE_TEST_SEED={seed}");
    let mut stream = Key::new("sweep", seed).stream();
    let (calm, desk) = (Desk::with(ABLATION), Desk::with(ABLATION));
    let began = Instant::now();
    calm.run(&RUN).fine();
    // Ten of the longest pauses are shorter than the sweep, however quick the machine is.
    let longest = began.elapsed().as_millis() as u64 / 12;
    let mut blows = Vec::new();
    while blows.len() < 10 {
        let mut running = desk.start(&RUN);
        sleep(Duration::from_millis(
            longest / 3 + stream.below(longest as usize * 2 / 3) as u64,
        ));
        assert!(!running.has_ended(), "done after {} blows: {blows:?}", blows.len());
        match stream.below(3) {
            0 => {
                running.signal(libc::SIGKILL);
                blows.push("kill -9 of the orchestrator");
            }
            1 => {
                running.signal(libc::SIGTERM);
                blows.push("SIGTERM");
            }
            _ => {
                let worker = running.find_worker();
                if !worker.is_some_and(|worker| reaches(worker, libc::SIGKILL)) {
                    running.signal(libc::SIGTERM);
                    running.wait();
                    continue;
                }
                blows.push("kill -9 of the worker");
                sleep(Duration::from_millis(300));
                running.signal(libc::SIGTERM);
            }
        }
        running.wait();
    }
    desk.run(&RUN).fine();
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), &format!("ten blows with seed {seed}"));
    let table = |desk: &Desk| desk.run(&["results", "ablation", "--format", "csv"]).fine().stdout;
    assert_eq!(table(&desk), table(&calm));
    println!("struck {} times: {}", blows.len(), blows.join(", "));
}

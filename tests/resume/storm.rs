//! Twenty blows at random moments, at the worker or at the orchestrator, kill -9 or SIGTERM.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use perceive_datasets::random::{Key, Stream};

use crate::support::Desk;
use crate::support::process::{reaches, send};

/// Every kind of training, with all that it has to remember: eq. 10's state, validations, the best so far, patience.
const STORM: &str = r#"
[experiment.storm]
scale = "tiny"
towers = "stand-in"
upkeep = { save_every = 0.1, keep_last = 2 }
prompts = { tokens = 2, steps = 120, batch = 2, patch = 16, pool = 160 }
medium = { training = { steps = 100, batch = 2, patch = 16, validation = { every = 20, pictures = 2 } } }

[experiment.storm.restore]
loss = { slice = 4 }
training = { steps = 220, batch = 2, patch = 24, validation = { every = 11, pictures = 2, patience = 12, use_best = true } }

[[experiment.storm.train]]
dataset = "scenes"
count = 8
size = 40
degradations = [{ kind = "noise", sigma = 25 }, { kind = "haze" }]

[[experiment.storm.test]]
dataset = "scenes"
count = 2
size = 40
degradations = [{ kind = "noise", sigma = 25 }]
"#;

const RUN: [&str; 2] = ["run", "storm"];
const BLOWS: usize = 20;

/// `PERCEIVE_TEST_SEED` repeats the moments of another time.
fn seed() -> u64 {
    let given = std::env::var("PERCEIVE_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

/// Runs once and strikes at a random moment. `None`: it came to its end before.
fn strike(desk: &Desk, stream: &mut Stream) -> Option<String> {
    let mut running = desk.start(&RUN);
    sleep(Duration::from_millis(200 + stream.below(2000) as u64));
    let signal = [libc::SIGKILL, libc::SIGTERM][stream.below(2)];
    let at_worker = stream.below(2) == 0;
    let worker = running.find_worker();
    let struck = match worker {
        Some(worker) if at_worker => reaches(worker, signal),
        Some(_) => {
            running.signal(signal);
            true
        }
        None => false,
    };
    let asked = desk.home().join("work").exists();
    let stage = asked.then(|| desk.ask("SELECT stage FROM runs ORDER BY id DESC LIMIT 1").pop());
    let began = Instant::now();
    while at_worker && !running.has_ended() && began.elapsed() < Duration::from_secs(3) {
        sleep(Duration::from_millis(20));
    }
    if struck && !running.has_ended() && at_worker {
        // It tries again by itself: that is enough of this attempt.
        running.signal(libc::SIGTERM);
    }
    running.wait();
    let name = if signal == libc::SIGKILL { "kill -9" } else { "SIGTERM" };
    let whom = if at_worker { "worker" } else { "orchestrator" };
    struck.then(|| format!("{name} of the {whom} in {}", stage.flatten().unwrap_or_default()))
}

#[test]
fn twenty_blows_at_random_moments_change_no_bit_of_the_result() {
    let seed = seed();
    println!("PERCEIVE_TEST_SEED={seed}");
    let mut stream = Key::new("blows", seed).stream();
    let calm = Desk::with(STORM);
    calm.run(&RUN).fine();
    let mut blows: BTreeMap<String, usize> = BTreeMap::new();
    let mut homes = 0;
    while blows.values().sum::<usize>() < BLOWS {
        // A fast machine may come to the end before all blows have fallen: then another home takes the rest.
        let disturbed = Desk::with(STORM);
        homes += 1;
        while blows.values().sum::<usize>() < BLOWS && disturbed.artefacts_or_none("evaluate") == 0 {
            if let Some(blow) = strike(&disturbed, &mut stream) {
                *blows.entry(blow).or_default() += 1;
            }
        }
        disturbed.run(&RUN).fine();
        disturbed.is_tidy();
        for stage in ["medium", "prompts", "restore"] {
            assert_eq!(disturbed.weights(stage), calm.weights(stage), "{stage}, seed {seed}");
        }
        assert_eq!(disturbed.curves(), calm.curves(), "seed {seed}");
        let unequal = disturbed.ask(
            "SELECT artefact_key || ' ' || name || ' ' || step FROM metrics JOIN runs ON runs.id = run_id
             WHERE name NOT IN ('waiting_share', 'upkeep_share') GROUP BY artefact_key, name, step HAVING min(value) < max(value)",
        );
        assert!(
            unequal.is_empty(),
            "measured twice and unequal: {unequal:?}, seed {seed}"
        );
        let numbers = "SELECT test || picture || tier || metric || format('%!.17g', value) FROM evaluations
                       ORDER BY test, picture, tier, metric";
        assert_eq!(disturbed.ask(numbers), calm.ask(numbers), "seed {seed}");
        let unfinished = std::fs::read_dir(disturbed.home().join("work")).unwrap().count();
        assert_eq!(unfinished, 0, "work is left over");
    }
    println!("{} blows in {homes} home(s):", blows.values().sum::<usize>());
    for (blow, count) in &blows {
        println!("{count:3} x {blow}");
    }
}

impl Desk {
    fn artefacts_or_none(&self, stage: &str) -> usize {
        if self.home().join("work").exists() {
            self.artefacts(stage).len()
        } else {
            0
        }
    }
}

#[test]
fn one_blow_more_at_a_training_that_saves_at_every_step_is_no_harm() {
    let run = [
        "run",
        "storm",
        "--set",
        "upkeep.save_every=0",
        "--set",
        "upkeep.keep_last=1",
    ];
    let (calm, disturbed) = (Desk::with(STORM), Desk::with(STORM));
    let running = disturbed.start(&run);
    disturbed.wait_for_saved_state();
    send(running.worker(), libc::SIGKILL);
    running.wait();
    disturbed.run(&run).fine();
    calm.run(&RUN).fine();
    assert_eq!(disturbed.weights("restore"), calm.weights("restore"));
}

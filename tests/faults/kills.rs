//! A hundred kills -9 at random moments, of workers and of orchestrators, over all stages of `mini`; and one between the start
//! of a worker and its entry in the record.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use perceive_datasets::random::{Key, Stream};

use super::{Results, seed};
use crate::support::Desk;
use crate::support::mini::MINI;
use crate::support::process::{reaches, wait_until};

const KILLS: usize = 100;

/// Longer trainings, saved often, so that kills find them at work.
const RUN: [&str; 13] = [
    "run",
    "mini",
    "--set",
    "upkeep.save_every=0.1",
    "--set",
    "restore.training.steps=60",
    "--set",
    "medium.training.steps=40",
    "--set",
    "prompts.steps=40",
    "--back-off",
    "10ms",
    "--retries=1000",
];

/// What fell where.
type Count = BTreeMap<String, usize>;

/// Runs once under fire: workers are killed now and then, until the orchestrator is killed too or all is done.
fn under_fire(desk: &Desk, stream: &mut Stream, count: &mut Count) {
    let mut running = desk.start(&RUN);
    let until = Instant::now() + Duration::from_millis(300 + stream.below(3000) as u64);
    loop {
        sleep(Duration::from_millis(20 + stream.below(400) as u64));
        if running.has_ended() {
            break;
        }
        let stage = newest_stage(desk);
        if Instant::now() >= until {
            running.signal(libc::SIGKILL);
            *count.entry(format!("orchestrator, {stage}")).or_default() += 1;
            break;
        }
        let worker = running.find_worker();
        if worker.is_some_and(|worker| reaches(worker, libc::SIGKILL)) {
            *count.entry(format!("worker, {stage}")).or_default() += 1;
        }
    }
    running.wait();
}

fn newest_stage(desk: &Desk) -> String {
    if !desk.home().join("work").exists() {
        return "before any stage".into();
    }
    let newest = desk.ask("SELECT stage FROM runs ORDER BY id DESC LIMIT 1").pop();
    newest.unwrap_or_else(|| "before any stage".into())
}

#[test]
fn a_hundred_kills_at_random_moments_change_no_result() {
    let seed = seed();
    println!("PERCEIVE_TEST_SEED={seed}");
    let mut stream = Key::new("kills", seed).stream();
    let calm = Desk::with(MINI);
    calm.run(&RUN).fine();
    let expected = Results::of(&calm);
    let (mut count, mut homes) = (Count::new(), 0);
    while count.values().sum::<usize>() < KILLS {
        let desk = Desk::with(MINI);
        homes += 1;
        // Not for ever: a home that gets nowhere under fire is finished in peace.
        for _ in 0..12 {
            under_fire(&desk, &mut stream, &mut count);
            if count.values().sum::<usize>() >= KILLS {
                break;
            }
        }
        desk.run(&RUN).fine();
        desk.is_tidy();
        Results::of(&desk).equal(&expected, &format!("kills with seed {seed}"));
    }
    println!("{} kills -9 in {homes} homes:", count.values().sum::<usize>());
    for (what, count) in &count {
        println!("{count:4} x {what}");
    }
}

/// Makes a run's entry as running take for ever.
const SLOW_RECORD: [&str; 2] = [
    "CREATE VIEW ages AS
     WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000000000) SELECT max(n) FROM number",
    "CREATE TRIGGER wait BEFORE UPDATE OF state ON runs WHEN new.state = 'running' BEGIN SELECT * FROM ages; END",
];

#[test]
fn a_worker_whose_orchestrator_is_killed_before_it_has_recorded_it_begins_nothing() {
    let (calm, desk) = (Desk::with(MINI), Desk::with(MINI));
    calm.run(&RUN).fine();
    desk.run(&[&RUN[..], &["--step-limit", "1"]].concat()).fails(75, &[]);
    let journals = || std::fs::read_dir(desk.home().join("journals")).unwrap().count();
    let before = journals();
    desk.with_database(async |db| {
        for sql in SLOW_RECORD {
            sqlx::query(sql).execute(&mut *db).await?;
        }
        Ok(())
    });
    let running = desk.start(&RUN);
    wait_until("a worker is started", || running.find_worker().is_some());
    // Time enough to begin, for one that does not wait.
    sleep(Duration::from_secs(1));
    running.signal(libc::SIGKILL);
    running.wait();
    assert_eq!(journals(), before);
    desk.with_database(async |db| sqlx::query("DROP TRIGGER wait").execute(&mut *db).await);
    desk.with_database(async |db| sqlx::query("DROP VIEW ages").execute(&mut *db).await);
    desk.run(&RUN).fine();
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), "a worker that nobody knew of");
}

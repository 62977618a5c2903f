//! Several terminals in one home: the second joins, takes over when the first goes, and is never a second writer.

use crate::support::Desk;
use crate::support::equal::same;
use crate::support::process::wait_until;
use crate::support::sweep::SWEEP;

/// The same program for a second terminal of one home: its output goes elsewhere.
fn second(desk: &Desk, arguments: &[&str]) -> std::process::Child {
    desk.command(arguments)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

fn is_training(desk: &Desk) -> bool {
    desk.home().join("work").exists()
        && !desk
            .ask("SELECT 'x' FROM runs WHERE stage = 'restore' AND state = 'running'")
            .is_empty()
}

#[test]
fn a_second_terminal_joins_and_gets_its_own_answer() {
    let (calm, desk) = (Desk::with(SWEEP), Desk::with(SWEEP));
    calm.run(&["run", "sweep"]).fine();
    let first = desk.start(&["run", "sweep", "--only", "a"]);
    wait_until("it trains", || is_training(&desk));
    let listed = desk.run(&["queue", "ls", "--format", "csv"]).fine();
    assert_eq!(listed.stdout.lines().count(), 2, "{}", listed.stdout);
    let joined = second(&desk, &["run", "sweep"]).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&joined.stderr).into_owned();
    assert!(joined.status.success() && told.contains("joined its queue"), "{told}");
    let first = first.wait().fine();
    assert!(first.stderr.contains("joined by another terminal"), "{}", first.stderr);
    same(&calm, &desk);
    desk.is_tidy();
    // The trainings that both wanted ran once.
    assert_eq!(
        desk.ask("SELECT count(*) || '' FROM runs WHERE stage = 'restore'"),
        ["3"]
    );
    assert_eq!(std::fs::read_dir(desk.home().join("queue")).unwrap().count(), 0);
}

#[test]
fn a_follower_takes_over_from_a_server_that_was_killed() {
    let (calm, desk) = (Desk::with(SWEEP), Desk::with(SWEEP));
    calm.run(&["run", "sweep"]).fine();
    let first = desk.start(&["run", "sweep", "--only", "a"]);
    wait_until("it trains", || is_training(&desk));
    let follower = second(&desk, &["run", "sweep"]);
    wait_until("it has joined", || {
        std::fs::read_dir(desk.home().join("queue")).unwrap().count() == 2
    });
    first.signal(libc::SIGKILL);
    first.wait();
    let done = follower.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    same(&calm, &desk);
    desk.is_tidy();
}

#[test]
fn what_is_left_in_the_queue_is_listed_served_and_taken_out() {
    let desk = Desk::with(SWEEP);
    let told = desk.run(&["run", "sweep", "--only", "a", "--detach"]).fine();
    assert!(told.stderr.contains("queue serve"), "{}", told.stderr);
    desk.run(&["run", "sweep", "--only", "c", "--detach", "--priority", "5"])
        .fine();
    let listed = desk.run(&["queue", "ls", "--format", "json"]).fine().stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["process"], "detached");
    let first = rows[0]["id"].as_str().unwrap();
    desk.run(&["queue", "rm", "nobody"])
        .fails(4, &["no request called 'nobody'"]);
    desk.run(&["queue", "rm", first]).fine();
    desk.run(&["queue", "serve"]).fine();
    assert_eq!(desk.artefacts("evaluate").len(), 1);
    assert_eq!(
        desk.ask("SELECT cases.name FROM runs JOIN cases ON cases.id = case_id WHERE stage = 'restore'"),
        ["c"]
    );
    assert_eq!(
        desk.run(&["queue", "ls", "--format", "csv"])
            .fine()
            .stdout
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_request_that_is_taken_out_ends_its_command_with_everything_kept() {
    let desk = Desk::with(&SWEEP.replace("steps = 60", "steps = 2000"));
    let running = desk.start(&["run", "sweep", "--only", "a"]);
    desk.wait_for_saved_state();
    let listed = desk.run(&["queue", "ls", "--format", "json"]).fine().stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    desk.run(&["queue", "rm", listed[0]["id"].as_str().unwrap()]).fine();
    running
        .wait()
        .fails(130, &["taken out of the queue", "goes on where it stopped"]);
    assert_eq!(desk.states().last().map(String::as_str), Some("restore paused"));
    desk.is_tidy();
}

#[test]
fn the_urgent_come_first() {
    let desk = Desk::with(SWEEP);
    for (case, priority) in [("a", "-1"), ("b", "0"), ("c", "7")] {
        desk.run(&["run", "sweep", "--only", case, "--detach", "--priority", priority])
            .fine();
    }
    desk.run(&["queue", "serve"]).fine();
    let order = "SELECT cases.name FROM runs JOIN cases ON cases.id = case_id WHERE stage = 'restore' ORDER BY runs.id";
    assert_eq!(desk.ask(order), ["c", "b", "a"]);
}

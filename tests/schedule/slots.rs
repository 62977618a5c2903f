//! Several jobs at once, and jobs that several cases need.

use crate::support::Desk;
use crate::support::equal::same;
use crate::support::mini::MINI;
use crate::support::sweep::SWEEP;

#[test]
fn jobs_side_by_side_make_the_same_bytes_as_one_after_another() {
    let (one, three) = (Desk::with(SWEEP), Desk::with(SWEEP));
    one.run(&["run", "sweep"]).fine();
    three.run(&["run", "sweep", "--jobs", "3"]).fine();
    same(&one, &three);
    three.is_tidy();
    let overlaps = |desk: &Desk| {
        desk.ask(
            "SELECT 'x' FROM runs AS a JOIN runs AS b ON a.id < b.id AND a.stage = 'restore' AND b.stage = 'restore'
             WHERE a.started_at < b.ended_at AND b.started_at < a.ended_at",
        )
        .len()
    };
    assert_eq!(overlaps(&one), 0);
    assert!(overlaps(&three) > 0);
}

#[test]
fn what_several_cases_need_is_made_once_and_each_case_finds_its_numbers() {
    let desk = Desk::with(SWEEP);
    let planned = desk.run(&["plan", "sweep", "--format", "csv", "--by", "job"]).fine();
    // Two renderings, two degradations; three trainings, three evaluations.
    assert_eq!(planned.stdout.lines().count(), 1 + 4 + 6, "{}", planned.stdout);
    assert!(
        planned.stderr.contains("3 cases stand on 10 jobs: 10 to do"),
        "{}",
        planned.stderr
    );
    desk.run(&["run", "sweep"]).fine();
    assert_eq!(desk.states().len(), 10);
    let planned = desk.run(&["plan", "sweep", "--format", "csv"]).fine();
    assert_eq!(
        planned.stdout.lines().skip(1).collect::<Vec<_>>(),
        [
            "sweep,a,1,6,6,0,0,0,done",
            "sweep,b,1,6,6,0,0,0,done",
            "sweep,c,1,6,6,0,0,0,done"
        ]
    );
    let numbers = "SELECT cases.name FROM cases JOIN case_artefacts ON case_id = cases.id
                   JOIN evaluations USING (artefact_key) GROUP BY cases.name ORDER BY cases.name";
    assert_eq!(desk.ask(numbers), ["a", "b", "c"]);
    // Again with two seeds: only the second is to be done.
    let again = desk.run(&["run", "sweep", "--seeds", "2"]).fine();
    assert!(
        again.stderr.contains("10 of 20 jobs are done already"),
        "{}",
        again.stderr
    );
    let planned = desk.run(&["plan", "sweep", "--seeds", "3"]).fine().stderr;
    assert!(
        planned.contains("10 to do; about") && planned.contains("on cpu and"),
        "{planned}"
    );
    assert_eq!(desk.states().len(), 20);
}

#[test]
fn only_what_a_missing_result_reads_is_made_again() {
    let desk = Desk::with(SWEEP);
    desk.run(&["run", "sweep", "--only", "a"]).fine();
    for folder in desk.artefacts("degrade") {
        std::fs::remove_dir_all(folder).unwrap();
    }
    let planned = desk.run(&["plan", "sweep", "--only", "a"]).fine();
    assert!(planned.stderr.contains("2 not needed"), "{}", planned.stderr);
    desk.run(&["run", "sweep", "--only", "a"]).fine();
    assert_eq!(desk.states().len(), 6);
    // Another training reads the training pictures; its evaluation the test's.
    desk.run(&["run", "sweep", "--only", "b"]).fine();
    assert_eq!(desk.states().len(), 6 + 4);
}

#[test]
fn a_failed_case_does_not_keep_the_others_from_going_on_if_asked() {
    let desk = Desk::with(SWEEP);
    let set = ["--set", "restore.training.steps=3"];
    let broken = SWEEP.replace("learning_rate = 5e-4", "learning_rate = 1e30");
    desk.write_experiments(&broken);
    desk.run(&[&["run", "sweep"][..], &set].concat())
        .fails(9, &["sweep b", "restore", "hint:"]);
    let failed = "SELECT count(*) || '' FROM runs WHERE state = 'failed'";
    // A NaN is never tried again.
    assert_eq!(desk.ask(failed), ["1"]);
    assert_eq!(
        desk.ask("SELECT cause FROM runs WHERE state = 'failed'"),
        ["not-finite"]
    );
    assert_eq!(desk.artefacts("evaluate").len(), 1, "only a's");
    desk.run(&[&["run", "sweep", "--keep-going"][..], &set].concat())
        .fails(9, &["sweep b"]);
    assert_eq!(desk.artefacts("evaluate").len(), 2, "a's and c's");
    let planned = desk
        .run(&[&["plan", "sweep", "--format", "csv"][..], &set].concat())
        .fine();
    let states: Vec<&str> = planned
        .stdout
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit(',').next())
        .collect();
    assert_eq!(states, ["done", "failed", "done"]);
}

#[test]
fn trainings_on_two_devices_learn_what_they_learn_on_one() {
    let (one, two) = (Desk::with(MINI), Desk::with(MINI));
    one.run(&["run", "mini"]).fine();
    two.run(&["run", "mini", "--device", "cpu+cpu"]).fine();
    assert_eq!(two.ask("SELECT DISTINCT device FROM runs"), ["cpu+cpu"]);
    let losses = |desk: &Desk| -> Vec<f64> {
        let losses = "SELECT printf('%.17g', value) FROM metrics JOIN runs ON runs.id = run_id
                      WHERE stage = 'restore' AND name = 'loss' ORDER BY step";
        desk.ask(losses).iter().map(|loss| loss.parse().unwrap()).collect()
    };
    let (one, two) = (losses(&one), losses(&two));
    assert_eq!(one.len(), 4);
    for (one, two) in one.iter().zip(&two) {
        assert!((one - two).abs() < 1e-3 * one, "{one} {two}");
    }
}

#[test]
fn pieces_and_bf16_are_other_trainings_of_the_same_pictures() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let set = [
        "--set",
        "restore.training.accumulate=2",
        "--set",
        "restore.training.precision=bf16",
    ];
    desk.run(&[&["run", "mini"][..], &set].concat()).fine();
    assert_eq!(desk.artefacts("restore").len(), 2);
    assert_eq!(desk.artefacts("medium").len(), 2, "those of both folds, once");
    let too_many = ["run", "mini", "--set", "restore.training.accumulate=3"];
    desk.run(&too_many).fails(3, &["a batch of 2", "3 pieces"]);
}

#[test]
fn a_gpu_that_is_not_there_is_refused_before_anything_starts() {
    let desk = Desk::with(MINI);
    let run = |device: &str| desk.run(&["run", "mini", "--device", device]);
    run("cuda:4096").fails(4, &["cuda:4096", "hint:"]);
    run("cpu+cuda:0").fails(4, &["'cpu+cuda:0'", "CPU and GPU do not go together"]);
    assert!(!desk.home().join("artefacts").exists());
}

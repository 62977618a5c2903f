//! External commands: what they make is taken, what they break is told, and they end with the run.

use std::fs;

use crate::support::Desk;
use crate::support::mini::files;
use crate::support::process::{is_alive, send, wait_until};
use crate::{PICTURES, hire, lab, listed, run};

/// A command that hands pictures to a script in the desk's folder.
fn script(desk: &Desk, text: &str) {
    fs::write(desk.path("restore.sh"), text).unwrap();
}

const EACH: &str = r#"{ name = "tool", command = "sh restore.sh {input} {output}", time_limit = "1m" }"#;
const WHOLE: &str = r#"{ name = "tool", command = "sh restore.sh {input_dir} {output_dir}", time_limit = "1m" }"#;

fn calls(desk: &Desk) -> usize {
    fs::read_to_string(desk.path("calls")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_command_restores_picture_by_picture_or_a_set_at_a_time() {
    let desk = lab(EACH);
    script(&desk, "echo \"$1\" >> calls; cp \"$1\" \"$2\"");
    run(&desk).fine();
    assert_eq!(calls(&desk), PICTURES);
    let rows = listed(&desk);
    assert_eq!(
        (&rows[0]["made by"], &rows[0]["pictures"]),
        (&"command".into(), &PICTURES.into())
    );
    assert_eq!(rows[0]["source"], "sh restore.sh {input} {output}");
    assert_eq!(rows[0]["state"], "whole");

    // Another time limit is no other result; another script is.
    let states = desk.states();
    hire(&desk, &EACH.replace("1m", "2m"));
    run(&desk).fine();
    assert_eq!(desk.states(), states);
    fs::remove_file(desk.path("calls")).unwrap();
    script(
        &desk,
        "echo \"$1\" >> calls; for picture in \"$1\"/*; do cp \"$picture\" \"$2/$(basename \"$picture\" .png)_out.png\"; done",
    );
    hire(&desk, WHOLE);
    run(&desk).fine();
    assert_eq!(calls(&desk), 2);
    let [one, other] = desk.artefacts("negatives").try_into().unwrap();
    for name in ["psnr.json", "reached.json", "restored/scenes_noise25/train-00002.png"] {
        assert_eq!(
            fs::read(one.join(name)).unwrap(),
            fs::read(other.join(name)).unwrap(),
            "{name}"
        );
    }

    let shown = desk
        .run(&["negatives", "show", "tool", "--format", "json"])
        .fine()
        .stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["each"].as_array().unwrap().len(), PICTURES);
    assert!(shown["files"].as_str().unwrap().starts_with("restore.sh "), "{shown}");
    assert_eq!(
        shown["run_in"].as_str().unwrap(),
        desk.path("").canonicalize().unwrap().display().to_string()
    );
    let recorded = desk
        .ask("SELECT DISTINCT name FROM metrics JOIN runs ON runs.id = run_id WHERE stage = 'negatives' ORDER BY name");
    assert_eq!(recorded.len(), 3, "{recorded:?}");
    desk.is_tidy();
}

#[test]
fn a_shell_is_asked_only_where_it_is_wanted() {
    let desk = lab(r#"{ name = "tool", command = "cat < {input} > {output}", shell = true }"#);
    run(&desk).fine();
    hire(&desk, r#"{ name = "plain", command = "cat < {input} > {output}" }"#);
    // `cat` is handed `<`, a file that is not there.
    run(&desk).fails(10, &["proxy plain", "cat < {input} > {output}"]);
}

#[test]
fn whatever_a_command_does_wrong_is_told_and_leaves_nothing() {
    let desk = lab(EACH);
    desk.plant("small.png", 20, 41);
    for (text, code, says) in [
        (
            "echo first; echo out of memory >&2; exit 3",
            10,
            "failed (exit status: 3)",
        ),
        ("kill -9 $$", 10, "failed (signal: 9"),
        ("exit 0", 5, "wrote no picture"),
        ("mkdir \"$2\"", 5, "made a folder in the place of its picture"),
        ("cp small.png \"$2\"", 5, "wrote a picture of 20x41, not 41x41"),
        ("echo no picture > \"$2\"", 5, "wrote no whole picture"),
        ("head -c 30 \"$1\" > \"$2\"", 5, "wrote no whole picture"),
    ] {
        script(&desk, text);
        run(&desk).fails(
            code,
            &[
                "the command of proxy tool",
                says,
                "scenes_noise25/train-00000",
                "sh restore.sh",
            ],
        );
        assert_eq!(
            desk.states().last().map(String::as_str),
            Some("negatives failed"),
            "{text}"
        );
    }
    script(&desk, "echo first; echo out of memory >&2; exit 3");
    run(&desk).fails(10, &["\n  first\n  out of memory\n", "output.log"]);

    hire(&desk, WHOLE);
    script(
        &desk,
        "for picture in \"$1\"/*1.png; do cp \"$picture\" \"$2\"; done; cp small.png \"$2/train-00002.png\"",
    );
    let says = [
        "1 missing, 1 of another size",
        "train-00002.png is 20x41",
        "missing   scenes_noise25/train-00000",
    ];
    run(&desk).fails(5, &says);
    hire(
        &desk,
        r#"{ name = "tool", command = "no-such-program {input} {output}" }"#,
    );
    run(&desk).fails(10, &["cannot be started (no-such-program: No such file or directory)"]);
    assert!(desk.artefacts("negatives").is_empty());
    desk.is_tidy();
}

#[test]
fn a_command_that_prints_megabytes_does_not_fill_the_log() {
    let desk = lab(EACH);
    script(
        &desk,
        "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo and the end; exit 1",
    );
    run(&desk).fails(10, &["\n  and the end"]);
    let logs = files(&desk.path("home/work"))
        .into_iter()
        .filter(|path| path.ends_with("output.log"));
    let sizes: Vec<u64> = logs.map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!(
        sizes.iter().any(|size| *size > 1 << 19) && sizes.iter().all(|size| *size < 1 << 21),
        "{sizes:?}"
    );
}

#[test]
fn a_command_that_hangs_is_ended_with_its_children() {
    let desk = lab(&EACH.replace("1m", "1s"));
    script(&desk, "sleep 600 & echo $! > child; echo at work; wait");
    run(&desk).fails(10, &["did not end within 1s", "\n  at work", "time_limit"]);
    let child = fs::read_to_string(desk.path("child")).unwrap().trim().parse().unwrap();
    wait_until("the child ends", || !is_alive(child));
}

#[test]
fn ctrl_c_ends_a_command_and_keeps_what_it_made() {
    let desk = lab(EACH);
    script(
        &desk,
        "echo \"$1\" >> calls\nif [ ! -e go ] && [ $(wc -l < calls) -gt 2 ]; then sleep 600 & echo $! > child; wait; fi\ncp \"$1\" \"$2\"",
    );
    let running = desk.start(&["run", "lab"]);
    wait_until("the third call hangs", || {
        fs::read_to_string(desk.path("child")).is_ok_and(|text| text.ends_with('\n'))
    });
    running.signal(libc::SIGINT);
    running.wait().fails(130, &["stopped as asked"]);
    let child = fs::read_to_string(desk.path("child")).unwrap().trim().parse().unwrap();
    wait_until("the child ends", || !is_alive(child));
    assert_eq!(desk.states().last().map(String::as_str), Some("negatives paused"));
    desk.is_tidy();
    fs::write(desk.path("go"), "").unwrap();
    run(&desk).fine();
    // Two were done; the third was begun anew.
    assert_eq!(calls(&desk), PICTURES + 1);
    desk.is_tidy();
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_is_killed_takes_its_command_along() {
    let desk = lab(EACH);
    script(&desk, "echo $$ > child; exec sleep 600");
    let running = desk.start(&["run", "lab", "--retries", "0"]);
    wait_until("the command works", || {
        fs::read_to_string(desk.path("child")).is_ok_and(|text| text.ends_with('\n'))
    });
    send(running.worker(), libc::SIGKILL);
    running.wait().fails(10, &["killed (signal 9)"]);
    let child = fs::read_to_string(desk.path("child")).unwrap().trim().parse().unwrap();
    wait_until("the command ends", || !is_alive(child));
}

#[test]
fn a_command_serves_at_the_tiny_scale() {
    let desk = lab(EACH);
    let text = fs::read_to_string(desk.path("experiments.toml")).unwrap();
    desk.write_experiments(
        &text
            .replace("size = 41", "size = 48")
            .replace("scale = \"tiny\"", "scale = \"paper\""),
    );
    script(&desk, "cp \"$1\" \"$2\"");
    let short = ["--set", "restore.training.steps=2", "--set", "restore.training.batch=2"];
    desk.run(&[&["run", "lab", "--scale", "tiny"][..], &short].concat())
        .fine();
    assert_eq!(desk.states().last().map(String::as_str), Some("evaluate done"));
    assert_eq!(listed(&desk)[0]["pictures"], PICTURES);
}

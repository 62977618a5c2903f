//! The tables and views of what was asked for, what was done, and what came of it.

use super::Table;

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "experiments",
        meaning: "an experiment that was asked for",
        like: &[],
        columns: &[
            ("name", "its name in experiments.toml"),
            ("toml", "its entry of experiments.toml as it stood when it was last run"),
            ("first_seen", "when it was first asked for"),
        ],
    },
    Table {
        name: "cases",
        meaning: "one point of an experiment's grid and one repetition of it; other settings under the same name are another case",
        like: &[],
        columns: &[
            ("experiment_id", "the experiment (experiments.id)"),
            ("name", "its name in the grid; base where there is no grid"),
            (
                "seed",
                "of everything drawn; repetitions have seeds that follow each other",
            ),
            ("scale", "tiny, small or paper"),
            ("settings", "all settings as JSON, keys in alphabetical order"),
            (
                "seen_at",
                "when it was last asked for: of equal names the latest is meant today",
            ),
        ],
    },
    Table {
        name: "settings",
        meaning: "one setting of a case",
        like: &[],
        columns: &[("key", "dotted, such as restore.loss.clip_aware"), ("value", "as text")],
    },
    Table {
        name: "artefacts",
        meaning: "what a stage left: whole, on disk, reusable",
        like: &[],
        columns: &[
            ("key", "the hash of everything that it depends on"),
            ("stage", "the stage that made it, such as restore"),
            ("label", "what listings call its job, such as CBSD68 noise25"),
            ("path", "relative to the home's folder artefacts"),
            ("created_at", "when it was whole"),
            ("bytes", "its size on disk"),
            ("settings", "the job that made it, as JSON"),
        ],
    },
    Table {
        name: "case_artefacts",
        meaning: "a case and an artefact that it stands on, whoever's run made it",
        like: &[],
        columns: &[(
            "artefact_key",
            "the artefact (artefacts.key), which may not be made yet",
        )],
    },
    Table {
        name: "runs",
        meaning: "one attempt at one job",
        like: &[],
        columns: &[
            ("id", "UUID version 7: sorting by id sorts by birth"),
            (
                "case_id",
                "the case (cases.id) that asked first; NULL for a run of no experiment",
            ),
            ("stage", "the job's stage, such as restore"),
            ("label", "what listings call the job, such as CBSD68 noise25"),
            (
                "artefact_key",
                "the artefact (artefacts.key) that it makes, which is there once it is whole",
            ),
            ("state", "queued, running, paused, done, failed, cancelled or lost"),
            ("seed", "the seed of its case"),
            ("device", "where it computed, such as cpu or cuda:0"),
            ("command", "the command line that began it"),
            ("version", "the program's version"),
            (
                "code_commit",
                "the commit that the program was built from; NULL outside a repository",
            ),
            ("dirty", "1: the working tree differed from the commit"),
            ("machine", "the machine's name"),
            ("pid", "the worker's process id; NULL: it had none yet"),
            ("heartbeat", "when it was last seen alive"),
            ("queued_at", "when it was asked for"),
            ("started_at", "when its worker began; NULL: it did not yet"),
            ("ended_at", "when it ended; NULL: it did not yet"),
            (
                "exit_code",
                "its worker's exit code; NULL where a signal ended it, or nothing did yet",
            ),
            ("reason", "why it ended as it did, in a sentence"),
            (
                "process",
                "boot and start of the worker's process: a process id alone may be used again",
            ),
            (
                "attempt",
                "1, 2, ... within one command: what failed in a way that may pass is tried again",
            ),
            ("peak_bytes", "the most memory that the worker held at once"),
            (
                "cause",
                "why it ended, in one word: exit, signal, out-of-memory, hung, not-finite, diverged, pruned",
            ),
        ],
    },
    Table {
        name: "journals",
        meaning: "how far the journal of a run has been read into this record",
        like: &[],
        columns: &[
            ("imported_seq", "the number of the last line that was read"),
            ("byte_offset", "where the next line begins"),
        ],
    },
    Table {
        name: "evaluations",
        meaning: "one number of one picture of one tier",
        like: &[],
        columns: &[
            ("artefact_key", "the evaluation (artefacts.key) that holds it"),
            ("test", "the test set, such as CBSD68 noise25"),
            ("degradation", "the set's kind of degradation, such as noise25"),
            ("picture", "the picture's name"),
            ("tier", "degraded, medium or restored"),
            ("metric", "metric and protocol, such as psnr_rgb"),
            ("value", "in dB for PSNR"),
            (
                "run_id",
                "the run (runs.id) that measured it; NULL where it was removed",
            ),
        ],
    },
    Table {
        name: "events",
        meaning: "a line of a run's journal that is no number",
        like: &[],
        columns: &[
            ("seq", "the line's number in the journal"),
            ("at", "when it was written"),
            ("kind", "started, saved, note, ... in a word"),
            ("text", "what it says"),
        ],
    },
    Table {
        name: "series",
        meaning: "one metric of one run; its values are in points",
        like: &[],
        columns: &[("name", "the metric, such as loss")],
    },
    Table {
        name: "points",
        meaning: "one value of a series; the view metrics is easier to ask",
        like: &[],
        columns: &[
            ("series_id", "the series (series.id)"),
            (
                "step",
                "the step of the training, from 0; elsewhere the place in the job",
            ),
            ("value", "the metric's value at that step"),
        ],
    },
    Table {
        name: "tags",
        meaning: "a tag that somebody gave a run",
        like: &[],
        columns: &[("tag", "one word")],
    },
    Table {
        name: "notes",
        meaning: "what somebody wrote of a run",
        like: &[],
        columns: &[("text", "the note"), ("written_at", "when it was written")],
    },
    Table {
        name: "codes",
        meaning: "one state of the code that programs were built from",
        like: &[],
        columns: &[
            ("hash", "blake3 of everything that follows"),
            ("version", "the program's version"),
            ("code_commit", "NULL where the program was built outside a repository"),
            ("dirty", "1: the working tree differed from the commit"),
            (
                "diff",
                "what the working tree had that the commit has not, as a patch; empty for a clean one",
            ),
            ("sources", "a fingerprint of the source files, equal for equal sources"),
            (
                "lock",
                "blake3 of Cargo.lock: the versions of everything that the program stands on",
            ),
            ("rustc", "the compiler"),
            ("target", "what it compiled for"),
            ("profile", "profile, optimisation and flags of the compiler"),
            ("features", "the features that were switched on"),
        ],
    },
    Table {
        name: "run_code",
        meaning: "what a run was made by, beside what runs says",
        like: &[],
        columns: &[
            ("code", "the state of the code (codes.hash)"),
            ("os", "the operating system"),
            ("cpu", "the processor"),
            ("cores", "logical ones"),
            ("memory", "the machine's, in bytes"),
            ("threads", "that it computed with"),
            ("folder", "the folder that the command was given in"),
            ("environment", "the variables that may matter, as a JSON object"),
        ],
    },
    Table {
        name: "named_runs",
        meaning: "runs with the names of their experiments and cases",
        like: &["runs"],
        columns: &[
            ("experiment", "the experiment's name; NULL for a run of none"),
            ("case_name", "the case's name; NULL for a run of none"),
        ],
    },
    Table {
        name: "labelled_runs",
        meaning: "runs with names, tags and note",
        like: &["named_runs"],
        columns: &[
            ("tags", "its tags, one space between; NULL: none"),
            ("note", "its note; NULL: none"),
        ],
    },
    Table {
        name: "metrics",
        meaning: "every value of every metric of every run",
        like: &["series", "points"],
        columns: &[],
    },
    Table {
        name: "final_metrics",
        meaning: "the last value of each metric of each run",
        like: &["metrics"],
        columns: &[("step", "the last step at which it was measured")],
    },
    Table {
        name: "case_means",
        meaning: "what each case reached: means over the pictures of each test set",
        like: &["named_runs", "cases", "evaluations"],
        columns: &[
            ("experiment", "the experiment's name"),
            ("case_name", "the case's name"),
            ("mean", "of the metric over the pictures"),
            ("pictures", "how many"),
        ],
    },
    Table {
        name: "curves",
        meaning: "the course of every metric of an artefact; of attempts that measured a step anew the newest counts",
        like: &["metrics"],
        columns: &[("run_id", "the newest run (runs.id) that measured this step")],
    },
];

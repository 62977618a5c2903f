-- What people say of runs (tags, notes), and what made them: the code, the machine, the call.

CREATE TABLE tags (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    tag    TEXT NOT NULL,
    PRIMARY KEY (run_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_tag ON tags (tag);

CREATE TABLE notes (
    run_id     TEXT    PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    text       TEXT    NOT NULL,
    written_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One state of the code that programs were built from. With a rowid, since a diff may be long.
CREATE TABLE codes (
    -- blake3 of everything that follows.
    hash        TEXT    PRIMARY KEY,
    version     TEXT    NOT NULL,
    -- NULL where the program was built outside a repository.
    code_commit TEXT,
    dirty       INTEGER NOT NULL CHECK (dirty IN (0, 1)),
    -- What the working tree had that the commit has not, as a patch; empty for a clean one.
    diff        TEXT    NOT NULL,
    -- A fingerprint of the source files; equal sources have equal ones, with or without a repository.
    sources     TEXT    NOT NULL,
    -- blake3 of Cargo.lock: the versions of everything that the program stands on.
    lock        TEXT    NOT NULL,
    rustc       TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    -- Profile, optimisation and flags of the compiler.
    profile     TEXT    NOT NULL,
    features    TEXT    NOT NULL
) STRICT;

-- What a run was made by, beside what `runs` says.
CREATE TABLE run_code (
    run_id      TEXT    PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    code        TEXT    NOT NULL REFERENCES codes (hash),
    os          TEXT    NOT NULL,
    cpu         TEXT    NOT NULL,
    -- Logical ones.
    cores       INTEGER NOT NULL,
    -- Bytes.
    memory      INTEGER NOT NULL,
    threads     INTEGER NOT NULL,
    -- The folder that the command was given in.
    folder      TEXT    NOT NULL,
    -- The variables that may matter, as a JSON object.
    environment TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX run_code_code ON run_code (code);

-- For questions by `runs query`.

-- Runs with names, tags (one space between) and note.
CREATE VIEW labelled_runs AS
SELECT named_runs.*,
       (SELECT group_concat(tag, ' ') FROM tags WHERE run_id = named_runs.id) AS tags,
       (SELECT text FROM notes WHERE run_id = named_runs.id) AS note
FROM named_runs;

-- The last value of each metric of each run.
CREATE VIEW final_metrics AS
SELECT run_id, name, max(step) AS step, value FROM metrics GROUP BY run_id, name;

-- What each case reached: means over the pictures of each test set.
CREATE VIEW case_means AS
SELECT experiments.name AS experiment, cases.name AS case_name, cases.seed, cases.scale, cases.id AS case_id,
       test, degradation, tier, metric, avg(value) AS mean, count(*) AS pictures
FROM cases
JOIN experiments ON experiments.id = cases.experiment_id
JOIN case_artefacts ON case_artefacts.case_id = cases.id
JOIN evaluations USING (artefact_key)
GROUP BY cases.id, test, degradation, tier, metric;

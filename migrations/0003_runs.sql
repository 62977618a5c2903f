-- What was done: runs, and what their journals told.

CREATE TABLE runs (
    -- UUID version 7: sorting by id sorts by birth.
    id           TEXT    PRIMARY KEY,
    -- NULL for a run that belongs to no experiment.
    case_id      INTEGER REFERENCES cases (id) ON DELETE SET NULL,
    stage        TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    -- The artefact that this run makes; there is a row in `artefacts` once it is whole.
    artefact_key TEXT    NOT NULL,
    state        TEXT    NOT NULL
                 CHECK (state IN ('queued', 'running', 'paused', 'done', 'failed', 'cancelled', 'lost')),
    seed         INTEGER NOT NULL,
    device       TEXT    NOT NULL,
    command      TEXT    NOT NULL,
    -- The code: version, commit (NULL outside a repository), and whether the working tree differed from it.
    version      TEXT    NOT NULL,
    code_commit  TEXT,
    dirty        INTEGER NOT NULL CHECK (dirty IN (0, 1)),
    machine      TEXT    NOT NULL,
    pid          INTEGER,
    heartbeat    INTEGER,
    queued_at    INTEGER NOT NULL,
    started_at   INTEGER,
    ended_at     INTEGER,
    exit_code    INTEGER,
    reason       TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_state ON runs (state);
CREATE INDEX runs_case ON runs (case_id);
CREATE INDEX runs_artefact ON runs (artefact_key);

-- How far each journal has been read. `seq` makes importing idempotent; `offset` makes it cheap.
CREATE TABLE journals (
    run_id       TEXT    PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    imported_seq INTEGER NOT NULL,
    byte_offset  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE metrics (
    run_id TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name   TEXT    NOT NULL,
    step   INTEGER NOT NULL,
    value  REAL    NOT NULL,
    PRIMARY KEY (run_id, name, step)
) STRICT, WITHOUT ROWID;

-- One number of one picture. It belongs to the artefact that holds it; `run_id` tells who measured it.
CREATE TABLE evaluations (
    artefact_key TEXT NOT NULL,
    test         TEXT NOT NULL,
    degradation  TEXT NOT NULL,
    picture      TEXT NOT NULL,
    tier         TEXT NOT NULL,
    -- Metric and protocol (psnr_rgb): numbers of different protocols never share a name.
    metric       TEXT NOT NULL,
    value        REAL NOT NULL,
    run_id       TEXT REFERENCES runs (id) ON DELETE SET NULL,
    PRIMARY KEY (artefact_key, test, degradation, picture, tier, metric)
) STRICT, WITHOUT ROWID;
CREATE INDEX evaluations_run ON evaluations (run_id);

CREATE TABLE events (
    run_id TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- Runs with the names that people know them by.
CREATE VIEW named_runs AS
SELECT runs.*, experiments.name AS experiment, cases.name AS case_name
FROM runs
LEFT JOIN cases ON cases.id = runs.case_id
LEFT JOIN experiments ON experiments.id = cases.experiment_id;

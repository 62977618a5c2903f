-- What was asked for (experiments, cases, settings) and what is there already (artefacts).

CREATE TABLE experiments (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    -- The entry of experiments.toml as it stood when it was last run.
    toml       TEXT    NOT NULL,
    first_seen INTEGER NOT NULL
) STRICT;

-- One point of an experiment's grid and one repetition of it. Other settings under the same name are another case, so
-- that an edited experiment never takes over the numbers of the old one; `seen_at` tells which of them is meant today.
CREATE TABLE cases (
    id            INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name          TEXT    NOT NULL,
    seed          INTEGER NOT NULL,
    scale         TEXT    NOT NULL,
    -- All settings as canonical JSON.
    settings      TEXT    NOT NULL,
    seen_at       INTEGER NOT NULL,
    UNIQUE (experiment_id, name, seed, scale, settings)
) STRICT;

-- The same settings one by one (`restore.lambda2` = `0.1`), for queries.
CREATE TABLE settings (
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    key     TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    PRIMARY KEY (case_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX settings_key ON settings (key, value);

-- What a stage left, under the hash of everything that it depends on. A row here means: whole, on disk, reusable.
CREATE TABLE artefacts (
    key        TEXT    PRIMARY KEY,
    stage      TEXT    NOT NULL,
    label      TEXT    NOT NULL,
    -- Relative to the home's artefacts folder, so that the home can move.
    path       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    settings   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX artefacts_stage ON artefacts (stage, label);

-- Which case stands on which artefact, whoever's run made it: a case finds its numbers through this table.
CREATE TABLE case_artefacts (
    case_id      INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    artefact_key TEXT    NOT NULL,
    PRIMARY KEY (case_id, artefact_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_artefacts_key ON case_artefacts (artefact_key);

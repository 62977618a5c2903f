-- What pictures there are on this machine, as `perceive-ir data add` found them.
-- Times are milliseconds since the Unix epoch, UTC, in every table. Paths of pictures are absolute.

CREATE TABLE datasets (
    id       INTEGER PRIMARY KEY,
    -- The catalogue's name (Rain100L), or the name that the user gave.
    name     TEXT    NOT NULL UNIQUE,
    -- Where it was found, and in which of the known layouts.
    root     TEXT    NOT NULL,
    layout   TEXT    NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE splits (
    id         INTEGER PRIMARY KEY,
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    -- How many pairs the dataset's paper states; NULL for pictures of one's own.
    official   INTEGER,
    UNIQUE (dataset_id, name)
) STRICT;

-- One row a file. What a scan need not read twice: the file is unchanged while size and mtime_ns are.
CREATE TABLE pictures (
    id         INTEGER PRIMARY KEY,
    path       TEXT    NOT NULL UNIQUE,
    size       INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    -- Of the file's bytes, in hex; NULL until something had to read them all.
    blake3     TEXT,
    role       TEXT    NOT NULL CHECK (role IN ('clean', 'degraded')),
    -- The last `data verify`: when, and what was wrong (NULL: nothing).
    checked_at INTEGER,
    fault      TEXT
) STRICT;
CREATE INDEX pictures_blake3 ON pictures (blake3);

-- A degraded picture and its clean partner. The degraded side is NULL where the program makes it; the clean side is NULL
-- for test sets that have none (C60).
CREATE TABLE pairs (
    id          INTEGER PRIMARY KEY,
    split_id    INTEGER NOT NULL REFERENCES splits (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    clean_id    INTEGER REFERENCES pictures (id),
    degraded_id INTEGER REFERENCES pictures (id),
    UNIQUE (split_id, name),
    CHECK (clean_id IS NOT NULL OR degraded_id IS NOT NULL)
) STRICT;
CREATE INDEX pairs_clean ON pairs (clean_id);
CREATE INDEX pairs_degraded ON pairs (degraded_id);

-- What the last scan of a dataset could not use, one row a file: widows, duplicates, unreadable and odd-sized pictures.
CREATE TABLE problems (
    id         INTEGER PRIMARY KEY,
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    text       TEXT    NOT NULL
) STRICT;
CREATE INDEX problems_dataset ON problems (dataset_id, kind);

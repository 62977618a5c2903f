-- What pictures there are on this machine, as `perceive-ir data add` found them.
-- Times are milliseconds since the Unix epoch, UTC, in every table; only a file's own time is in nanoseconds, as it is
-- compared and never read. Paths of pictures are absolute.

CREATE TABLE datasets (
    id       INTEGER PRIMARY KEY,
    -- The catalogue's name (rain100l), or the name that the user gave.
    name     TEXT    NOT NULL UNIQUE,
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

-- One split in one layout at one place. The same pictures may lie in several places: where two have a pair of the same
-- name, the more complete place's is used.
CREATE TABLE sources (
    id         INTEGER PRIMARY KEY,
    split_id   INTEGER NOT NULL REFERENCES splits (id) ON DELETE CASCADE,
    layout     TEXT    NOT NULL,
    root       TEXT    NOT NULL,
    -- What is held against the official count: pairs, or pictures where the dataset has no references.
    found      INTEGER NOT NULL,
    scanned_at INTEGER NOT NULL,
    UNIQUE (split_id, layout, root)
) STRICT;

-- One row a file. What a scan need not read twice: the file is unchanged while size and mtime_ns are.
CREATE TABLE pictures (
    id         INTEGER PRIMARY KEY,
    path       TEXT    NOT NULL UNIQUE,
    size       INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    -- Pixels, the EXIF orientation applied.
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    -- Of the file's bytes, in hex; NULL until something had to read them all.
    blake3     TEXT,
    -- The last `data verify`: when, and what was wrong (NULL: nothing).
    checked_at INTEGER,
    fault      TEXT
) STRICT;
CREATE INDEX pictures_blake3 ON pictures (blake3);

-- The pictures of a source, widows included.
CREATE TABLE members (
    source_id  INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    picture_id INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    role       TEXT    NOT NULL CHECK (role IN ('clean', 'degraded')),
    PRIMARY KEY (source_id, picture_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_picture ON members (picture_id);

-- A clean picture and its degraded partner; NULL where the degraded side is made by the program.
CREATE TABLE pairs (
    source_id   INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    clean_id    INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    degraded_id INTEGER REFERENCES pictures (id) ON DELETE CASCADE,
    -- Pixels to cut from each side of the clean picture so that it fits the degraded one (SOTS-Indoor: 10).
    border      INTEGER NOT NULL,
    PRIMARY KEY (source_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX pairs_clean ON pairs (clean_id);
CREATE INDEX pairs_degraded ON pairs (degraded_id);

-- What the last scan of a source could not use, or found wrong: widows, duplicates, unreadable and odd-sized pictures.
CREATE TABLE problems (
    id        INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    kind      TEXT    NOT NULL,
    text      TEXT    NOT NULL
) STRICT;
CREATE INDEX problems_source ON problems (source_id, kind);

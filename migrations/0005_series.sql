-- Metrics in a third of the space: a run's metric is named once, and its points carry two numbers beside the value.
-- `metrics` stays as people query it.

-- One metric of one run.
CREATE TABLE series (
    id     INTEGER PRIMARY KEY,
    run_id TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name   TEXT    NOT NULL,
    UNIQUE (run_id, name)
) STRICT;

CREATE TABLE points (
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    step      INTEGER NOT NULL,
    value     REAL    NOT NULL,
    PRIMARY KEY (series_id, step)
) STRICT, WITHOUT ROWID;

INSERT INTO series (run_id, name) SELECT DISTINCT run_id, name FROM metrics ORDER BY run_id, name;
INSERT INTO points (series_id, step, value)
SELECT series.id, step, value FROM metrics JOIN series USING (run_id, name) ORDER BY series.id, step;
DROP TABLE metrics;

CREATE VIEW metrics AS
SELECT run_id, name, step, value FROM series JOIN points ON points.series_id = series.id;

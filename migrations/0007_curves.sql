-- The course of every metric of an artefact, whichever attempts measured it: an attempt that goes on from a checkpoint measures
-- some steps anew, with the same numbers; the newest attempt's count.
CREATE VIEW curves AS
SELECT runs.artefact_key, metrics.name, metrics.step, metrics.value, max(runs.id) AS run_id
FROM metrics
JOIN runs ON runs.id = metrics.run_id
GROUP BY runs.artefact_key, metrics.name, metrics.step;

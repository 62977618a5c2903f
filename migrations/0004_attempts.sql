-- What the scheduler knows of an attempt beside its state.

-- Boot and start of the worker's process: a process number alone may be used again.
ALTER TABLE runs ADD COLUMN process TEXT;
-- 1, 2, ... within one command: what failed in a way that may pass is tried again.
ALTER TABLE runs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
-- The most memory that the worker held at once.
ALTER TABLE runs ADD COLUMN peak_bytes INTEGER;
-- Why it ended, in one word that programs can read: exit, signal, out-of-memory, hung, not-finite, diverged, pruned.
ALTER TABLE runs ADD COLUMN cause TEXT;

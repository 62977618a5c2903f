//! What people say of runs: tags to find them by, and a note each.

use std::collections::BTreeMap;

use super::{Database, DatabaseError, now};

/// Tags and notes of many runs at once, by run.
#[derive(Debug, Default)]
pub struct Labels {
    tags: BTreeMap<String, Vec<String>>,
    notes: BTreeMap<String, String>,
}

impl Labels {
    /// The tags of a run, in alphabetical order.
    pub fn tags(&self, run: &str) -> &[String] {
        self.tags.get(run).map_or(&[], Vec::as_slice)
    }

    pub fn note(&self, run: &str) -> Option<&str> {
        self.notes.get(run).map(String::as_str)
    }
}

impl Database {
    /// Gives every run all of `tags`.
    pub fn tag(&self, runs: &[&str], tags: &[String]) -> Result<(), DatabaseError> {
        self.each_pair(
            "INSERT INTO tags (run_id, tag) VALUES (?, ?) ON CONFLICT DO NOTHING",
            runs,
            tags,
        )
    }

    /// Takes `tags` away from every run that has them.
    pub fn untag(&self, runs: &[&str], tags: &[String]) -> Result<(), DatabaseError> {
        self.each_pair("DELETE FROM tags WHERE run_id = ? AND tag = ?", runs, tags)
    }

    fn each_pair(&self, sql: &'static str, runs: &[&str], tags: &[String]) -> Result<(), DatabaseError> {
        self.write(async |db| {
            for run in runs {
                for tag in tags {
                    sqlx::query(sql).bind(*run).bind(tag).execute(&mut *db).await?;
                }
            }
            Ok(())
        })
    }

    /// Writes the note of a run over the one that was there; an empty one takes it away.
    pub fn note(&self, run: &str, text: &str) -> Result<(), DatabaseError> {
        const WRITE: &str = "
            INSERT INTO notes (run_id, text, written_at) VALUES (?, ?, ?)
            ON CONFLICT (run_id) DO UPDATE SET text = excluded.text, written_at = excluded.written_at";
        const FORGET: &str = "DELETE FROM notes WHERE run_id = ?";
        let query = if text.is_empty() {
            sqlx::query(FORGET).bind(run)
        } else {
            sqlx::query(WRITE).bind(run).bind(text).bind(now())
        };
        self.write(async |db| query.execute(db).await.map(drop))
    }

    /// The tags and notes of all runs, in two queries however many runs there are.
    pub fn labels(&self) -> Result<Labels, DatabaseError> {
        const TAGS: &str = "SELECT run_id, tag FROM tags ORDER BY run_id, tag";
        const NOTES: &str = "SELECT run_id, text FROM notes";
        let tags: Vec<(String, String)> = self.read(async |db| sqlx::query_as(TAGS).fetch_all(db).await)?;
        let notes: Vec<(String, String)> = self.read(async |db| sqlx::query_as(NOTES).fetch_all(db).await)?;
        let mut labels = Labels {
            notes: notes.into_iter().collect(),
            ..Labels::default()
        };
        for (run, tag) in tags {
            labels.tags.entry(run).or_default().push(tag);
        }
        Ok(labels)
    }

    /// All tags that any run has.
    pub fn tag_names(&self) -> Result<Vec<String>, DatabaseError> {
        const SQL: &str = "SELECT DISTINCT tag FROM tags ORDER BY tag";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_all(db).await)
    }
}

#[cfg(test)]
mod tests {
    use crate::database::runs::tests::new_run;
    use crate::database::tests::database;

    #[test]
    fn tags_and_notes_stay_with_their_run_and_go_with_it() {
        let (_folder, database) = database();
        let [a, b] = ["a", "b"].map(|key| database.start_run(&new_run(key)).unwrap());
        let tags = ["paper", "best"].map(String::from);
        database.tag(&[&a, &b], &tags).unwrap();
        database.tag(&[&a], &tags).unwrap();
        database.untag(&[&b], &tags[..1]).unwrap();
        database.note(&a, "first").unwrap();
        database.note(&a, "used in table 7").unwrap();
        let labels = database.labels().unwrap();
        assert_eq!(labels.tags(&a), ["best", "paper"]);
        assert_eq!(labels.tags(&b), ["best"]);
        assert_eq!((labels.note(&a), labels.note(&b)), (Some("used in table 7"), None));
        assert_eq!(database.tag_names().unwrap(), ["best", "paper"]);

        database.note(&a, "").unwrap();
        assert_eq!(database.labels().unwrap().note(&a), None);
        database.forget_run(&a).unwrap();
        assert_eq!(database.tag_names().unwrap(), ["best"]);
    }
}

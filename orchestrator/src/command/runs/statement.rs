//! One SQL statement as text: that it is one, that it reads, and where a word stands in it.

use crate::failure::{Exit, Failure};

/// What a query may begin with.
const READING: [&str; 4] = ["select", "with", "values", "explain"];

/// A word of a statement and where it begins, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub start: usize,
    pub text: &'a str,
}

impl Token<'_> {
    /// Such as `character 15`, or `line 2, character 3` of a longer query; both from 1.
    pub fn position(&self, sql: &str) -> String {
        let before = &sql[..self.start];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        if sql.trim_end().contains('\n') {
            format!("line {line}, character {column}")
        } else {
            format!("character {column}")
        }
    }
}

/// The statement without its closing semicolon.
///
/// # Errors
/// [`Exit::Usage`] for nothing, for several statements, and for one that does more than read.
pub fn single(sql: &str) -> Result<&str, Failure> {
    let tokens = tokens(sql);
    let Some(first) = tokens.first().filter(|token| token.text != ";") else {
        return Err(Failure::new(Exit::Usage, "the query is empty")
            .help("perceive-ir runs query \"SELECT * FROM labelled_runs\""));
    };
    let end = tokens.iter().position(|token| token.text == ";");
    if end.is_some_and(|end| tokens[end..].iter().any(|token| token.text != ";")) {
        return Err(
            Failure::new(Exit::Usage, "a query is one statement; this is more than one")
                .help("ask them one after the other"),
        );
    }
    let word = first.text.to_lowercase();
    if let Some(writing) = writing(&tokens).filter(|_| word == "with") {
        return Err(reads_only(&writing.text.to_uppercase()));
    }
    match word.as_str() {
        reading if READING.contains(&reading) => Ok(end.map_or(sql, |end| &sql[..tokens[end].start])),
        "attach" | "detach" => Err(Failure::new(
            Exit::Usage,
            "no other file can be attached: a query reads this home's record",
        )
        .help("another home's record is read with --home DIR")),
        "pragma" => Err(Failure::new(
            Exit::Usage,
            "PRAGMA is refused: a query reads the record, not the database's state",
        )
        .help("`perceive-ir runs query --schema` prints tables and columns")),
        _ => Err(reads_only(&first.text.to_uppercase())),
    }
}

/// The first word outside of all brackets that makes a statement write.
fn writing<'a>(tokens: &[Token<'a>]) -> Option<Token<'a>> {
    let mut depth = 0;
    tokens.iter().enumerate().find_map(|(at, token)| {
        depth += i32::from(token.text == "(") - i32::from(token.text == ")");
        let next = tokens.get(at + 1).map(|token| token.text.to_lowercase());
        let writes = match token.text.to_lowercase().as_str() {
            "update" | "delete" => true,
            // There is a function of that name.
            "insert" | "replace" => next.is_some_and(|next| next == "into" || next == "or"),
            _ => false,
        };
        (depth == 0 && writes).then_some(*token)
    })
}

/// The refusal of what is no question.
pub fn reads_only(what: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{what} is refused: a query only reads"))
        .help("begin it with SELECT; runs are removed by `perceive-ir runs rm` and `runs gc`")
}

/// The first place of a word, in any case.
pub fn find<'a>(sql: &'a str, word: &str) -> Option<Token<'a>> {
    let bare = |text: &str| text.trim_matches(['"', '`', '[', ']']).to_lowercase();
    tokens(sql).into_iter().find(|token| bare(token.text) == bare(word))
}

/// Words, quoted texts and single signs; comments and blanks are left out.
fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(letter) = sql[start..].chars().next() {
        let rest = &sql[start..];
        let length = if letter.is_whitespace() {
            start += letter.len_utf8();
            continue;
        } else if rest.starts_with("--") {
            start += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*") {
            start += rest.find("*/").map_or(rest.len(), |end| end + 2);
            continue;
        } else if matches!(letter, '\'' | '"' | '`') {
            // A doubled quote begins the next quoted text at once, which changes nothing here.
            rest[1..].find(letter).map_or(rest.len(), |end| end + 2)
        } else if letter == '[' {
            rest.find(']').map_or(rest.len(), |end| end + 1)
        } else if is_of_word(letter) {
            rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len())
        } else {
            letter.len_utf8()
        };
        found.push(Token {
            start,
            text: &rest[..length],
        });
        start += length;
    }
    found
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_statement_is_taken_without_its_semicolon() {
        for sql in [
            "SELECT 1",
            " select 1 ; ",
            "-- why\nSELECT ';' /* ; */ ;;",
            "WITH a AS (SELECT 'a' AS b) SELECT replace(b, 'a', 'c') FROM a",
            "VALUES (1)",
            "EXPLAIN QUERY PLAN SELECT 1;",
        ] {
            let one = single(sql).unwrap();
            assert!(!one.ends_with(';') && sql.starts_with(one), "{sql}");
        }
    }

    #[test]
    fn what_does_more_than_read_is_refused_with_words() {
        for (sql, word) in [
            ("", "empty"),
            (" ; ", "empty"),
            ("-- only a comment", "empty"),
            ("SELECT 1; SELECT 2", "more than one"),
            ("SELECT 1; DROP TABLE runs", "more than one"),
            ("DELETE FROM runs", "DELETE is refused"),
            (
                "WITH a AS (SELECT 1) DELETE FROM runs RETURNING id",
                "DELETE is refused",
            ),
            ("/* SELECT */ update runs set state = 'done'", "UPDATE is refused"),
            ("ATTACH 'other.sqlite' AS other", "attached"),
            ("PRAGMA journal_mode = DELETE", "PRAGMA"),
            ("VACUUM INTO '/tmp/copy'", "VACUUM is refused"),
        ] {
            let refused = single(sql).unwrap_err();
            assert_eq!(refused.exit, Exit::Usage, "{sql}");
            assert!(refused.to_string().contains(word), "{sql}: {refused}");
        }
    }

    #[test]
    fn a_word_is_found_where_it_stands_and_not_in_a_text() {
        let sql = "SELECT 'stat'\nFROM runs WHERE runs.stat = 1";
        let token = find(sql, "STAT").unwrap();
        assert_eq!(&sql[token.start..token.start + 4], "stat");
        assert_eq!(token.position(sql), "line 2, character 22");
        assert_eq!(find("SELECT a", "a").unwrap().position("SELECT a"), "character 8");
        assert_eq!(find(sql, "absent"), None);
    }

    #[test]
    fn odd_texts_end() {
        for sql in ["'", "\"a", "[", "/*", "--", "é", "'it''s' [a b] `c`", "a$1"] {
            tokens(sql);
        }
        assert_eq!(tokens("'it''s' x").last().map(|token| token.text), Some("x"));
    }
}

//! `perceive-ir runs tag RUN TAG…` and `runs untag RUN TAG…`: names to find runs by, and to keep them by (`runs gc` never
//! removes a tagged run).

use crate::database::Database;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::Talk;

/// Letters of a tag.
const LONGEST: usize = 64;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's id, or its beginning.
    run: String,
    /// Words without spaces or commas.
    #[arg(required = true, value_name = "TAG")]
    tags: Vec<String>,
}

pub fn tag(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    args.tags.iter().try_for_each(|tag| check(tag))?;
    drop(Database::open_read_only(home)?);
    let database = Database::open(home)?;
    let run = database.find(&args.run)?;
    database.tag(&[&run.id], &args.tags)?;
    talk.say(format!("{}: {}", run.id, database.labels()?.tags(&run.id).join(" ")));
    Ok(())
}

pub fn untag(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    drop(Database::open_read_only(home)?);
    let database = Database::open(home)?;
    let run = database.find(&args.run)?;
    let labels = database.labels()?;
    let has = labels.tags(&run.id);
    if let Some(absent) = args.tags.iter().find(|tag| !has.contains(tag)) {
        let kind = format!("tag of run {}", run.id);
        return Err(Failure::unknown(&kind, absent, has.iter().map(String::as_str)));
    }
    database.untag(&[&run.id], &args.tags)?;
    let left = database.labels()?.tags(&run.id).join(" ");
    talk.say(format!(
        "{}: {}",
        run.id,
        if left.is_empty() { "no tags" } else { &left }
    ));
    Ok(())
}

fn check(tag: &str) -> Result<(), Failure> {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == ',';
    if !tag.is_empty() && tag.chars().count() <= LONGEST && !tag.contains(odd) {
        return Ok(());
    }
    let text = format!("{tag:?} cannot be a tag: one word of at most {LONGEST} letters, without commas");
    Err(Failure::new(Exit::Usage, text).help("`perceive-ir runs note RUN TEXT` takes whole sentences"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_word() {
        assert!(check("paper-2026").is_ok() && check("σ=25").is_ok());
        for odd in ["", "two words", "a,b", "line\nline", &"x".repeat(LONGEST + 1)] {
            assert_eq!(check(odd).unwrap_err().exit, Exit::Usage, "{odd}");
        }
    }
}

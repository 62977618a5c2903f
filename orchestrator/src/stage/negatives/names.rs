//! Which file is the restored picture of which: tools keep a picture's name, change its ending, and some add a word.

use std::collections::{BTreeMap, HashMap};

/// What a name may be followed by: `_restored`, `-out`, `.clean`.
const SEPARATORS: [char; 3] = ['_', '-', '.'];

/// Several files would do.
#[derive(Debug, PartialEq, Eq)]
pub enum Ambiguous {
    /// Two files of one name and different endings, by their places.
    Twice(usize, usize),
    /// As many names are followed by one word as by the other.
    Suffixes(String, String),
}

/// The place of each picture's file, where it has one. `pictures`: the names that each may go by, equally many, the best
/// first; `files`: names without endings. All pictures go by the same of their names, followed by the same word or by
/// none: by what most files fit.
pub fn find(pictures: &[Vec<String>], files: &[String]) -> Result<Vec<Option<usize>>, Ambiguous> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut twice: HashMap<&str, (usize, usize)> = HashMap::new();
    for (place, file) in files.iter().enumerate() {
        if let Some(other) = places.insert(file, place) {
            twice.insert(file, (other, place));
        }
    }
    // (which of the names, the word behind it) and how many pictures have a file of that name.
    let mut counts: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for names in pictures {
        for (way, name) in names.iter().enumerate() {
            let beginning_so = places
                .range(name.as_str()..)
                .take_while(|(file, _)| file.starts_with(name.as_str()));
            for (file, _) in beginning_so {
                let rest = &file[name.len()..];
                if rest.is_empty() || rest.starts_with(SEPARATORS) {
                    *counts.entry((way, rest)).or_default() += 1;
                }
            }
        }
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let best: Vec<(usize, &str)> = counts
        .into_iter()
        .filter(|(_, count)| *count == most)
        .map(|(way, _)| way)
        .collect();
    let exact = best.iter().find(|(_, word)| word.is_empty());
    let chosen = match (exact, best.as_slice()) {
        (Some(exact), _) => Some(*exact),
        (None, [(way, word), (other_way, other), ..]) if way == other_way => {
            return Err(Ambiguous::Suffixes((*word).into(), (*other).into()));
        }
        (None, best) => best.first().copied(),
    };
    let mut found = Vec::with_capacity(pictures.len());
    for names in pictures {
        let name = chosen.map(|(way, suffix)| format!("{}{suffix}", names[way]));
        if let Some((one, other)) = name.as_ref().and_then(|name| twice.get(name.as_str())) {
            return Err(Ambiguous::Twice(*one, *other));
        }
        found.push(name.and_then(|name| places.get(name.as_str()).copied()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_string()).collect()
    }

    fn found(pictures: &[&[&str]], files: &[&str]) -> Result<Vec<Option<usize>>, Ambiguous> {
        let pictures: Vec<Vec<String>> = pictures.iter().map(|names| strings(names)).collect();
        find(&pictures, &strings(files))
    }

    #[test]
    fn a_name_is_found_whatever_comes_before_it_in_the_alphabet() {
        let pictures: [&[&str]; 3] = [&["1"], &["10"], &["2"]];
        assert_eq!(
            found(&pictures, &["10", "2", "1"]).unwrap(),
            [Some(2), Some(0), Some(1)]
        );
        assert_eq!(found(&pictures, &["10", "2"]).unwrap(), [None, Some(0), Some(1)]);
        assert_eq!(found(&pictures, &[]).unwrap(), [None, None, None]);
    }

    #[test]
    fn a_word_behind_all_names_is_seen_through() {
        let pictures: [&[&str]; 2] = [&["a"], &["a_b"]];
        assert_eq!(
            found(&pictures, &["a_restored", "a_b_restored"]).unwrap(),
            [Some(0), Some(1)]
        );
        // The picture itself goes before what was made beside it.
        assert_eq!(
            found(&pictures, &["a", "a_mask", "a_b", "a_b_mask"]).unwrap(),
            [Some(0), Some(2)]
        );
        let ambiguous = found(&pictures, &["a_out", "a_mask", "a_b_out", "a_b_mask"]).unwrap_err();
        assert_eq!(ambiguous, Ambiguous::Suffixes("_mask".into(), "_out".into()));
    }

    #[test]
    fn the_degraded_pictures_own_name_will_do() {
        let pictures: [&[&str]; 2] = [&["1", "rain-1"], &["2", "rain-2"]];
        assert_eq!(found(&pictures, &["rain-2", "rain-1"]).unwrap(), [Some(1), Some(0)]);
    }

    #[test]
    fn two_files_of_one_name_are_told() {
        assert_eq!(found(&[&["a"]], &["a", "a"]).unwrap_err(), Ambiguous::Twice(0, 1));
        // Nobody asked for the other.
        assert_eq!(found(&[&["a"]], &["a", "b", "b"]).unwrap(), [Some(0)]);
    }
}

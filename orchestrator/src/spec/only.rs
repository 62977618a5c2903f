//! `--only CASE`: which cases of an experiment are meant.

use super::fault::Fault;
use super::grid::Combination;

/// Keeps the cases that any of `patterns` names, in their order; without patterns all of them.
pub fn choose(cases: &mut Vec<Combination>, patterns: &[String], experiment: &str) -> Result<(), Fault> {
    if patterns.is_empty() {
        return Ok(());
    }
    for pattern in patterns {
        if !cases.iter().any(|case| matches(pattern, &case.name)) {
            let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
            let fault = Fault::new(format!("--only {pattern}: experiment {experiment} has no such case"));
            return Err(fault.naming(pattern, names).unknown());
        }
    }
    cases.retain(|case| patterns.iter().any(|pattern| matches(pattern, &case.name)));
    Ok(())
}

/// Whether `name` is of the form `pattern`, in which `*` stands for any number of any letters.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(start) else {
        return false;
    };
    let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    ends.into_iter().any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("b", "b"));
        assert!(!matches("b", "bb"));
        assert!(matches("*", ""));
        assert!(matches("clip_aware=*", "clip_aware=0.05"));
        assert!(matches("*=0.05,*", "clip_aware=0.05,tokens=16"));
        assert!(!matches("*=0.05", "clip_aware=0.05,tokens=16"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a*b*c", "a-c-b"));
    }
}

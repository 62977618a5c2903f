//! What an experiment's numbers still wait for, in lines for people.

use super::read::Unfinished;
use crate::database::progress::Pending;
use crate::database::runs::RunState;

/// A sweep may wait for thousands; so many are named.
const NAMED: usize = 12;

/// One line a case that is not complete; none where all are.
pub fn lines(experiment: &str, unfinished: &[Unfinished]) -> Vec<String> {
    let mut lines: Vec<String> = unfinished.iter().take(NAMED).map(line).collect();
    if unfinished.len() > NAMED {
        lines.push(format!("not complete: {} cases more", unfinished.len() - NAMED));
    }
    if !lines.is_empty() {
        lines.push(format!("`perceive-ir run {experiment}` does what is missing"));
    }
    lines
}

fn line(Unfinished { case, pending }: &Unfinished) -> String {
    let stages: Vec<String> = pending.iter().filter_map(stage).collect();
    if stages.is_empty() {
        format!("not complete: {case}: its evaluation has not begun")
    } else {
        format!("not complete: {case}: {}", stages.join(", "))
    }
}

/// `restore is failed (out of memory)`.
fn stage(pending: &Pending) -> Option<String> {
    let (stage, state) = (pending.stage.as_deref()?, pending.state?);
    let why = match (&pending.reason, state) {
        (Some(reason), RunState::Failed) => format!(" ({reason})"),
        _ => String::new(),
    };
    let label = pending
        .label
        .as_deref()
        .filter(|label| !label.is_empty() && *label != stage);
    let label = label.map(|label| format!(" {label}")).unwrap_or_default();
    Some(format!("{stage}{label} is {}{why}", state.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_a_long_list_is_cut() {
        let pending = Pending {
            case_id: 1,
            run_id: Some("0199".into()),
            stage: Some("medium".into()),
            label: Some("fold A".into()),
            state: Some(RunState::Failed),
            reason: Some("out of memory".into()),
        };
        let case = |number: usize, pending: Vec<Pending>| Unfinished {
            case: format!("case {number}"),
            pending,
        };
        let told = lines("table7", &[case(1, vec![pending]), case(2, Vec::new())]);
        assert_eq!(
            told,
            [
                "not complete: case 1: medium fold A is failed (out of memory)",
                "not complete: case 2: its evaluation has not begun",
                "`perceive-ir run table7` does what is missing",
            ]
        );
        let many: Vec<Unfinished> = (0..100).map(|number| case(number, Vec::new())).collect();
        let told = lines("table7", &many);
        assert_eq!(told.len(), NAMED + 2);
        assert!(told[NAMED].contains("88 cases more"), "{told:?}");
        assert!(lines("table7", &[]).is_empty());
    }
}

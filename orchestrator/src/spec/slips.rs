//! Every misspelt key and wrong type of some settings. Serde stops at the first, so that one is taken out and the rest read
//! again.

use std::sync::Arc;

use super::case::typed;
use super::fault::Fault;
use super::tree::{Entry, Node, Origin, Value};

/// All that keeps these settings from being read, in the order in which reading finds it.
pub fn slips(settings: &Node) -> Vec<Fault> {
    let mut rest = settings.clone();
    let mut slips: Vec<Fault> = Vec::new();
    let mut holes: Vec<Origin> = Vec::new();
    while let Err(fault) = typed(&rest) {
        // What a table misses may be what was taken out of it.
        let is_hole = !fault.is_of_form() && fault.at.is_some_and(|at| holes.contains(&at));
        let hole = fault.at.and_then(|at| take_out(&mut rest, at));
        if !is_hole && !slips.contains(&fault) {
            slips.push(fault);
        }
        match hole {
            Some(hole) => holes.push(hole),
            None => break,
        }
    }
    slips
}

/// Takes out the innermost key or value that was written `at` this place: the place of what held it.
fn take_out(node: &mut Node, at: Origin) -> Option<Origin> {
    let here = node.origin;
    match &mut node.value {
        Value::Table(table) => {
            let table = Arc::make_mut(table);
            if let Some(hole) = table.values_mut().find_map(|entry| take_out(&mut entry.node, at)) {
                return Some(hole);
            }
            let is_it = |entry: &Entry| entry.key == at || entry.node.origin == at;
            let key = table.iter().find(|(_, entry)| is_it(entry))?.0.clone();
            table.remove(&key);
        }
        Value::List(list) => {
            let list = Arc::make_mut(list);
            if let Some(hole) = list.iter_mut().find_map(|item| take_out(item, at)) {
                return Some(hole);
            }
            let place = list.iter().position(|item| item.origin == at)?;
            list.remove(place);
        }
        _ => return None,
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands where the slips of a text point.
    fn blamed(text: &str) -> Vec<&str> {
        let node = Node::parse(text, &|span| Origin::File {
            file: 0,
            start: span.start as u32,
            end: span.end as u32,
        })
        .unwrap();
        let place = |fault: Fault| match fault.at {
            Some(Origin::File { start, end, .. }) => &text[start as usize..end as usize],
            _ => "",
        };
        slips(&node).into_iter().map(place).collect()
    }

    #[test]
    fn every_slip_is_found_however_deep_and_whatever_its_kind() {
        let text = "prompts.tokns = 3\nprompts.pol = 4\nscal = 'tiny'\nseed = 'one'\nrestore.loss.clip_awre = 1";
        assert_eq!(blamed(text), ["pol", "tokns", "clip_awre", "scal", "'one'"]);
        assert_eq!(blamed("seed = 2\nprompts.tokens = 3"), [""; 0]);
    }

    #[test]
    fn a_slip_in_an_entry_of_a_list_hides_no_other_and_makes_no_second() {
        let text = "[[train]]\ndatset = 'a'\nlimt = 2\n[[train]]\ndataset = 'b'\ndegradations = [{ knd = 'noise' }, \
                    { kind = 'haze', bta = 1 }]\n[[test]]\nsplt = 'test'";
        assert_eq!(blamed(text), ["splt", "datset", "limt", "{ knd = 'noise' }", "bta"]);
        let text = "test = [{ dataset = 'a' }, { limit = 2 }]\ntran = []";
        assert_eq!(blamed(text), ["{ limit = 2 }", "tran"]);
    }
}

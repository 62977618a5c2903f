//! Everything that is wrong with a file of experiments at once, where a run stops at the first thing.

use super::case::{of_case, typed, wrong};
use super::expand::expand;
use super::fault::Fault;
use super::{Outside, SpecError, SpecFile};

/// What a look at every case of every experiment found.
#[derive(Debug)]
pub struct Checked {
    /// Experiments that can be run; abstract ones are not counted.
    pub experiments: usize,
    pub cases: usize,
    pub problems: Vec<SpecError>,
}

impl SpecFile {
    /// Resolves every case of every experiment.
    pub fn check(&self) -> Checked {
        let outside = Outside::default();
        let mut problems = Problems::default();
        for fault in self.malformed() {
            problems.add(fault.clone(), fault);
        }
        let mut cases = 0;
        for name in self.names() {
            if let Err(fault) = self.seeds(name, &outside) {
                problems.add(fault.clone(), fault);
            }
            let expanded = expand(self, name, &outside, &mut |case, tree| {
                cases += 1;
                let found = match typed(tree) {
                    Ok(settings) => wrong(&settings, tree),
                    Err(fault) => vec![fault],
                };
                for fault in found {
                    problems.add(fault.clone(), of_case(fault, name, case));
                }
                Ok(())
            });
            if let Err(fault) = expanded {
                problems.add(fault.clone(), fault);
            }
        }
        Checked {
            experiments: self.names().len(),
            cases,
            problems: problems
                .told
                .iter()
                .map(|fault| self.sources(&outside).tell(fault))
                .collect(),
        }
    }
}

/// Each fault once, however many cases have it.
#[derive(Default)]
struct Problems {
    seen: Vec<Fault>,
    told: Vec<Fault>,
}

impl Problems {
    fn add(&mut self, fault: Fault, told: Fault) {
        if !self.seen.contains(&fault) {
            self.seen.push(fault);
            self.told.push(told);
        }
    }
}

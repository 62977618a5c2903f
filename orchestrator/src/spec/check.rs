//! Everything that is wrong with a file of experiments at once, where a run stops at the first thing.

use super::case::{of_case, sound};
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
        let (cases, faults) = self.resolve_all();
        let outside = Outside::default();
        Checked {
            experiments: self.names().len(),
            cases,
            problems: faults.iter().map(|fault| self.sources(&outside).tell(fault)).collect(),
        }
    }

    /// The number of cases, and all that is wrong with them.
    pub(super) fn resolve_all(&self) -> (usize, Vec<Fault>) {
        let outside = Outside::default();
        let mut problems = Problems::default();
        self.malformed().for_each(|fault| problems.add_bare(fault));
        let mut cases = 0;
        for name in self.names() {
            if let Err(fault) = self.seeds(name, &outside) {
                problems.add_bare(fault);
            }
            let expanded = expand(self, name, &outside, &mut |case, tree| {
                cases += 1;
                if let Err(faults) = sound(tree) {
                    problems.add(faults, name, case);
                }
                Ok(())
            });
            if let Err(fault) = expanded {
                problems.add_bare(fault);
            }
        }
        (cases, problems.told)
    }
}

/// Each fault once, however many cases have it.
#[derive(Default)]
pub struct Problems {
    seen: Vec<Fault>,
    pub told: Vec<Fault>,
}

impl Problems {
    /// What is wrong with one case of an experiment.
    pub fn add(&mut self, faults: Vec<Fault>, experiment: &str, case: &str) {
        for fault in faults {
            if !self.seen.contains(&fault) {
                self.seen.push(fault.clone());
                self.told.push(of_case(fault, experiment, case));
            }
        }
    }

    /// What is wrong with no case in particular.
    fn add_bare(&mut self, fault: Fault) {
        if !self.seen.contains(&fault) {
            self.seen.push(fault.clone());
            self.told.push(fault);
        }
    }
}

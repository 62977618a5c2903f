//! The jobs of many cases as one graph: what several cases need appears once.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Node, Weights, pictures::Finder, plan};
use crate::{
    failure::{Exit, Failure},
    spec::{Case, upkeep::Upkeep},
};

/// Cases are planned so many at a time: what they share is dropped before the next ones come.
const AT_ONCE: usize = 256;

/// Jobs in an order in which every input stands before what reads it, and who needs them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub cases: Vec<PlannedCase>,
}

/// One case and the jobs that it stands on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedCase {
    pub experiment: String,
    pub name: String,
    pub seed: u64,
    pub scale: String,
    /// All settings as JSON, keys in alphabetical order.
    pub settings: String,
    pub upkeep: Upkeep,
    /// Positions in [`Graph::nodes`], inputs first.
    pub nodes: Vec<usize>,
}

impl PlannedCase {
    /// `table7 b`, or `quickstart` alone where there is one case; `#2` for the second and later seeds is the caller's.
    pub fn title(&self) -> String {
        if self.name == crate::spec::BASE_CASE {
            self.experiment.clone()
        } else {
            format!("{} {}", self.experiment, self.name)
        }
    }
}

impl Graph {
    /// Plans every case.
    ///
    /// # Errors
    /// All datasets that were not added; then the first case whose pictures, networks or weights are not there.
    pub fn of(cases: &[Case], finder: &mut Finder, weights: &dyn Weights) -> Result<Self, Failure> {
        let mut graph = Self::default();
        let mut places = HashMap::new();
        finder.check(cases.iter().map(|case| &case.settings))?;
        for cases in cases.chunks(AT_ONCE) {
            let pictures = cases
                .iter()
                .map(|case| finder.find(&case.settings))
                .collect::<Result<Vec<_>, _>>()?;
            let planned = cases
                .par_iter()
                .zip(pictures)
                .map(|(case, pictures)| Ok((canonical(case)?, plan(&case.settings, &pictures, weights)?)))
                .collect::<Result<Vec<_>, Failure>>()?;
            for (case, (settings, nodes)) in cases.iter().zip(planned) {
                let nodes = nodes.into_iter().map(|node| graph.place(&mut places, node)).collect();
                graph.cases.push(PlannedCase {
                    experiment: case.experiment.clone(),
                    name: case.name.clone(),
                    seed: case.seed,
                    scale: case.settings.scale.to_string(),
                    settings,
                    upkeep: case.settings.upkeep.clone(),
                    nodes,
                });
            }
        }
        Ok(graph)
    }

    /// A graph of jobs that belong to no case.
    pub fn of_jobs(nodes: Vec<Node>) -> Self {
        Self {
            nodes,
            cases: Vec::new(),
        }
    }

    fn place(&mut self, places: &mut HashMap<String, usize>, node: Node) -> usize {
        if let Some(place) = places.get(&node.key) {
            return *place;
        }
        self.nodes.push(node);
        let place = self.nodes.len() - 1;
        places.insert(self.nodes[place].key.clone(), place);
        place
    }

    /// For every node the positions of its inputs.
    pub fn inputs(&self) -> Vec<Vec<usize>> {
        let places: HashMap<&str, usize> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(place, node)| (node.key.as_str(), place))
            .collect();
        let of = |node: &Node| {
            let keys = node.job.inputs();
            keys.iter()
                .filter_map(|key| places.get(key.as_str()).copied())
                .collect()
        };
        self.nodes.iter().map(of).collect()
    }

    /// Which nodes must run, given which artefacts are whole: what nobody reads, and what a job that must run reads.
    pub fn needed(&self, inputs: &[Vec<usize>], whole: impl Fn(&str) -> bool) -> Vec<bool> {
        let read: HashSet<usize> = inputs.iter().flatten().copied().collect();
        let mut wanted: Vec<bool> = (0..self.nodes.len()).map(|place| !read.contains(&place)).collect();
        let mut needed = vec![false; self.nodes.len()];
        // Inputs stand before what reads them.
        for place in (0..self.nodes.len()).rev() {
            if wanted[place] && !whole(&self.nodes[place].key) {
                needed[place] = true;
                for input in &inputs[place] {
                    wanted[*input] = true;
                }
            }
        }
        needed
    }
}

fn canonical(case: &Case) -> Result<String, Failure> {
    // A `Value`'s maps are sorted.
    let value = serde_json::to_value(&case.settings);
    value
        .map(|value| value.to_string())
        .map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))
}

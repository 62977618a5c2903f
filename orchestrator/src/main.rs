//! `perceive-ir`: datasets, experiments and restoration from the command line.

mod journal;

fn main() {}

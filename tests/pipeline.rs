//! The six stages end to end, at miniature size: of which pictures, what is made, what is reused, what is exactly repeatable.

mod support;

#[path = "pipeline/parts.rs"]
mod parts;
#[path = "pipeline/pictures.rs"]
mod pictures;
#[path = "pipeline/repeat.rs"]
mod repeat;
#[path = "pipeline/stages.rs"]
mod stages;
#[path = "pipeline/start.rs"]
mod start;
#[path = "pipeline/use_of_results.rs"]
mod use_of_results;

//! The scheduler from outside: slots, several terminals, retries, limits, and what is stopped early.

mod support;

#[path = "schedule/limits.rs"]
mod limits;
#[path = "schedule/queue.rs"]
mod queue;
#[path = "schedule/retries.rs"]
mod retries;
#[path = "schedule/slots.rs"]
mod slots;

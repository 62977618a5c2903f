//! How far apart two cores are: how long a number takes that one writes and the other answers.
//!
//! Threads that divide short operations among them wait for that all the time. A virtual machine's cores may be near each
//! other at one time and far apart at another, wherever the host puts them.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

/// Each at an address of its own, for some are nearer than others.
const PLACES: usize = 512;

/// Numbers that are sent to each place; the first do not count, while threads find their cores.
const ROUNDS: u32 = 20;

#[derive(Default)]
#[repr(align(128))]
struct Place(AtomicU32);

/// Seconds from a number's writing to its answer, on average.
pub fn between_cores() -> f64 {
    let places: Vec<Place> = (0..PLACES).map(|_| Place::default()).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                for Place(number) in &places {
                    wait_for(number, 2 * round + 1);
                    number.store(2 * round + 2, Ordering::Release);
                }
            }
        });
        let mut began = Instant::now();
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                began = Instant::now();
            }
            for Place(number) in &places {
                number.store(2 * round + 1, Ordering::Release);
                wait_for(number, 2 * round + 2);
            }
        }
        began.elapsed().as_secs_f64() / f64::from(ROUNDS - ROUNDS / 2) / PLACES as f64
    })
}

fn wait_for(number: &AtomicU32, wanted: u32) {
    let mut looks = 0_u32;
    while number.load(Ordering::Acquire) != wanted {
        spin_loop();
        looks = looks.wrapping_add(1);
        // Both threads may be on one core, which then has to change hands.
        if looks.is_multiple_of(4096) {
            thread::yield_now();
        }
    }
}

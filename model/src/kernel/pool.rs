//! The threads that the kernels compute on, and how they wait for work.
//!
//! A network on a small picture is thousands of short operations a second, some of them too small to divide. A thread that
//! falls asleep meanwhile may take longer to wake than its share of the next one, most of all in a virtual machine. So
//! whoever has nothing to do stays awake for a moment.

use std::{
    cell::Cell,
    hint::spin_loop,
    sync::atomic::{AtomicBool, Ordering},
    thread::yield_now,
    time::{Duration, Instant},
};

/// How long a thread stays awake without work.
const AWAKE: Duration = Duration::from_micros(200);

/// How often a thread that waits pauses before it looks for work again: looking disturbs those who work.
const PAUSES: u32 = 8;

/// Whether all threads were asked to stay awake, and none has fallen asleep since.
static KEPT: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread stays awake already.
    static STAYS: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on one of these threads, where its operations begin at once.
///
/// From any other thread each operation is handed over and waited for. That is little beside an operation on a large
/// picture, and much beside one on a small picture.
pub fn among_workers<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Keeps the other threads awake, if this is one of them: an operation begins.
pub(super) fn keep_awake() {
    let Some(here) = rayon::current_thread_index() else {
        return;
    };
    if rayon::current_num_threads() == 1 || KEPT.load(Ordering::Relaxed) || KEPT.swap(true, Ordering::Relaxed) {
        return;
    }
    rayon::spawn_broadcast(move |thread| {
        // The thread of the operations has enough to do.
        if thread.index() != here && !STAYS.replace(true) {
            work_while_there_is_some();
            STAYS.set(false);
            KEPT.store(false, Ordering::Relaxed);
        }
    });
}

/// Does what there is to do, until there has been nothing for a moment.
fn work_while_there_is_some() {
    let mut worked = Instant::now();
    while worked.elapsed() < AWAKE {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            worked = Instant::now();
        } else {
            (0..PAUSES).for_each(|_| spin_loop());
            // To other processes, and to the threads that load the next batch.
            yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, thread::sleep};

    use rayon::prelude::*;

    use super::*;

    #[test]
    fn work_is_done_once_by_threads_that_stay_awake_and_fall_asleep_without_work() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let stay = || pool.broadcast(|_| STAYS.get()).contains(&true);
        let done = AtomicUsize::new(0);
        let operations = || {
            for _ in 0..100 {
                keep_awake();
                (0..10).into_par_iter().for_each(|_| {
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
        };
        // Another test may keep the threads of its own pool awake meanwhile.
        let rounds = (1..=5000).find(|_| {
            sleep(AWAKE);
            pool.install(operations);
            stay()
        });
        assert_eq!(done.into_inner(), 1000 * rounds.expect("threads stay awake"));
        let asleep = (0..100).any(|_| {
            sleep(100 * AWAKE);
            !stay()
        });
        assert!(asleep);
    }
}

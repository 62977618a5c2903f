//! The threads that the kernels compute on: how they divide an operation, and how they wait for the next.
//!
//! A network on a small picture is thousands of short operations a second. What the threads of a pool need to agree on a
//! division of work, or to wake, is then as much as the work itself, most of all where their cores share no cache. So
//! whoever has nothing to do stays awake for a moment ([`Crew`]), and joins in what the thread of the operations lays open
//! ([`offer`]) with as little talk as possible ([`claims`]). This is made for one such thread in a pool: of several, each may
//! have to wait until another's work is over.

mod claims;
mod offer;
mod share;

use std::{
    cell::{Cell, RefCell},
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread::yield_now,
    time::{Duration, Instant},
};

use claims::Claims;
use offer::Offer;
pub(super) use share::Share;

/// How long a thread stays awake without work.
const AWAKE: Duration = Duration::from_micros(200);

/// How often a thread that waits looks for open work before it looks elsewhere and lets other processes go first.
const LOOKS: u32 = 32;

/// The threads of a pool as one of them sees them, the one that runs operations: those of the others that are awake join in.
struct Crew {
    /// Whether all were asked to stay awake, and none has fallen asleep since.
    called: AtomicBool,
    /// How many are awake.
    awake: AtomicUsize,
    offer: Offer,
    claims: Claims,
}

thread_local! {
    /// Those who help this thread, once it has run an operation.
    static OWN: Cell<Option<&'static Crew>> = const { Cell::new(None) };

    /// The crews that this thread stays awake for.
    static SERVED: RefCell<Vec<&'static Crew>> = const { RefCell::new(Vec::new()) };
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
    let threads = rayon::current_num_threads();
    let Some(here) = rayon::current_thread_index() else {
        return;
    };
    if threads == 1 {
        return;
    }
    let crew = OWN.get().unwrap_or_else(|| {
        // It lives as long as a thread of the pool may look at it: one for each thread that runs operations, for ever.
        let crew: &Crew = Box::leak(Box::new(Crew::new(threads)));
        OWN.set(Some(crew));
        crew
    });
    if crew.called.load(Ordering::Relaxed) || crew.called.swap(true, Ordering::Relaxed) {
        return;
    }
    rayon::spawn_broadcast(move |thread| {
        // The thread of the operations has enough to do.
        if thread.index() != here {
            stay_awake(crew);
        }
    });
}

/// The crew of this thread, if some of it are awake and it is not at work already.
fn ready_crew() -> Option<&'static Crew> {
    OWN.get()
        .filter(|crew| crew.awake.load(Ordering::Relaxed) > 0 && !crew.offer.is_taken())
}

/// Waits until others are awake, for tests that are to take the way on which they join in.
#[cfg(test)]
pub(super) fn wake_all() {
    while rayon::current_num_threads() > 1 && ready_crew().is_none() {
        keep_awake();
    }
}

impl Crew {
    fn new(threads: usize) -> Self {
        Self {
            called: AtomicBool::new(false),
            awake: AtomicUsize::new(0),
            offer: Offer::default(),
            claims: Claims::new(threads),
        }
    }
}

/// Does what there is to do, for this crew and for those that this thread serves already, until there has been nothing for
/// a moment.
fn stay_awake(crew: &'static Crew) {
    let is_first = SERVED.with_borrow_mut(|served| {
        let is_first = served.is_empty();
        if !served.iter().any(|known| std::ptr::eq(*known, crew)) {
            served.push(crew);
            crew.awake.fetch_add(1, Ordering::Relaxed);
        }
        is_first
    });
    // Else this was called by the loop of the first.
    if is_first {
        let mut worked = Instant::now();
        while worked.elapsed() < AWAKE {
            if finds_work() {
                worked = Instant::now();
            } else {
                // To other processes, and to the threads that load the next batch.
                yield_now();
            }
        }
        for crew in SERVED.take() {
            crew.awake.fetch_sub(1, Ordering::Relaxed);
            crew.called.store(false, Ordering::Relaxed);
        }
    }
}

/// Joins in open work of a crew, or takes a job of the pool. Whether there was any.
fn finds_work() -> bool {
    for _ in 0..LOOKS {
        let open = SERVED.with_borrow(|served| served.iter().copied().find(|crew| crew.offer.is_open()));
        if open.is_some_and(|crew| crew.offer.join_in()) {
            return true;
        }
        spin_loop();
    }
    rayon::yield_now() == Some(rayon::Yield::Executed)
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, thread::sleep};

    use super::*;

    #[test]
    fn threads_stay_awake_while_there_is_work_and_fall_asleep_without() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let awake = || {
            pool.broadcast(|_| SERVED.with_borrow(|served| !served.is_empty()))
                .contains(&true)
        };
        let joined = AtomicUsize::new(0);
        let operations = || {
            let here = rayon::current_thread_index();
            for _ in 0..100 {
                wake_all();
                (0..10).share(|_| {
                    if rayon::current_thread_index() != here {
                        joined.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        };
        let stayed = (0..5000).any(|_| {
            pool.install(operations);
            awake() && joined.load(Ordering::Relaxed) > 0
        });
        assert!(stayed);
        let asleep = (0..100).any(|_| {
            sleep(100 * AWAKE);
            !awake()
        });
        assert!(asleep);
    }

    #[test]
    fn several_may_run_operations_in_one_pool() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let done = AtomicUsize::new(0);
        let operations = || {
            for _ in 0..500 {
                keep_awake();
                (0..10).share(|_| _ = done.fetch_add(1, Ordering::Relaxed));
            }
        };
        pool.install(|| rayon::join(operations, operations));
        assert_eq!(done.into_inner(), 10_000);
    }
}

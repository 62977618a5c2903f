//! Work that one thread lays open, and that others may join in.

use std::{
    any::Any,
    hint::spin_loop,
    mem::forget,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    ptr::null_mut,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst},
    },
    thread::yield_now,
};

/// What one who takes part does; he returns when nothing is left to begin.
type Work<'a> = &'a (dyn Fn() + Sync);

/// How often a thread that waits for the others looks before it lets other processes go first.
const LOOKS: u32 = 100;

/// Apart from everything else in memory: what two cores write to in turn they must send to each other. Caches fetch lines in
/// pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Apart<T>(pub T);

/// Where one thread, always the same, opens work: others may join until one of all finds nothing left to begin. Then it is
/// closed, but some may still be at it; it is over when all have left.
#[derive(Default)]
pub(super) struct Offer(Apart<Place>);

struct Place {
    /// Whether there is work that is not over.
    taken: AtomicBool,
    /// Odd while work is open; another number for each.
    round: AtomicUsize,
    /// How many others may be at it.
    joined: AtomicUsize,
    work: AtomicPtr<Work<'static>>,
    /// What ended another's part, if not its end.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            taken: AtomicBool::new(false),
            round: AtomicUsize::new(0),
            joined: AtomicUsize::new(0),
            work: AtomicPtr::new(null_mut()),
            panic: Mutex::new(None),
        }
    }
}

impl Offer {
    /// Whether there is work that is not over: no other can be opened.
    pub fn is_taken(&self) -> bool {
        self.0.0.taken.load(SeqCst)
    }

    /// Whether others may join.
    pub fn is_open(&self) -> bool {
        is_open(self.0.0.round.load(SeqCst))
    }

    /// Does `work`, together with those who join in; it is over when this returns.
    ///
    /// # Panics
    /// As the work does, whoever was at it; or if this is called from within the work.
    pub fn share(&self, work: Work) {
        let place = &self.0.0;
        assert!(!place.taken.swap(true, SeqCst), "one work at a time");
        let round = place.round.load(SeqCst) + 1;
        let work: *const Work = &raw const work;
        place.work.store(work.cast::<Work<'static>>().cast_mut(), SeqCst);
        place.round.store(round, SeqCst);
        // SAFETY: it is the reference of above.
        let own = catch_unwind(AssertUnwindSafe(unsafe { *work }));
        place.close(round);
        place.wait_until_all_have_left();
        let others = place.panic.lock().expect("nobody panics while it is locked").take();
        place.taken.store(false, SeqCst);
        if let Some(panic) = own.err().or(others) {
            resume_unwind(panic);
        }
    }

    /// Takes part in the work that is open, if there is any. Whether there was.
    pub fn join_in(&self) -> bool {
        let place = &self.0.0;
        let round = place.round.load(SeqCst);
        if !is_open(round) {
            return false;
        }
        place.joined.fetch_add(1, SeqCst);
        let is_open = place.round.load(SeqCst) == round;
        if is_open {
            // SAFETY: the work was open after this thread had joined. Who opened it sees it closed, and then waits for all
            // who have joined.
            let work = unsafe { *place.work.load(SeqCst) };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
                place.keep(panic);
            }
            place.close(round);
        }
        place.joined.fetch_sub(1, SeqCst);
        is_open
    }
}

impl Place {
    /// Nothing is left to begin in this work. Else those who wait would join it again and again.
    fn close(&self, round: usize) {
        if self.round.load(SeqCst) == round {
            // Another may have been quicker.
            let _ = self.round.compare_exchange(round, round + 1, SeqCst, SeqCst);
        }
    }

    fn wait_until_all_have_left(&self) {
        loop {
            for _ in 0..LOOKS {
                if self.joined.load(SeqCst) == 0 {
                    return;
                }
                spin_loop();
            }
            yield_now();
        }
    }

    /// The first panic is told; another is not even dropped, for that might panic, too.
    fn keep(&self, panic: Box<dyn Any + Send>) {
        let mut first = self.panic.lock().expect("nobody panics while it is locked");
        match &*first {
            Some(_) => forget(panic),
            None => *first = Some(panic),
        }
    }
}

fn is_open(round: usize) -> bool {
    round % 2 == 1
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Runs `body` while others join in whatever is open.
    fn with_helpers<R>(offer: &Offer, body: impl FnOnce() -> R) -> R {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(SeqCst) {
                        offer.join_in();
                    }
                });
            }
            let result = catch_unwind(AssertUnwindSafe(body));
            over.store(true, SeqCst);
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    #[test]
    fn nobody_is_at_work_that_is_over() {
        let offer = Offer::default();
        let helped = with_helpers(&offer, || {
            let (mut helped, present) = (0, AtomicUsize::new(0));
            for round in 0..20_000 {
                let (left, parts) = (AtomicUsize::new(8), AtomicUsize::new(0));
                offer.share(&|| {
                    present.fetch_add(1, SeqCst);
                    parts.fetch_add(1, SeqCst);
                    while left.try_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
                        // Long enough now and then for the others to come.
                        (0..round % 100).for_each(|_| spin_loop());
                    }
                    (0..round % 50).for_each(|_| spin_loop());
                    present.fetch_sub(1, SeqCst);
                });
                assert_eq!(present.load(SeqCst), 0);
                helped += parts.into_inner() - 1;
            }
            helped
        });
        assert!(helped > 0);
    }

    #[test]
    fn a_panic_of_any_who_takes_part_reaches_the_one_who_opened_the_work() {
        for owner_panics_too in [false, true] {
            let offer = Offer::default();
            let owner = thread::current().id();
            let opened = || {
                let joined = AtomicBool::new(false);
                offer.share(&|| {
                    if thread::current().id() != owner {
                        joined.store(true, SeqCst);
                        panic!("of a helper");
                    }
                    while !joined.load(SeqCst) {
                        yield_now();
                    }
                    assert!(!owner_panics_too, "of the owner");
                });
            };
            let panic = catch_unwind(AssertUnwindSafe(|| with_helpers(&offer, opened))).unwrap_err();
            let expected = if owner_panics_too {
                "of the owner"
            } else {
                "of a helper"
            };
            assert_eq!(panic.downcast_ref(), Some(&expected));
            assert!(!offer.is_taken() && !offer.is_open());
            offer.share(&|| {});
        }
    }
}

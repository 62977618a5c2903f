//! Work that one thread lays open, and that others may join in.

use std::{
    any::Any,
    hint::spin_loop,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    ptr::null_mut,
    sync::{
        Mutex,
        atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst},
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

/// Where one thread, always the same, opens work.
#[derive(Default)]
pub(super) struct Offer(Apart<Place>);

struct Place {
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
            round: AtomicUsize::new(0),
            joined: AtomicUsize::new(0),
            work: AtomicPtr::new(null_mut()),
            panic: Mutex::new(None),
        }
    }
}

impl Offer {
    /// Whether work is open.
    pub fn is_open(&self) -> bool {
        is_open(self.0.0.round.load(SeqCst))
    }

    /// Does `work`, together with those who join in; all of them have left it when this returns.
    ///
    /// # Panics
    /// As the work does, whoever was at it; or if work is open here already.
    pub fn share(&self, work: Work) {
        let place = &self.0.0;
        let round = place.round.load(SeqCst) + 1;
        assert!(is_open(round), "one work at a time");
        place
            .work
            .store((&raw const work).cast::<Work<'static>>().cast_mut(), SeqCst);
        place.round.store(round, SeqCst);
        let opened = Opened { place, round };
        work();
        drop(opened);
        let panic = place.panic.lock().expect("nobody panics while it is locked").take();
        if let Some(panic) = panic {
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
            // SAFETY: the work was open after this thread had joined. Who opened it closes it and waits for all who joined
            // before it goes.
            let work = unsafe { *place.work.load(SeqCst) };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
                *place.panic.lock().expect("nobody panics while it is locked") = Some(panic);
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
}

/// Work that is open in this round until this is dropped, in a panic too.
struct Opened<'a> {
    place: &'a Place,
    round: usize,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.place.close(self.round);
        let mut looks = 0;
        while self.place.joined.load(SeqCst) > 0 {
            looks += 1;
            if looks % LOOKS == 0 {
                yield_now();
            }
            spin_loop();
        }
    }
}

fn is_open(round: usize) -> bool {
    round % 2 == 1
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicBool, thread};

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
    fn nobody_is_at_work_that_has_ended() {
        let offer = Offer::default();
        let helped = with_helpers(&offer, || {
            let mut helped = 0;
            for round in 0..20_000 {
                let (left, parts) = (AtomicUsize::new(8), AtomicUsize::new(0));
                offer.share(&|| {
                    parts.fetch_add(1, SeqCst);
                    while left.try_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
                        // Long enough now and then for the others to come.
                        (0..round % 100).for_each(|_| spin_loop());
                    }
                });
                assert_eq!(left.into_inner(), 0);
                helped += parts.into_inner() - 1;
            }
            helped
        });
        assert!(helped > 0);
    }

    #[test]
    fn a_panic_of_any_who_takes_part_reaches_the_one_who_opened_the_work() {
        let offer = Offer::default();
        let owner = thread::current().id();
        let opened = || {
            // It ends by another's panic, so one has joined.
            let joined = AtomicBool::new(false);
            offer.share(&|| {
                if thread::current().id() == owner {
                    while !joined.load(SeqCst) {
                        yield_now();
                    }
                } else {
                    joined.store(true, SeqCst);
                    panic!("of a helper");
                }
            });
        };
        let of_helper = catch_unwind(AssertUnwindSafe(|| with_helpers(&offer, opened))).unwrap_err();
        assert_eq!(of_helper.downcast_ref(), Some(&"of a helper"));
        let of_owner = catch_unwind(AssertUnwindSafe(|| offer.share(&|| panic!("of the owner")))).unwrap_err();
        assert_eq!(of_owner.downcast_ref(), Some(&"of the owner"));
        assert!(!offer.is_open());
        offer.share(&|| {});
    }
}

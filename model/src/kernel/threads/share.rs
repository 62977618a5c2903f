//! Doing something with every item of an iterator, on all threads.

use std::{cell::UnsafeCell, mem::MaybeUninit};

use rayon::prelude::*;

use super::ready_crew;

/// Like rayon's `for_each` and its kind, for some dozens to thousands of items that are quick to tell and each worth a few
/// microseconds. Which thread does an item is open; results are in the items' order.
pub(in crate::kernel) trait Share: Iterator<Item: Send> + Sized {
    fn share(self, work: impl Fn(Self::Item) + Send + Sync) {
        self.share_with(|| (), |(), item| work(item));
    }

    /// A thread that takes part makes a `scratch` now and then, mostly once, and finds in it what its last item left there.
    fn share_with<S>(self, scratch: impl Fn() -> S + Send + Sync, work: impl Fn(&mut S, Self::Item) + Send + Sync) {
        let items: Vec<Self::Item> = self.collect();
        if items.len() < 2 || rayon::current_num_threads() == 1 {
            let mut scratch = scratch();
            return items.into_iter().for_each(|item| work(&mut scratch, item));
        }
        let Some(crew) = ready_crew() else {
            return items.into_par_iter().for_each_init(scratch, work);
        };
        crew.claims.reset(items.len());
        let items = Given::from(items);
        crew.offer.share(&|| {
            let mut own = None;
            for index in crew.claims.claim() {
                // SAFETY: every index below their number is claimed once, as nobody resets the claims before all have left.
                let item = unsafe { items.take(index) };
                work(own.get_or_insert_with(&scratch), item);
            }
        });
    }

    fn share_map<R: Send>(self, work: impl Fn(Self::Item) -> R + Send + Sync) -> Vec<R> {
        self.share_map_with(|| (), |(), item| work(item))
    }

    fn share_map_with<S, R: Send>(
        self,
        scratch: impl Fn() -> S + Send + Sync,
        work: impl Fn(&mut S, Self::Item) -> R + Send + Sync,
    ) -> Vec<R> {
        let items: Vec<Self::Item> = self.collect();
        let count = items.len();
        let mut results = Vec::with_capacity(count);
        let places = results.spare_capacity_mut()[..count].iter_mut();
        places.zip(items).share_with(scratch, |scratch, (place, item)| {
            place.write(work(scratch, item));
        });
        // SAFETY: every place was written.
        unsafe { results.set_len(count) };
        results
    }
}

impl<I: Iterator<Item: Send>> Share for I {}

/// Items that several threads take, each of them once. What is not taken is never dropped, which happens in a panic only.
struct Given<T>(Vec<UnsafeCell<MaybeUninit<T>>>);

// SAFETY: every item goes to one thread, and the others do not look at it.
unsafe impl<T: Send> Sync for Given<T> {}

impl<T> From<Vec<T>> for Given<T> {
    fn from(items: Vec<T>) -> Self {
        let given = |item| UnsafeCell::new(MaybeUninit::new(item));
        Self(items.into_iter().map(given).collect())
    }
}

impl<T> Given<T> {
    /// # Safety
    /// Nobody takes the item of this index, before or after.
    unsafe fn take(&self, index: usize) -> T {
        // SAFETY: it was there from the beginning, and only this call touches it.
        unsafe { (*self.0[index].get()).assume_init_read() }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicUsize, Ordering},
        thread::yield_now,
    };

    use super::{
        super::{keep_awake, wake_all},
        *,
    };

    /// Runs `body` on a thread of a pool whose other threads are awake.
    fn with_crew<R: Send>(threads: usize, body: impl Fn() -> R + Send + Sync) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            wake_all();
            body()
        })
    }

    /// A moment, in which the others do not fall asleep if this is the thread that shared.
    fn wait_awake(here: Option<usize>) {
        if rayon::current_thread_index() == here {
            keep_awake();
        }
        yield_now();
    }

    #[test]
    fn every_item_is_worked_on_once_and_results_are_in_their_order() {
        for threads in [1, 2, 5] {
            with_crew(threads, || {
                for count in [0, 1, 2, 3, 17, 1000] {
                    let mut numbers = vec![0; count];
                    numbers.iter_mut().enumerate().share(|(index, number)| *number += index);
                    assert!(numbers.iter().enumerate().all(|(index, number)| index == *number));
                    let texts = (0..count).map(|index| index.to_string());
                    let lengths = texts.clone().share_map(|text| text.len());
                    assert_eq!(lengths, texts.map(|text| text.len()).collect::<Vec<_>>());
                }
            });
        }
    }

    #[test]
    fn two_threads_are_at_it_at_once_and_each_makes_a_scratch() {
        let made = with_crew(2, || {
            let (here, made, begun) = (rayon::current_thread_index(), AtomicUsize::new(0), AtomicUsize::new(0));
            let scratch = || made.fetch_add(1, Ordering::Relaxed);
            (0..2).share_with(scratch, |_, _| {
                begun.fetch_add(1, Ordering::Relaxed);
                // Each item waits for the other one to begin.
                while begun.load(Ordering::Relaxed) < 2 {
                    wait_awake(here);
                }
            });
            made.into_inner()
        });
        assert_eq!(made, 2);
    }

    #[test]
    fn what_is_shared_during_the_last_item_of_other_work_is_no_part_of_that() {
        with_crew(2, || {
            let (here, crew) = (rayon::current_thread_index(), ready_crew());
            let inner = AtomicUsize::new(0);
            (0..2).share(|_| {
                // The other thread finds nothing left and closes the work, while this one is still at it.
                while rayon::current_thread_index() == here && crew.is_some_and(|crew| crew.offer.is_open()) {
                    wait_awake(here);
                }
                assert!(rayon::current_thread_index() != here || crew.is_none() || ready_crew().is_none());
                (0..100).share(|_| _ = inner.fetch_add(1, Ordering::Relaxed));
            });
            assert_eq!(inner.into_inner(), 200);
        });
    }

    #[test]
    fn an_item_may_be_shared_itself() {
        let sums = with_crew(3, || {
            (0..20).share_map(|item| (0..50).share_map(|part| item * part).iter().sum::<usize>())
        });
        assert_eq!(sums, (0..20).map(|item| item * 49 * 25).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_is_raised_in_the_end_and_leaves_the_threads_well() {
        with_crew(3, || {
            for bad in 0..40 {
                let work = |item| {
                    assert_ne!(item, bad, "a bad item");
                };
                assert!(catch_unwind(AssertUnwindSafe(|| (0..40).share(work))).is_err());
            }
            assert_eq!((0..100).share_map(|item| item).len(), 100);
        });
    }
}

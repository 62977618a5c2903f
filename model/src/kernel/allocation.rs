//! Where tensors lie in memory: large blocks begin with a line of the cache, and stay in the process between steps.
//!
//! Two allocators share the work. A step makes and frees thousands of small blocks and hundreds of middling ones, for which
//! mimalloc takes less time: it gives out again what was freed last. But it keeps blocks of one size apart from those of
//! another, while the system's allocator makes one block of two that lie side by side. The largest tensors, which are few and
//! of many sizes, come from there, for they would need a quarter more memory otherwise.

use std::alloc::{GlobalAlloc, Layout, System};

use mimalloc::MiMalloc;

/// Bytes of a line of the cache, which is a register of AVX-512.
const LINE: usize = 64;

/// Blocks of fewer bytes begin where mimalloc likes.
const LARGE: usize = 4096;

/// Blocks of fewer bytes come from mimalloc.
const HUGE: usize = 1 << 20;

/// mimalloc, and for the largest blocks the system's allocator; large blocks begin with a line of the cache. For
/// `#[global_allocator]`.
///
/// As they come, blocks begin anywhere in a line: then every load and store of a whole register touches two.
pub struct LineAllocator;

/// Who gives out a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Mimalloc,
    System,
}

impl LineAllocator {
    /// Who is asked for a block, and for what. Depends on what this allocator is asked for alone, so that a block is
    /// given back as it was taken.
    fn source(asked: Layout) -> (Source, Layout) {
        let source = if asked.size() < HUGE {
            Source::Mimalloc
        } else {
            Source::System
        };
        if asked.size() < LARGE {
            return (source, asked);
        }
        (source, asked.align_to(LINE).unwrap_or(asked))
    }
}

// SAFETY: one of two allocators, always the same for a layout, asked for at least what the caller asks for.
unsafe impl GlobalAlloc for LineAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's word.
        unsafe {
            match Self::source(layout) {
                (Source::Mimalloc, layout) => MiMalloc.alloc(layout),
                (Source::System, layout) => System.alloc(layout),
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's word.
        unsafe {
            match Self::source(layout) {
                (Source::Mimalloc, layout) => MiMalloc.alloc_zeroed(layout),
                (Source::System, layout) => System.alloc_zeroed(layout),
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by the caller's word.
        unsafe {
            match Self::source(layout) {
                (Source::Mimalloc, layout) => MiMalloc.dealloc(block, layout),
                (Source::System, layout) => System.dealloc(block, layout),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: by the caller's word, and a block of `size` bytes has the caller's alignment or a larger one.
        unsafe {
            let asked = Layout::from_size_align_unchecked(size, layout.align());
            let ((source, old), (new_source, new)) = (Self::source(layout), Self::source(asked));
            if source == new_source && old.align() == new.align() {
                return match source {
                    Source::Mimalloc => MiMalloc.realloc(block, old, size),
                    Source::System => System.realloc(block, old, size),
                };
            }
            let moved = self.alloc(asked);
            if !moved.is_null() {
                block.copy_to_nonoverlapping(moved, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// Tells glibc's allocator to hold on to freed memory. Call it once, before the first tensor is made.
///
/// As it comes, glibc maps every large block anew and gives it back when it is freed, so that each step of a training
/// pays a page fault for every 4 KiB of every activation: more time than the arithmetic takes. It also gives each thread
/// an arena of its own, in heaps of 64 MB that go back to the system as soon as one is empty; all threads share one here,
/// for they ask for few blocks and large ones. Elsewhere than on glibc this does nothing.
pub fn tune_allocation() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const TOP_PAD: i32 = 256 << 20;
        // A number would be a size beyond which memory is given back after all, and cannot be more than 2 GiB.
        const NEVER: i32 = -1;
        // SAFETY: `mallopt` only sets numbers inside the allocator; a value it does not like changes nothing.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
            libc::mallopt(libc::M_TOP_PAD, TOP_PAD);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_blocks_begin_with_a_line_and_keep_what_they_hold_when_they_grow_and_shrink() {
        let layout = |size| Layout::array::<u8>(size).unwrap();
        // SAFETY: the layouts are those of the blocks, and only what was written is read.
        unsafe {
            let mut block = LineAllocator.alloc(layout(100));
            block.write(7);
            let mut size = 100;
            for next in [200, 5000, 90_000, 3 << 20, 5 << 20, 1 << 20, 90_000, 4096, 50] {
                block = LineAllocator.realloc(block, layout(size), next);
                size = next;
                assert_eq!(block.read(), 7);
                assert!(size < LARGE || block.addr().is_multiple_of(LINE), "{size}");
            }
            LineAllocator.dealloc(block, layout(size));
        }
    }
}

//! Where tensors lie in memory: large blocks begin with a line of the cache, and stay in the process between steps.

use std::alloc::{GlobalAlloc, Layout, System};

/// Bytes of a line of the cache, which is a register of AVX-512.
const LINE: usize = 64;

/// Blocks of fewer bytes begin where the system's allocator likes.
const LARGE: usize = 4096;

/// The system's allocator, but that large blocks begin with a line of the cache. For `#[global_allocator]`.
///
/// As they come, blocks begin anywhere in a line: then every load and store of a whole register touches two.
pub struct LineAllocator;

impl LineAllocator {
    fn layout(asked: Layout) -> Layout {
        if asked.size() < LARGE {
            return asked;
        }
        asked.align_to(LINE).unwrap_or(asked)
    }
}

// SAFETY: the system's allocator, asked for at least what the caller asks for. The layout depends on the caller's alone, so
// that a block is given back as it was taken.
unsafe impl GlobalAlloc for LineAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's word.
        unsafe { System.alloc(Self::layout(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's word.
        unsafe { System.alloc_zeroed(Self::layout(layout)) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by the caller's word.
        unsafe { System.dealloc(block, Self::layout(layout)) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: by the caller's word, and a block of `size` bytes has the caller's alignment or a larger one.
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            if Self::layout(layout).align() == Self::layout(new).align() {
                return System.realloc(block, Self::layout(layout), size);
            }
            let moved = self.alloc(new);
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
            for next in [200, 5000, 90_000, 4096, 50] {
                block = LineAllocator.realloc(block, layout(size), next);
                size = next;
                assert_eq!(block.read(), 7);
                assert!(size < LARGE || block.addr().is_multiple_of(LINE), "{size}");
            }
            LineAllocator.dealloc(block, layout(size));
        }
    }
}

//! Keeps large activations in the process between steps.

/// Tells glibc's allocator to hold on to freed memory. Call it once, before the first tensor is made.
///
/// As it comes, glibc maps every large block anew and gives it back when it is freed, so that each step of a training
/// pays a page fault for every 4 KiB of every activation: more time than the arithmetic takes. Elsewhere than on glibc
/// this does nothing.
pub fn tune_allocation() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const TOP_PAD: i32 = 256 << 20;
        // A number would be a size beyond which memory is given back after all, and cannot be more than 2 GiB.
        const NEVER: i32 = -1;
        // SAFETY: `mallopt` only sets numbers inside the allocator; a value it does not like changes nothing.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
            libc::mallopt(libc::M_TOP_PAD, TOP_PAD);
        }
    }
}

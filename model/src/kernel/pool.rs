//! The threads that the kernels compute on.

/// Runs `work` on one of these threads, where its operations begin at once.
///
/// From any other thread each operation is handed over and waited for. That is little beside an operation on a large
/// picture, and much beside one on a small picture.
pub fn among_workers<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

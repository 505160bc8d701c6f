//! Asks for memory before it is needed.
//!
//! State is larger than any cache near a core, and what an action looks at lies in a dozen places of it, each found by
//! what stands in the one before. A commit names all its actions beforehand: what those a few steps ahead will look at
//! is on its way while the present one is made (docs/adr/0041).
//!
//! Invariant: asking changes nothing, and nothing depends on it.

/// The line in which a value begins.
#[inline]
pub(crate) fn fetch<T>(it: &T) {
    prefetch_index::prefetch_index(core::slice::from_ref(it), 0);
}

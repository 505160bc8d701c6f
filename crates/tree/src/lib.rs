//! Root of the state and proofs against it.

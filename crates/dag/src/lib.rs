//! Accepts, proposes, synchronises and forgets blocks.

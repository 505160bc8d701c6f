//! The commit rule: from a DAG and a coin to one sequence of commits.
//!
//! Invariant: the sequence is a function of the committee, the parameters and the blocks that correct
//! validators share. In whatever order blocks arrive, what two validators commit is a prefix of one sequence.
//! Left out on purpose: whether a block is valid and its batches are held (`dag` sees to it before a block
//! comes here), and everything that a commit causes. There is no time-out here: time decides nothing.

mod commits;
mod decision;
mod graph;
mod ordering;
mod parameters;
mod rule;
mod schedule;
mod shares;
mod support;
mod wave;

pub use commits::CommitHead;
pub use decision::{Contradiction, Decision, Fault, Metrics, Vertex};
pub use ordering::Ordering;
pub use parameters::{Parameters, ParametersError};
pub use wave::{Wave, WaveLength};

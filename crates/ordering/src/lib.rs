//! The commit rule: from a DAG and a coin to one sequence of commits.

//! Builds and signs intents, talks to a node, verifies receipts, roots and proofs.

//! Many replicas, one seed, an adversary for a network.

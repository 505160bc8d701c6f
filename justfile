# Short names for what is done all day. `make` prepares a bare machine; this expects a prepared one.

# Format, lint and the fast tests, the project's own habits among them.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo nextest run --workspace

# Replays one simulated network.
sim SEED:
    cargo run --release --package clockless -- sim --seeds {{SEED}}..$(({{SEED}} + 1))

# Rewrites vectors and snapshots: this is the decision to change a format. Read the diff.
approve:
    INSTA_UPDATE=always cargo nextest run --workspace
    git diff --stat

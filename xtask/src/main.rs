//! Checks of the project about itself.
fn main() {}

//! The one binary. Sockets, files, threads and clocks live here and in `gateway`, nowhere else.
fn main() {}

//! libFuzzer's door to `targets::command_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::command_stream(bytes));

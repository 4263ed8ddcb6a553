#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| skillctl_fuzz::run("har", bytes));

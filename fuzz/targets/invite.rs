#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| teleward_fuzz::invite(bytes));

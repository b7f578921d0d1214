#![no_main]
libfuzzer_sys::fuzz_target!(init: mxparity_fuzz::sow("key_exchange"), |octets: &[u8]| {
    mxparity_fuzz::targets::key_exchange(octets);
});

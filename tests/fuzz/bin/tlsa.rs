#![no_main]
libfuzzer_sys::fuzz_target!(init: mxparity_fuzz::sow("tlsa"), |octets: &[u8]| {
    mxparity_fuzz::targets::tlsa(octets);
});

#![no_main]
libfuzzer_sys::fuzz_target!(init: mxparity_fuzz::sow("sts_policy"), |octets: &[u8]| {
    mxparity_fuzz::targets::sts_policy(octets);
});

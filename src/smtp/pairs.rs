//! Which pairs of neighbouring octets a text holds: a cheap way to know what cannot stand in it.
//!
//! A text that holds a word holds all its pairs. Of some hundred rows of words all but a few are
//! ruled out by this, and the text is searched for those few alone. Finds nothing itself.

/// A set of pairs, folded into 256 bits: two pairs may share a bit, so it errs towards "may hold".
#[derive(Clone, Copy, Debug)]
pub struct Pairs([u64; 4]);

impl Pairs {
    pub const fn of(text: &[u8]) -> Self {
        Self([0; 4]).with(text)
    }

    /// Those of all the words together.
    pub const fn of_all(words: &[&str]) -> Self {
        let mut pairs = Self([0; 4]);
        let mut at = 0;
        while at < words.len() {
            pairs = pairs.with(words[at].as_bytes());
            at += 1;
        }
        pairs
    }

    /// Whether a text with these pairs may hold words with those.
    pub fn may_hold(&self, words: &Self) -> bool {
        self.0.iter().zip(&words.0).all(|(text, words)| words & !text == 0)
    }

    const fn with(mut self, text: &[u8]) -> Self {
        let mut at = 1;
        while at < text.len() {
            // Letters differ in their low five bits, so one of the two moves out of the way.
            let bit = text[at - 1] ^ text[at].rotate_left(3);
            self.0[bit as usize >> 6] |= 1 << (bit & 63);
            at += 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_words_are_mostly_ruled_out() {
        let text =
            Pairs::of(b"service unavailable; client host {us} blocked using zen.list.example");
        for (word, may) in [
            ("blocked using", true),
            ("client host", true),
            ("", true),
            ("x", true),
            ("relay access denied", false),
            ("user unknown", false),
        ] {
            assert_eq!(text.may_hold(&Pairs::of_all(&[word])), may, "{word}");
        }
        assert!(!text.may_hold(&Pairs::of_all(&["blocked using", "quota"])));
    }

    proptest! {
        #[test]
        fn what_a_text_holds_is_never_ruled_out(before in ".*", word in ".*", after in ".*") {
            let text = Pairs::of(format!("{before}{word}{after}").as_bytes());
            prop_assert!(text.may_hold(&Pairs::of_all(&[&word])));
        }
    }
}

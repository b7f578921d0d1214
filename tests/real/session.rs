//! What a server's own log says of its sessions, and what a well-mannered client leaves there.

use std::collections::BTreeSet;

/// The sessions of one server.
#[derive(Debug, Default)]
pub struct Sessions {
    pub begun: usize,
    /// Ended by QUIT.
    pub quit: usize,
    /// Ended in the TLS handshake, where no QUIT can be said.
    pub broken_handshakes: usize,
    /// Ended by the server with 421.
    pub sent_away: usize,
    /// Commands of all sessions, refused ones included.
    pub commands: usize,
    /// Every command word the server was given, in upper case.
    pub words: BTreeSet<String>,
    /// Lines of the log in which the server complains of the client or of its own settings.
    pub complaints: Vec<String>,
}

/// Everything mxparity can say.
const WORDS: [&str; 8] = ["EHLO", "HELO", "MAIL", "NOOP", "QUIT", "RCPT", "RSET", "STARTTLS"];

impl Sessions {
    pub fn ended(&self) -> usize {
        self.quit + self.broken_handshakes + self.sent_away
    }

    /// Whether every session said QUIT, none said anything beyond the eight words, and the server
    /// had nothing to complain of.
    #[track_caller]
    pub fn assert_polite(&self, host: &str) {
        assert!(self.complaints.is_empty(), "{host} complains: {:#?}", self.complaints);
        assert_eq!(self.ended(), self.begun, "{host}: a session without QUIT: {self:?}");
        let foreign: Vec<_> =
            self.words.iter().filter(|word| !WORDS.contains(&word.as_str())).collect();
        assert!(foreign.is_empty(), "{host} was told {foreign:?}");
    }
}

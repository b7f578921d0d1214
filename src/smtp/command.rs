//! Everything this program can say to a server, and nothing else.
//!
//! There is no variant for DATA, BDAT, AUTH, ETRN, VRFY or EXPN: what is absent cannot be sent.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HelloName, Mailbox, ReversePath};

/// One command, rendered by `Display` without its line end.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Ehlo(HelloName),
    Helo(HelloName),
    MailFrom(ReversePath),
    Noop,
    Quit,
    RcptTo(Mailbox),
    Rset,
    StartTls,
}

impl Command {
    /// The bytes for the wire, CRLF included.
    pub fn to_wire(&self) -> Vec<u8> {
        format!("{self}\r\n").into_bytes()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ehlo(name) => write!(f, "EHLO {name}"),
            Self::Helo(name) => write!(f, "HELO {name}"),
            Self::MailFrom(path) => write!(f, "MAIL FROM:{path}"),
            Self::Noop => f.write_str("NOOP"),
            Self::Quit => f.write_str("QUIT"),
            Self::RcptTo(mailbox) => write!(f, "RCPT TO:<{mailbox}>"),
            Self::Rset => f.write_str("RSET"),
            Self::StartTls => f.write_str("STARTTLS"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_on_the_wire_as_the_standard_writes_them() {
        let mailbox = Mailbox::parse("a@b.example").unwrap();
        for (command, want) in [
            (Command::Ehlo("probe.example".parse().unwrap()), "EHLO probe.example\r\n"),
            (Command::Helo("[192.0.2.1]".parse().unwrap()), "HELO [192.0.2.1]\r\n"),
            (Command::MailFrom(ReversePath::Null), "MAIL FROM:<>\r\n"),
            (
                Command::MailFrom(ReversePath::Mailbox(mailbox.clone())),
                "MAIL FROM:<a@b.example>\r\n",
            ),
            (Command::RcptTo(mailbox), "RCPT TO:<a@b.example>\r\n"),
            (Command::StartTls, "STARTTLS\r\n"),
            (Command::Noop, "NOOP\r\n"),
            (Command::Rset, "RSET\r\n"),
            (Command::Quit, "QUIT\r\n"),
        ] {
            assert_eq!(command.to_wire(), want.as_bytes());
        }
    }
}

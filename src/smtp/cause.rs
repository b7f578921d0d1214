//! Why a server said no: about the recipient, the domain, the host, or about us.
//!
//! To add a provider, add a row to the pattern table. Text first, then the enhanced code, then the
//! code; where none decides, the answer is [`Cause::Ambiguous`]: never a guess.

use serde::{Deserialize, Serialize};

/// What a refusal is about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    Ambiguous,
    /// A host that defers on purpose: sacrificial, tar pit, backup that waits for the primary.
    ByDesignDefer,
    DomainNotServed,
    Greylist,
    HostTemporary,
    MailboxFull,
    /// Our address, name, sender, behaviour or reputation.
    Prober,
    Rate,
    TlsPolicy,
    UserUnknown,
}

/// How sure a judgement is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// From the code alone.
    Low,
    /// From the text.
    Medium,
    /// From the text and a comparison, or seen directly.
    High,
}

/// Whether a reply asks a client to go away for now. RFC 5321 §4.2.2 gives 421 that meaning.
pub fn asks_to_stop(reply: &super::Reply) -> bool {
    reply.code == 421
}

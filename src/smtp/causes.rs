//! The words by which servers say why they refuse: one row a wording, in the order they are tried.
//!
//! Each row: who says it, when that was last seen, the cause, the codes it comes with, what the folded
//! and masked text must hold, and one such reply, which a test matches against exactly this row.
//! `{rcpt}` stands for the recipient, `{us}` for our address, EHLO name or sender. Longer than
//! most: one table, kept whole. Decides nothing itself.

use super::{Reply, cause::Cause, pairs::Pairs};

/// One wording.
#[derive(Debug)]
pub struct Pattern {
    /// The program or provider that says it.
    pub who: &'static str,
    /// Year and month it was last read in the program's source, documentation or a report.
    pub seen: &'static str,
    pub cause: Cause,
    pub fit: Fit,
    pub grip: Grip,
    /// All of these stand in the text.
    pub words: &'static [&'static str],
    /// What a text must hold for the words to stand in it.
    pub pairs: Pairs,
    /// A reply that this row is the first to match.
    pub example: &'static str,
}

/// How the words of a row are looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grip {
    /// Anywhere, even beside our own name, which this wording repeats without being about us.
    Echo,
    /// Anywhere: they mean one thing only.
    Phrase,
    /// As whole words: they also mean other things, and give low confidence.
    Word,
}

/// The codes a wording comes with.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    first: u16,
    last: u16,
    enhanced: Option<(u16, u16)>,
}

impl Fit {
    pub fn covers(&self, reply: &Reply) -> bool {
        let number = reply.enhanced.map(|enhanced| (enhanced.subject, enhanced.detail));
        (self.first..=self.last).contains(&reply.code)
            && (self.enhanced.is_none() || self.enhanced == number)
    }

    /// Only with this code.
    const fn code(code: u16) -> Self {
        Self { first: code, last: code, enhanced: None }
    }

    /// Only with this subject and detail of the enhanced code.
    const fn and(self, subject: u16, detail: u16) -> Self {
        Self { enhanced: Some((subject, detail)), ..self }
    }
}

const ANY: Fit = Fit { first: 400, last: 599, enhanced: None };
const SOFT: Fit = Fit { first: 400, last: 499, enhanced: None };
const HARD: Fit = Fit { first: 500, last: 599, enhanced: None };

macro_rules! patterns {
    ($($who:literal $seen:literal, $cause:ident $fit:expr, $grip:ident [$($words:literal),+], $example:literal;)*) => {
        &[$(Pattern {
            who: $who,
            seen: $seen,
            cause: Cause::$cause,
            fit: $fit,
            grip: Grip::$grip,
            words: &[$($words),+],
            pairs: Pairs::of_all(&[$($words),+]),
            example: $example,
        }),*]
    };
}

#[rustfmt::skip]
pub static PATTERNS: &[Pattern] = patterns! {
    // Of bounces. Before the other words about senders, which these hold.
    "Postfix" "2026-11", NullSender ANY, Phrase ["<>: sender address rejected"],
        "550 5.7.1 <>: Sender address rejected: no bounces here";
    "any" "2026-11", NullSender ANY, Phrase ["null sender"],
        "550 5.7.1 Null sender is not accepted here";
    "any" "2026-11", NullSender ANY, Phrase ["empty sender"],
        "550 Empty sender address not allowed";
    "any" "2026-11", NullSender ANY, Phrase ["empty envelope sender"],
        "550 5.7.1 Messages with empty envelope sender are refused";

    // About the address family we came over.
    "Google" "2026-11", NetworkFamily ANY, Phrase ["ipv6 sending guidelines"],
        "550-5.7.1 [2001:db8::7] Our system has detected that this message does not meet\r\n550 5.7.1 IPv6 sending guidelines regarding PTR records and authentication.";
    "Exchange Online" "2026-11", NetworkFamily ANY, Phrase ["over ipv6"],
        "550 5.7.510 Access denied, connections over IPv6 have to pass SPF or DKIM";

    // About us: a list or a reputation.
    "Exim" "2026-11", Rate ANY, Phrase ["temporarily blacklisted"],
        "450 Temporarily blacklist-ed: temporarily blacklisted for too many bad recipients";
    "Postfix" "2026-11", Prober ANY, Phrase ["blocked using"],
        "554 5.7.1 Service unavailable; Client host [203.0.113.7] blocked using zen.list.example; see list.example/203.0.113.7";
    "Spamhaus" "2026-11", Prober ANY, Phrase ["spamhaus"],
        "550 5.7.1 203.0.113.7 is in the PBL, see https://www.spamhaus.org/query/ip/203.0.113.7";
    "SpamCop" "2026-11", Prober ANY, Phrase ["spamcop"],
        "550 Denied, http://www.spamcop.net/bl.shtml?203.0.113.7";
    "Barracuda" "2026-11", Prober ANY, Phrase ["barracudacentral"],
        "550 http://www.barracudacentral.org/reputation?r=1&ip=203.0.113.7";
    "Abusix" "2026-11", Prober ANY, Phrase ["abusix"],
        "554 5.7.1 Denied, see https://lookup.abusix.com/search?q=203.0.113.7";
    "UCEPROTECT" "2026-11", Prober ANY, Phrase ["uceprotect"],
        "550 Your network is on record at http://www.uceprotect.net/rblcheck.php?ipr=203.0.113.7";
    "Proofpoint" "2026-11", Prober ANY, Phrase ["ipcheck.proofpoint"],
        "554 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=203.0.113.7";
    "Cisco ESA" "2026-11", Prober ANY, Phrase ["poor reputation"],
        "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this is an error, contact the intended recipient";
    "Cisco ESA" "2026-11", Prober ANY, Phrase ["access to submit messages"],
        "554 5.7.1 Your access to submit messages to this e-mail system has been rejected.";
    "T-Online" "2026-11", Prober ANY, Phrase ["ask your postmaster for help"],
        "554 IP=203.0.113.7 - None/bad reputation. Ask your postmaster for help or to contact tobr@rx.t-online.example for reset. (NOWL)";
    "Exchange Online" "2026-11", Prober ANY, Phrase ["banned sending ip"],
        "550 5.7.606 Access denied, banned sending IP [203.0.113.7]. To request removal from this list see the delist portal";
    "Exchange Online" "2026-11", Prober ANY, Phrase ["banned sender"],
        "550 5.7.511 Access denied, banned sender. To request removal from this list forward this message to the delist address";
    "Exchange Online" "2026-11", Prober ANY, Phrase ["by recipient organization"],
        "550 5.7.513 Service unavailable, Client host [203.0.113.7] blocked by recipient organization";
    "Exchange Online" "2026-11", Prober ANY, Phrase ["traffic not accepted from this ip"],
        "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP. AS(7230)";
    "Outlook.com" "2026-11", Prober ANY, Phrase ["due to ip reputation"],
        "451 4.7.650 The mail server [203.0.113.7] has been temporarily rate limited due to IP reputation. (S775)";
    "Outlook.com" "2026-11", Prober ANY, Phrase ["on our block list"],
        "550 5.7.1 Unfortunately, messages from [203.0.113.7] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).";
    "Google" "2026-11", Prober ANY, Phrase ["very low reputation"],
        "421 4.7.0 [203.0.113.7] Our system has detected that this message is suspicious due to the very low reputation of the sending IP address.";
    "Google" "2026-11", Prober ANY, Phrase ["not authorized to send email directly"],
        "550-5.7.1 [203.0.113.7] The IP you're using to send mail is not authorized to\r\n550 5.7.1 send email directly to our servers. Please use the SMTP relay at your service provider instead.";
    "Yahoo" "2026-11", Prober ANY, Phrase ["[ts"],
        "421 4.7.0 [TSS04] Messages from 203.0.113.7 temporarily deferred due to user complaints - 4.16.55.1";
    "Yahoo" "2026-11", Prober ANY, Phrase ["[bl21]"],
        "553 5.7.1 [BL21] Connections will not be accepted from 203.0.113.7, because the ip is in a list";
    "GMX" "2026-11", Prober ANY, Phrase ["ip address is", " listed"],
        "554-gmx.example (mxgmx016) Nemesis ESMTP Service not available\r\n554-No SMTP service\r\n554 IP address is block listed.";
    "Orange" "2026-11", UserUnknown HARD, Phrase ["ofr", "_416"],
        "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]";
    "Orange" "2026-11", MailboxFull ANY, Phrase ["ofr", "_417"],
        "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]";
    "Orange" "2026-11", Prober ANY, Phrase ["ofr_"],
        "550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]";
    "LaPoste" "2026-11", Prober ANY, Phrase ["lpn007"],
        "550 5.5.0 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007_510";
    "Comcast" "2026-11", Prober ANY, Phrase ["bl000"],
        "554 5.7.1 203.0.113.7 found on our list. See the error page for BL000010";
    "AOL" "2026-11", Prober ANY, Phrase ["(dyn:"],
        "421 4.7.1 : (DYN:T1) https://postmaster.aol.example/error-codes#421dynt1";
    "Charter" "2026-11", Prober ANY, Phrase ["aup#"],
        "421 charter.example ESMTP server not available 203.0.113.7 AUP#In-1310";
    "Cox" "2026-11", Prober ANY, Phrase ["cxdns"],
        "554 cox 203.0.113.7 rejected - no rDNS. CXDNS";
    "MessageLabs" "2026-11", Prober ANY, Phrase ["connection rejected by policy"],
        "501 Connection rejected by policy [7.7] 4708, please visit the support page.";
    "Mimecast" "2026-11", Prober ANY, Phrase ["envelope blocked"],
        "550 Envelope blocked - User Domain Entry - https://community.mimecast.example/docs/550";
    "Cox" "2026-11", Prober ANY, Phrase ["cxbl"],
        "554 203.0.113.7 rejected. CXBL";
    "cPanel Exim" "2026-11", Prober ANY, Phrase ["is in an rbl"],
        "550 JunkMail rejected - (probe.example) [203.0.113.7]:40922 is in an RBL: see the list's page";
    "Exim" "2026-11", Prober ANY, Phrase ["in a black list"],
        "550 203.0.113.7 is in a black list at dnsbl.list.example";
    "any" "2026-11", Prober ANY, Phrase ["is listed "],
        "550 host [203.0.113.7] is listed on dnsbl.list.example";
    "any" "2026-11", Prober ANY, Phrase ["blacklist"],
        "554 5.7.1 Your server is on our blacklist";
    "any" "2026-11", Prober ANY, Phrase ["block list"],
        "550 5.7.1 Recipient not authorized, your IP has been found on a block list";
    "any" "2026-11", Prober ANY, Phrase ["blocklist"],
        "550 5.7.1 Host found in a blocklist";
    "any" "2026-11", Prober ANY, Phrase ["denylist"],
        "554 5.7.1 Sending host is on a denylist";
    "any" "2026-11", Prober ANY, Phrase ["dnsbl"],
        "550 Rejected by DNSBL";
    "any" "2026-11", Prober ANY, Phrase ["bad reputation"],
        "554 5.7.1 Refused: bad reputation";
    "any" "2026-11", Prober ANY, Phrase ["reputation score"],
        "550 Connections from probe.example (203.0.113.7) are being rejected due to a poor email reputation score.";
    "any" "2026-11", Prober ANY, Phrase ["dynamic ip"],
        "550 5.7.1 Mail from dynamic IP ranges is not accepted";
    "Mimecast" "2026-11", Prober ANY, Phrase ["host network, not allowed"],
        "554 Host network, not allowed - https://community.mimecast.example/docs/550";

    // About us: the reverse name.
    "Postfix" "2026-11", Prober ANY, Phrase ["cannot find your hostname"],
        "450 4.7.25 Client host rejected: cannot find your hostname, [203.0.113.7]";
    "Postfix" "2026-11", Prober ANY, Phrase ["cannot find your reverse hostname"],
        "450 4.7.25 Client host rejected: cannot find your reverse hostname, [203.0.113.7]";
    "Postfix" "2026-11", Prober ANY, Phrase ["client host rejected"],
        "554 5.7.1 <probe.example[203.0.113.7]>: Client host rejected: Access denied";
    "Sendmail" "2026-11", Prober ANY, Phrase ["ip name possibly forged"],
        "550 5.7.1 <info@domain.example>... Relaying denied. IP name possibly forged [203.0.113.7]";
    "Sendmail" "2026-11", Prober ANY, Phrase ["ip name lookup failed"],
        "550 5.7.1 <info@domain.example>... Relaying denied. IP name lookup failed [203.0.113.7]";
    "Sendmail" "2026-11", Prober ANY, Phrase ["cannot resolve ptr record"],
        "450 4.7.1 <info@domain.example>... Relaying temporarily denied. Cannot resolve PTR record for 203.0.113.7";
    "Sendmail" "2026-11", Prober ANY, Phrase ["fix reverse dns"],
        "550 5.7.1 Fix reverse DNS for 203.0.113.7";
    "GMX" "2026-11", Prober ANY, Phrase ["bad dns ptr"],
        "554-gmx.example (mxgmx109) Nemesis ESMTP Service not available\r\n554-No SMTP service\r\n554 Bad DNS PTR resource record.";
    "Stalwart" "2026-11", Prober ANY, Phrase ["reverse dns"],
        "550 5.7.25 Reverse DNS validation failed.";
    "Google" "2026-11", Prober ANY, Phrase ["ptr record"],
        "550-5.7.25 [203.0.113.7] The IP address sending this message does not have a PTR\r\n550 5.7.25 record, or the corresponding forward DNS entry does not match.";

    // About us: what EHLO said.
    "Postfix" "2026-11", Prober ANY, Phrase ["helo command rejected"],
        "504 5.5.2 <probe.example>: Helo command rejected: need fully-qualified hostname";
    "Google" "2026-11", Prober ANY, Phrase ["helo/ehlo argument"],
        "501 5.5.4 HELO/EHLO argument \"probe.example\" invalid, closing connection.";
    "Exim" "2026-11", Prober ANY, Phrase ["syntactically invalid", "argument"],
        "501 Syntactically invalid EHLO argument(s)";
    "Exchange Online" "2026-11", Prober ANY, Phrase ["bad helo"],
        "550 5.7.506 Access Denied, Bad HELO";
    "mox" "2026-11", Prober ANY, Phrase ["ehlo", "does not resolve"],
        "550 5.5.0 your ehlo domain does not resolve to an ip address";
    "Sendmail" "2026-11", Prober ANY, Phrase ["invalid domain name"],
        "501 5.0.0 Invalid domain name";
    "any" "2026-11", Prober ANY, Phrase ["invalid helo"],
        "550 Invalid HELO name";

    // About us: the sender.
    "Postfix" "2026-11", Prober ANY, Phrase ["sender address rejected"],
        "450 4.1.8 <check@sender.example>: Sender address rejected: Domain not found";
    "Sendmail" "2026-11", Prober ANY, Phrase ["domain of sender address"],
        "553 5.1.8 <check@sender.example>... Domain of sender address check@sender.example does not exist";
    "Exim" "2026-11", Prober ANY, Phrase ["sender verify"],
        "451 Could not complete sender verify callout for <check@sender.example>";
    "Exim" "2026-11", Prober ANY, Phrase ["callback setup failed while verifying"],
        "550-Callback setup failed while verifying <check@sender.example>\r\n550 Sender refused";
    "Exim" "2026-11", Prober ANY, Phrase ["verification failed for <{us}>"],
        "550-Verification failed for <check@sender.example>\r\n550 The mail server could not deliver mail to check@sender.example.";
    "Postfix" "2026-11", Prober ANY, Phrase ["multi-recipient bounce"],
        "550 5.5.3 RCPT refused: Multi-recipient bounce";
    "qmail chkuser" "2026-11", Prober ANY, Phrase ["mx for sender domain"],
        "511 sorry, can't find a valid MX for sender domain (#5.1.1 - chkuser)";
    "qmail" "2026-11", Prober ANY, Phrase ["badmailfrom"],
        "553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)";
    "RFC 7505" "2026-11", Prober ANY, Phrase ["sender address has null mx"],
        "550 5.7.27 Sender address has null MX";
    "Postfix" "2026-11", Prober ANY, Phrase ["bad sender address"],
        "501 5.1.7 Bad sender address syntax";
    "Sendmail" "2026-11", Prober ANY, Phrase ["required for sender address"],
        "553 5.5.4 <check@sender.example>... Real domain name required for sender address";
    "spamdyke" "2026-11", Prober ANY, Phrase ["sender address has no mail exchanger"],
        "554 Refused. The domain of your sender address has no mail exchanger (MX).";
    "GMX" "2026-11", Prober ANY, Phrase ["invalid dns mx"],
        "550-Requested action not taken: mailbox unavailable\r\n550 invalid DNS MX or A/AAAA resource record";
    "Haraka" "2026-11", Prober ANY, Phrase ["for your from address"],
        "550 No MX for your FROM address";
    "any" "2026-11", Prober ANY, Phrase ["sender rejected"],
        "550 5.7.1 Sender rejected";
    "any" "2026-11", Prober ANY, Phrase ["sender domain"],
        "550 5.1.8 Sender domain does not exist";
    "pypolicyd-spf" "2026-11", Prober ANY, Phrase ["sender policy framework"],
        "550 5.7.23 <info@domain.example>: Recipient address rejected: Message rejected due to: Sender Policy Framework fail";
    "any" "2026-11", Prober ANY, Phrase ["openspf"],
        "550 5.7.1 Please see http://www.openspf.example/Why?ip=203.0.113.7";
    "Exim" "2026-11", Prober ANY, Phrase ["not allowed to send mail from"],
        "550 203.0.113.7 is not allowed to send mail from sender.example.";
    "any" "2026-11", Prober ANY, Phrase ["spf fail"],
        "550 5.7.1 SPF failure for the sender's domain";
    "any" "2026-11", Prober ANY, Phrase ["spf check"],
        "550 5.7.23 SPF check did not pass";
    "any" "2026-11", Prober ANY, Phrase ["dmarc"],
        "550 5.7.1 Refused by the DMARC policy of the domain";

    // About us: our manners on the line, which would be a fault of this program.
    "postscreen" "2026-11", Prober ANY, Phrase ["protocol error"],
        "521 5.5.1 Protocol error";
    "Exim" "2026-11", Prober ANY, Phrase ["synchronization error"],
        "554 SMTP synchronization error";
    "Postfix" "2026-11", Prober ANY, Phrase ["command pipelining"],
        "503 5.5.0 Improper use of SMTP command pipelining";
    "Sendmail" "2026-11", Prober ANY, Phrase ["pre-greeting traffic"],
        "554 5.0.0 rejecting commands from probe.example [203.0.113.7] due to pre-greeting traffic";
    "Haraka" "2026-11", Prober ANY, Phrase ["talk too soon"],
        "554 You talk too soon";
    "Postfix" "2026-11", Prober SOFT, Phrase ["timeout exceeded"],
        "421 4.4.2 mx.domain.example Error: timeout exceeded";
    "Exim" "2026-11", Prober SOFT, Phrase ["timeout - closing connection"],
        "421 mx.domain.example: SMTP command timeout - closing connection";
    "any" "2026-11", Prober ANY, Phrase ["sequence of commands"],
        "503 Bad sequence of commands";

    // Too much of us. Before the unknown users, whose words "too many" replies hold.
    "Postfix" "2026-11", Rate ANY, Phrase ["too many connections"],
        "421 4.7.0 mx.domain.example Error: too many connections from 203.0.113.7";
    "Postfix" "2026-11", Rate ANY, Phrase ["too much mail"],
        "450 4.7.1 Error: too much mail from 203.0.113.7";
    "Postfix" "2026-11", Rate ANY, Phrase ["too many recipients from"],
        "450 4.7.1 Error: too many recipients from 203.0.113.7";
    "Postfix" "2026-11", Rate ANY, Phrase ["too many errors"],
        "421 4.7.0 mx.domain.example Error: too many errors";
    "Postfix" "2026-11", TlsUnavailable ANY, Phrase ["too many new tls sessions"],
        "421 4.7.0 mx.domain.example Error: too many new TLS sessions from 203.0.113.7";
    "postscreen" "2026-11", Rate ANY, Phrase ["command", "limit exceeded"],
        "421 4.3.0 Error: command time limit exceeded";
    "Exim" "2026-11", Rate ANY, Phrase ["too many concurrent"],
        "421 Too many concurrent SMTP connections from this IP address; please try again later.";
    "Sendmail" "2026-11", Rate ANY, Phrase ["connection rate"],
        "421 4.3.2 Connection rate limit exceeded.";
    "Sendmail" "2026-11", Rate ANY, Phrase ["too many open connections"],
        "421 4.3.2 Too many open connections.";
    "Sendmail" "2026-11", Rate ANY, Phrase ["too many bad recipients"],
        "421 4.7.0 Too many bad recipients";
    "Cisco ESA" "2026-11", Rate ANY, Phrase ["too many invalid recipients"],
        "550 Too many invalid recipients";
    "any" "2026-11", Rate ANY, Phrase ["too many sessions"],
        "421 Try again later - too many sessions opened";
    "Exchange" "2026-11", Rate ANY, Phrase ["maximum number of concurrent"],
        "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel";
    "Exchange Online" "2026-11", Rate ANY, Phrase ["too many recipients", "as780090"],
        "452 4.5.3 Too many recipients (AS780090)";
    "Exchange Online" "2026-11", Rate ANY, Phrase ["server busy"],
        "451 4.7.500 Server busy. Please try again later from [203.0.113.7]. (AS77712)";
    "Google" "2026-11", Rate ANY, Phrase ["unusual rate of"],
        "421 4.7.28 [203.0.113.7] Gmail has detected an unusual rate of mail originating from your network.";
    "QQ" "2026-11", Rate ANY, Phrase ["frequency limited"],
        "550 Connection frequency limited";
    "Cisco ESA" "2026-11", Rate ANY, Phrase ["recipients received this hour"],
        "452 Too many recipients received this hour";
    "cbpolicyd" "2026-11", Rate ANY, Phrase ["count quota exceeded"],
        "450 4.7.1 <info@domain.example>: Recipient address rejected: Policy rejection; Message count quota exceeded";
    "Outlook.com" "2026-11", Rate ANY, Phrase ["limits for how many messages"],
        "421 RP-001 Unfortunately, some messages from 203.0.113.7 weren't sent. We have limits for how many messages can be sent per hour and per day.";
    "NetEase" "2026-11", Rate ANY, Phrase ["hl:icc"],
        "421 HL:ICC 163 mx14 http://mail.163.example/help/help_spam_16.htm?ip=203.0.113.7";
    "Comcast" "2026-11", Rate ANY, Phrase ["throttled"],
        "421 comcast 203.0.113.7 Throttled. RL000001";
    "LaPoste" "2026-11", Rate ANY, Phrase ["trop de connexions"],
        "421 4.7.1 Service indisponible. Trop de connexions, veuillez verifier votre configuration.";
    "Barracuda" "2026-11", Rate ANY, Phrase ["rate control"],
        "421 4.7.1 Deferred by rate control, retry in 30 minutes";
    "any" "2026-11", Rate ANY, Phrase ["rate limit"],
        "450 4.7.1 Rate limited, slow down";

    // TLS first, or not just now.
    "Postfix" "2026-11", TlsPolicy ANY, Phrase ["issue a starttls"],
        "530 5.7.0 Must issue a STARTTLS command first";
    "any" "2026-11", TlsPolicy ANY, Phrase ["encryption required"],
        "550 5.7.10 Encryption required";
    "Exim" "2026-11", TlsPolicy ANY, Phrase ["encryption is required"],
        "550 Session encryption is required";
    "Mimecast" "2026-11", TlsPolicy ANY, Phrase ["requires encryption"],
        "553 5.7.4 This route requires encryption";
    "Mimecast" "2026-11", TlsPolicy ANY, Phrase ["needs encryption"],
        "553 Sender's route needs encryption";
    "any" "2026-11", TlsPolicy ANY, Phrase ["tls required"],
        "530 5.7.0 TLS required for this domain";
    "any" "2026-11", TlsPolicy ANY, Phrase ["must use tls"],
        "554 5.7.1 You must use TLS to send to us";
    "any" "2026-11", TlsPolicy ANY, Phrase ["requires tls"],
        "550 5.7.10 This server requires TLS 1.2";
    "Exchange" "2026-11", TlsPolicy ANY, Phrase ["starttls is required"],
        "451 5.7.3 STARTTLS is required to send mail";
    "Sendmail" "2026-11", TlsPolicy ANY, Phrase ["encryption too weak"],
        "403 4.7.0 encryption too weak 0 less than 128";
    "any" "2026-11", TlsPolicy ANY, Phrase ["secure connection"],
        "550 5.7.1 Secure connection required";
    "Postfix" "2026-11", TlsUnavailable ANY, Phrase ["tls not available"],
        "454 4.7.0 TLS not available due to local problem";
    "Exim" "2026-11", TlsUnavailable ANY, Phrase ["tls currently unavailable"],
        "454 TLS currently unavailable";

    // The domain has no home here.
    "Exchange Online" "2026-11", DomainNotServed ANY, Echo ["tenantattribution"],
        "550 5.7.64 TenantAttribution; Relay Access Denied SMTP";
    "Exchange Online" "2026-11", DomainNotServed ANY, Echo ["hosted tenant which has no mail-enabled"],
        "550 5.7.124 Recipient's hosted tenant which has no mail-enabled subscriptions";
    "Exchange Online" "2026-11", DomainNotServed ANY, Echo ["wrong office 365 region"],
        "451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35.";
    "Postfix" "2026-11", DomainNotServed ANY, Phrase ["relay access denied"],
        "554 5.7.1 <info@domain.example>: Relay access denied";
    "Sendmail" "2026-11", DomainNotServed ANY, Phrase ["relaying denied"],
        "550 5.7.1 <info@domain.example>... Relaying denied";
    "Sendmail" "2026-11", DomainNotServed ANY, Phrase ["relaying temporarily denied"],
        "451 4.7.1 <info@domain.example>... Relaying temporarily denied";
    "Exim" "2026-11", DomainNotServed ANY, Echo ["relay not permitted"],
        "550 relay not permitted";
    "cPanel Exim" "2026-11", DomainNotServed ANY, Echo ["currently not permitted to relay"],
        "550-(probe.example) [203.0.113.7]:40922 is currently not permitted to relay through\r\n550 this server. Perhaps you have not logged into the pop/imap server lately";
    "cPanel Exim" "2026-11", DomainNotServed ANY, Echo ["is not permitted to relay"],
        "550-Please turn on SMTP Authentication in your mail client.\r\n550-probe.example [203.0.113.7]:42000 is not permitted to relay\r\n550 through this server without authentication.";
    "Stalwart" "2026-11", DomainNotServed ANY, Phrase ["relay not allowed"],
        "550 5.1.2 Relay not allowed.";
    "any" "2026-11", DomainNotServed ANY, Phrase ["relaying not allowed"],
        "550 5.7.1 <info@domain.example>: relaying not allowed";
    "any" "2026-11", DomainNotServed ANY, Phrase ["relay is not allowed"],
        "550 <info@domain.example> Relay is not allowed";
    "any" "2026-11", DomainNotServed ANY, Phrase ["relaying is not allowed"],
        "554 Refused. Relaying is not allowed";
    "any" "2026-11", DomainNotServed ANY, Phrase ["relaying", "is not allowed"],
        "550 Relaying mail to domain.example is not allowed";
    "any" "2026-11", DomainNotServed ANY, Echo ["not allowed to relay"],
        "550 You are not allowed to relay here";
    "any" "2026-11", DomainNotServed ANY, Phrase ["relay denied"],
        "554 5.7.1 Relay denied";
    "any" "2026-11", DomainNotServed ANY, Phrase ["relaying prohibited"],
        "550 Relaying prohibited";
    "any" "2026-11", DomainNotServed ANY, Phrase ["relaying is prohibited"],
        "550 5.7.1 Relaying is prohibited";
    "Domino" "2026-11", DomainNotServed ANY, Phrase ["relay rejected"],
        "554 Relay rejected for policy reasons.";
    "Kerio" "2026-11", DomainNotServed ANY, Phrase ["relaying to", "denied"],
        "550 5.7.1 Relaying to <info@domain.example> denied (authentication required)";
    "Zoho" "2026-11", DomainNotServed ANY, Echo ["relaying disallowed"],
        "553 Relaying disallowed as check@sender.example";
    "Exchange" "2026-11", DomainNotServed ANY, Phrase ["unable to relay"],
        "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain";
    "MessageLabs" "2026-11", DomainNotServed ANY, Echo ["been configured to let you"],
        "553-you are trying to use me [server-9.tower-3.example] as a relay, but I have\r\n553 not been configured to let you [203.0.113.7, probe.example] do this.";
    "any" "2026-11", DomainNotServed ANY, Phrase ["do not relay"],
        "550 5.7.1 We do not relay";
    "any" "2026-11", DomainNotServed ANY, Phrase ["required for relay"],
        "550 Authentication is required for relay";
    "MailEnable" "2026-11", DomainNotServed HARD, Phrase ["non-local e-mail address"],
        "503 This mail server requires authentication when attempting to send to a non-local e-mail address.";
    "IMail" "2026-11", DomainNotServed HARD, Phrase ["not a gateway"],
        "550 not local host domain.example, not a gateway";
    "qmail" "2026-11", DomainNotServed ANY, Phrase ["list of allowed rcpthosts"],
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)";
    "mox" "2026-11", DomainNotServed ANY, Phrase ["not accepting email for domain"],
        "550 5.1.1 not accepting email for domain";
    "Haraka" "2026-11", DomainNotServed ANY, Word ["cannot deliver mail for"],
        "550 I cannot deliver mail for <info@domain.example>";
    "any" "2026-11", DomainNotServed HARD, Phrase ["not a valid domain here"],
        "550 5.1.2 Not a valid domain here";
    "any" "2026-11", DomainNotServed HARD, Phrase ["no such domain"],
        "550 No such domain at this location";
    "hMailServer" "2026-11", DomainNotServed HARD, Phrase ["delivery is not allowed to this address"],
        "550 Delivery is not allowed to this address.";
    "RFC 5321" "2026-11", DomainNotServed HARD, Phrase ["user not local"],
        "551 User not local; please try another host";

    // Nobody's mail is taken, or only that of known clients.
    "Postfix" "2026-11", TakesNoMail HARD, Phrase ["does not accept mail"],
        "556 5.1.10 <info@domain.example>: Recipient address rejected: Domain domain.example does not accept mail (nullMX)";
    "RFC 7505" "2026-11", TakesNoMail HARD, Phrase ["null mx"],
        "556 5.1.10 Recipient address has null MX";
    "RFC 5321" "2026-11", TakesNoMail HARD, Phrase ["no smtp service here"],
        "554 No SMTP service here";
    "Exchange Online" "2026-11", ClosedToPublic ANY, Echo ["restrictdomainsto"],
        "550 5.7.51 TenantInboundAttribution; There is a partner connector configured that matched the message's recipient domain. The connector had either the RestrictDomainsToIPAddresses or RestrictDomainsToCertificate set";
    "Exchange" "2026-11", ClosedToPublic ANY, Echo ["client was not authenticated"],
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM";
    "any" "2026-11", ClosedToPublic HARD, Phrase ["authentication required"],
        "530 5.7.0 Authentication required";
    "Stalwart" "2026-11", ClosedToPublic HARD, Phrase ["must authenticate"],
        "503 5.5.1 You must authenticate first.";
    "hMailServer" "2026-11", ClosedToPublic HARD, Phrase ["authentication is required"],
        "530 SMTP authentication is required.";

    // A table without the recipient, named: it tells the host's part.
    "Postfix" "2026-11", UserUnknown HARD, Phrase ["unknown in relay recipient table"],
        "550 5.1.1 <info@domain.example>: Recipient address rejected: User unknown in relay recipient table";
    "Postfix" "2026-11", UserUnknown HARD, Phrase ["unknown in local recipient table"],
        "550 5.1.1 <info@domain.example>: Recipient address rejected: User unknown in local recipient table";
    "Postfix" "2026-11", UserUnknown HARD, Phrase ["unknown in virtual"],
        "550 5.1.1 <info@domain.example>: Recipient address rejected: User unknown in virtual mailbox table";

    // The recipient is being looked for elsewhere.
    "Postfix" "2026-11", UserUnknown HARD, Phrase ["undeliverable address"],
        "550 5.1.1 <info@domain.example>: Recipient address rejected: undeliverable address: host mx.domain.example[192.0.2.1] said: 550 no (in reply to RCPT TO command)";
    "Postfix" "2026-11", RecipientUnverified SOFT, Phrase ["unverified address"],
        "450 4.1.1 <info@domain.example>: Recipient address rejected: unverified address: Address verification in progress";
    "Exim" "2026-11", RecipientUnverified SOFT, Phrase ["recipient verify"],
        "451 Could not complete recipient verify callout for <info@domain.example>";
    "Exim" "2026-11", UserUnknown HARD, Phrase ["callout verification failed"],
        "550-Callout verification failed:\r\n550 550 not here";

    // A full mailbox. Before the unknown ones, whose words some of these hold.
    "Google" "2026-11", MailboxFull ANY, Phrase ["out of storage"],
        "452 4.2.2 The recipient's inbox is out of storage space.";
    "Google" "2026-11", MailboxFull SOFT, Phrase ["receiving mail too quickly"],
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly.";
    "Google" "2026-11", MailboxFull ANY, Phrase ["receiving mail at a rate"],
        "450-4.2.1 The user you are trying to contact is receiving mail at a rate that\r\n450 4.2.1 prevents additional messages from being delivered.";
    "any" "2026-11", MailboxFull ANY, Phrase ["over quota"],
        "552 5.2.2 Mailbox over quota";
    "any" "2026-11", MailboxFull ANY, Phrase ["overquota"],
        "452 4.2.2 <info@domain.example> user is overquota";
    "any" "2026-11", MailboxFull ANY, Phrase ["quota exceeded"],
        "552 5.2.2 <info@domain.example>: Recipient address rejected: Quota exceeded (mailbox for user is full)";
    "any" "2026-11", MailboxFull ANY, Phrase ["exceeded", "quota"],
        "552 5.2.2 The recipient has exceeded the quota of the account";
    "any" "2026-11", MailboxFull ANY, Phrase ["mailbox full"],
        "552 5.2.2 Mailbox full";
    "any" "2026-11", MailboxFull ANY, Phrase ["mailbox is full"],
        "452 4.2.2 Mailbox is full, come back";
    "RFC 5321" "2026-11", MailboxFull ANY, Phrase ["exceeded storage allocation"],
        "552 Requested mail action aborted: exceeded storage allocation";
    "RFC 3463" "2026-11", MailboxFull ANY, Phrase ["mailbox storage"],
        "452 4.2.2 Insufficient mailbox storage";

    // No such mailbox.
    "Exchange Online" "2026-11", UserUnknown HARD.and(4, 1), Phrase ["recipient address rejected: access denied"],
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB8EUR05FT066.eop-eur05.prod.protection.outlook.example]";
    "Exchange Online" "2026-11", UserUnknown HARD, Phrase ["recipientnotfound"],
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient info@domain.example not found by SMTP address lookup";
    "Postfix" "2026-11", Ambiguous ANY, Phrase ["recipient address rejected: access denied"],
        "554 5.7.1 <info@domain.example>: Recipient address rejected: Access denied";
    "Google" "2026-11", UserUnknown HARD, Phrase ["account that you tried to reach"],
        "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550 5.1.1 double-checking the recipient's email address for typos or unnecessary spaces.";
    "Yahoo" "2026-11", UserUnknown HARD, Phrase ["this user doesn't have a"],
        "554 delivery error: dd This user doesn't have a mail account (info@domain.example)";
    "Postfix" "2026-11", UserUnknown HARD, Phrase ["user unknown"],
        "550 5.1.1 <info@domain.example>... User unknown";
    "any" "2026-11", UserUnknown HARD, Phrase ["unknown user"],
        "550 Unknown user";
    "Courier" "2026-11", UserUnknown HARD, Phrase ["user <", "> unknown"],
        "550 User <info> unknown";
    "Exim" "2026-11", UserUnknown HARD, Phrase ["unrouteable address"],
        "550 Unrouteable address";
    "OpenSMTPD" "2026-11", UserUnknown HARD, Phrase ["invalid recipient"],
        "550 Invalid recipient: <info@domain.example>";
    "OpenSMTPD" "2026-11", UserUnknown HARD, Phrase ["mailing list expansion problem"],
        "524 5.2.4 Mailing list expansion problem: <info@domain.example>";
    "chasquid" "2026-11", UserUnknown HARD, Phrase ["user does not exist"],
        "550 5.1.1 Destination address is unknown (user does not exist)";
    "maddy" "2026-11", UserUnknown HARD, Phrase ["user doesn't exist"],
        "550 5.1.1 User doesn't exist";
    "Stalwart" "2026-11", UserUnknown HARD, Phrase ["mailbox does not exist"],
        "550 5.1.2 Mailbox does not exist.";
    "qmail" "2026-11", UserUnknown HARD, Phrase ["no mailbox here"],
        "550 sorry, no mailbox here by that name. (#5.1.1)";
    "any" "2026-11", UserUnknown HARD, Phrase ["no such user"],
        "550 No Such User Here";
    "any" "2026-11", UserUnknown HARD, Phrase ["no such person"],
        "550 No such person at this address";
    "Mail.ru" "2026-11", UserUnknown HARD, Phrase ["user not found"],
        "550 Message was not accepted -- invalid mailbox. Local mailbox info@domain.example is unavailable: user not found";
    "QQ" "2026-11", UserUnknown HARD, Phrase ["non-existent account"],
        "550 The recipient may contain a non-existent account, please check the recipient address.";
    "Free" "2026-11", UserUnknown HARD, Phrase ["due to inactivity"],
        "550 5.2.1 This mailbox has been blocked due to inactivity";
    "any" "2026-11", UserUnknown HARD, Phrase ["mailbox not found"],
        "550 Mailbox not found";
    "any" "2026-11", UserUnknown HARD, Phrase ["address not found"],
        "550 Mail address not found";
    "any" "2026-11", UserUnknown HARD, Phrase ["recipient not found"],
        "550 5.1.1 Recipient not found";
    "MDaemon" "2026-11", UserUnknown HARD, Phrase ["recipient unknown"],
        "550 <info@domain.example>, Recipient unknown";
    "any" "2026-11", UserUnknown HARD, Phrase ["address unknown"],
        "550 5.1.1 Address unknown";
    "any" "2026-11", UserUnknown HARD, Phrase ["unknown local part"],
        "550 unknown local part";
    "any" "2026-11", UserUnknown HARD, Phrase ["not our user"],
        "551 not our user";
    "any" "2026-11", UserUnknown HARD, Phrase ["mailbox unavailable"],
        "550 Requested action not taken: mailbox unavailable";
    "any" "2026-11", UserUnknown HARD, Phrase ["mailbox disabled"],
        "550 5.2.1 Mailbox disabled, not accepting messages";
    "any" "2026-11", UserUnknown HARD, Phrase ["account is disabled"],
        "550 5.2.1 This account is disabled";
    "any" "2026-11", UserUnknown HARD, Phrase ["account disabled"],
        "550 Account disabled";
    "Cisco ESA" "2026-11", UserUnknown HARD, Phrase ["#5.1.0 address rejected"],
        "550 #5.1.0 Address rejected.";

    // Come again later, perhaps.
    "Postgrey" "2026-11", Greylist SOFT, Phrase ["greylist"],
        "450 4.2.0 <info@domain.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help/domain.example.html";
    "Haraka" "2026-11", Greylist SOFT, Phrase ["graylist"],
        "451 Graylisted, please retry";
    "any" "2026-11", Greylist SOFT, Phrase ["grey-list"],
        "451 4.7.1 Grey-listing in action";
    "any" "2026-11", Greylist SOFT, Phrase ["first contact"],
        "451 4.7.1 First contact, retry in five minutes";
    "any" "2026-11", Greylist SOFT, Phrase ["new sender"],
        "451 4.7.1 New sender, retry soon";
    "milter-greylist" "2026-11", Greylist SOFT, Phrase ["please come back in"],
        "451 4.7.1 please come back in 00:04:59";
    "postscreen" "2026-11", Greylist Fit::code(450).and(3, 2), Phrase ["service currently unavailable"],
        "450 4.3.2 Service currently unavailable";
    "Mimecast" "2026-11", Greylist SOFT, Phrase ["internal resources are temporarily unavailable"],
        "451 Internal resources are temporarily unavailable - https://community.mimecast.example/docs/451";
    "Exchange Online" "2026-11", Greylist SOFT, Phrase ["please retry"],
        "451 4.7.1 Temporarily rejected, please retry";

    // Not here as long as the primary works.
    "DNSExit" "2026-11", ByDesignDefer SOFT, Phrase ["primary mx"],
        "451 4.3.0 Please deliver emails directly to primary MX that is up at this moment.";
    "DNSExit" "2026-11", ByDesignDefer SOFT, Phrase ["monitoring mode"],
        "451 4.3.0 Domain is in monitoring mode";
    "any" "2026-11", ByDesignDefer SOFT, Phrase ["not accepting until"],
        "451 4.3.2 Not accepting until the main host is down";

    // One at a time, and addresses beyond ASCII.
    "any" "2026-11", OneRecipient ANY, Phrase ["one recipient"],
        "452 4.5.3 One recipient at a time, please";
    "Postfix" "2026-11", OneRecipient ANY, Phrase ["too many recipients"],
        "452 4.5.3 Error: too many recipients";
    "Postfix" "2026-11", Smtputf8 ANY, Phrase ["smtputf8"],
        "553 5.6.7 Must declare SMTPUTF8 to send unicode address";
    "RFC 6531" "2026-11", Smtputf8 ANY, Phrase ["internationalized"],
        "553 5.6.7 Internationalized address not permitted";

    // The host is not well.
    "Postfix" "2026-11", HostTemporary SOFT, Phrase ["insufficient system storage"],
        "452 4.3.1 Insufficient system storage";
    "Sendmail" "2026-11", HostTemporary SOFT, Phrase ["insufficient disk space"],
        "452 4.4.5 Insufficient disk space; try again later";
    "Exim" "2026-11", HostTemporary SOFT, Phrase ["space shortage"],
        "452 space shortage, please try later";
    "Exim" "2026-11", HostTemporary SOFT, Phrase ["unexpected failure"],
        "421 Unexpected failure, please try later";
    "Stalwart" "2026-11", HostTemporary SOFT, Phrase ["mail system full"],
        "452 4.3.1 Mail system full, try again later.";
    "Postfix" "2026-11", HostTemporary SOFT, Phrase ["service unavailable - try again later"],
        "451 4.7.1 Service unavailable - try again later";
    "Exchange" "2026-11", HostTemporary SOFT, Phrase ["service not active"],
        "421 4.3.2 Service not active";
    "Google" "2026-11", HostTemporary SOFT, Phrase ["temporary system problem"],
        "421 4.3.0 Temporary System Problem. Try again later (10).";
    "Yahoo" "2026-11", HostTemporary SOFT, Phrase ["resources temporarily unavailable"],
        "451 Resources temporarily unavailable. Please try again later [#4.16.5].";
    "Exchange" "2026-11", HostTemporary SOFT, Phrase ["insufficient system resources"],
        "452 4.3.1 Insufficient system resources";
    "Postfix" "2026-11", HostTemporary SOFT, Phrase ["temporary lookup failure"],
        "451 4.3.0 <info@domain.example>: Temporary lookup failure";
    "Postfix" "2026-11", HostTemporary SOFT, Phrase ["server configuration"],
        "451 4.3.5 Server configuration error";
    "postscreen" "2026-11", HostTemporary SOFT, Phrase ["all server ports are busy"],
        "421 4.3.2 All server ports are busy";
    "postscreen" "2026-11", HostTemporary SOFT, Phrase ["no system resources"],
        "421 4.3.2 No system resources";
    "Exim" "2026-11", HostTemporary SOFT, Phrase ["temporary local problem"],
        "451 Temporary local problem - please try later";
    "OpenSMTPD" "2026-11", HostTemporary SOFT, Phrase ["temporary failure"],
        "421 Temporary failure";
    "chasquid" "2026-11", HostTemporary SOFT, Phrase ["temporary error checking address"],
        "451 4.4.3 Temporary error checking address";
    "Sendmail" "2026-11", HostTemporary SOFT, Phrase ["temporary system failure"],
        "451 4.3.0 Temporary system failure. Please try again later";
    "Sendmail" "2026-11", HostTemporary SOFT, Phrase ["load average"],
        "421 4.3.2 rejecting connections: load average: 14";
    "RFC 5321" "2026-11", HostTemporary SOFT, Phrase ["local error"],
        "451 Requested action aborted: local error in processing";
    "RFC 5321" "2026-11", HostTemporary SOFT, Phrase ["service not available"],
        "421 mx.domain.example Service not available, closing transmission channel";
    "any" "2026-11", HostTemporary SOFT, Phrase ["shutting down"],
        "421 4.3.2 System is shutting down";
    "any" "2026-11", HostTemporary SOFT, Phrase ["internal error"],
        "451 4.3.0 Internal error";
    "any" "2026-11", HostTemporary SOFT, Phrase ["lookup failure"],
        "451 4.4.3 Directory lookup failure";
    "any" "2026-11", HostTemporary SOFT, Phrase ["temporary server error"],
        "421 4.7.0 Temporary server error. Please try again later. PRX4";

    // Words that also mean other things: whole words only, and of low confidence. Ours first.
    "any" "2026-11", Prober ANY, Word ["spf"],
        "550 5.7.1 Refused, SPF";
    "any" "2026-11", Prober ANY, Word ["ptr"],
        "554 5.7.1 No PTR";
    "any" "2026-11", Prober ANY, Word ["reverse"],
        "550 Bad reverse name";
    "any" "2026-11", Prober ANY, Word ["helo"],
        "550 Wrong HELO";
    "any" "2026-11", Prober ANY, Word ["ehlo"],
        "550 Wrong EHLO";
    "any" "2026-11", Prober ANY, Word ["rbl"],
        "550 Refused by RBL";
    "any" "2026-11", Prober ANY, Word ["blocked"],
        "554 5.7.1 Blocked";
    "any" "2026-11", Prober ANY, Word ["banned"],
        "550 You are banned";
    "any" "2026-11", Prober ANY, Word ["listed"],
        "550 5.7.1 Listed";
    "any" "2026-11", Prober ANY, Word ["reputation"],
        "421 4.7.0 Deferred for reputation";
    "any" "2026-11", Prober ANY, Word ["spam"],
        "550 5.7.1 No spam please";
    "any" "2026-11", Prober ANY, Word ["unsolicited"],
        "554 Unsolicited mail is refused";
    "any" "2026-11", Prober ANY, Word ["callout"],
        "550 Callout";
    "any" "2026-11", Prober ANY, Word ["your ip"],
        "554 5.7.1 Your IP is unwelcome";
    "any" "2026-11", Prober ANY, Word ["sender"],
        "550 Sender is refused";
    "any" "2026-11", NetworkFamily ANY, Word ["ipv6"],
        "550 5.7.1 IPv6 is refused";
    "any" "2026-11", Rate SOFT, Word ["exceeded"],
        "450 4.7.1 Limit exceeded";
    "any" "2026-11", Rate SOFT, Word ["slow down"],
        "450 4.7.1 Slow down";
    "any" "2026-11", MailboxFull ANY, Word ["quota"],
        "552 5.2.2 Quota";
    "any" "2026-11", UserUnknown HARD, Word ["does not exist"],
        "550 <info@domain.example> does not exist";
    "any" "2026-11", UserUnknown HARD, Word ["doesn't exist"],
        "550 Address doesn't exist";
    "any" "2026-11", ByDesignDefer SOFT, Word ["primary"],
        "451 4.3.2 Ask the primary";
    "rspamd" "2026-11", Greylist SOFT, Word ["try again later"],
        "451 4.7.1 Try again later";
    "any" "2026-11", Greylist SOFT, Word ["try later"],
        "451 Please try later";
    "any" "2026-11", Greylist SOFT, Word ["come back later"],
        "450 4.2.0 Come back later";
    "any" "2026-11", HostTemporary SOFT, Word ["temporarily unavailable"],
        "450 4.3.0 Temporarily unavailable";
    "any" "2026-11", HostTemporary SOFT, Word ["service unavailable"],
        "451 4.3.0 Service unavailable";
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::{
        ReplyReader,
        cause::{Context, Moment, diagnose},
    };

    /// Every row is the first to match its own example, so that none stands in another's shade.
    #[test]
    fn every_row_matches_its_example() {
        let recipient = "info@domain.example".parse().unwrap();
        let sender = "<check@sender.example>".trim_matches(['<', '>']).parse().unwrap();
        let helo = "probe.example".parse().unwrap();
        let ours = ["203.0.113.7", "2001:db8::7"].map(|address| address.parse().unwrap());
        let mut wrong = Vec::new();
        for row in PATTERNS {
            let wire = format!("{}\r\n", row.example);
            let reply = ReplyReader::default().push(wire.as_bytes()).unwrap().unwrap();
            let context = Context {
                moment: Moment::Recipient,
                recipient: Some(&recipient),
                sender: &sender,
                helo: &helo,
                ours: &ours,
                theirs: &[],
            };
            let found = diagnose(&reply, &context);
            if !found.pattern.is_some_and(|pattern| std::ptr::eq(pattern, row)) {
                let by = found.pattern.map(|pattern| pattern.words);
                wrong.push(format!("{} -> {} by {by:?}", row.example, found.cause));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_row_says_who_and_when() {
        for row in PATTERNS {
            let dated = row.seen.len() == 7 && row.seen.as_bytes()[4] == b'-';
            assert!(dated && !row.who.is_empty(), "{row:?}");
            assert!(row.words.iter().all(|words| **words == words.to_lowercase()), "{row:?}");
        }
    }
}

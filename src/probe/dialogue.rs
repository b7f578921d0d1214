//! The words of a visit as a value: what is awaited, what has been noted, and what to do next.
//!
//! `advance` takes the dialogue and one input, and gives back the dialogue and one step. The order:
//! greeting, EHLO (HELO where that is refused), STARTTLS, handshake, EHLO, MAIL, each RCPT, RSET,
//! QUIT; never a second command before the first is answered. Opens no socket and reads no clock:
//! time comes in as an argument, and the deadline is data that the caller keeps. A visit for one
//! TLS hello ends with the answer to that; `injection` has the end of a visit for what its name says,
//! the only one in which two commands go out together.
//!
//! Longer than most: the whole order of a visit in one place.

mod injection;

use std::{net::SocketAddr, time::Duration};

use super::{
    Visit,
    notes::{End, Notes, millis},
    visit::Opening,
};
use crate::{
    config::Limits,
    smtp::{Capabilities, Command, Flaw, Reply, ReplyReader, Text, cause},
    survey::{
        Connected, Fault, FaultKind, Observation, Phase, Stage, Why,
        observation::{Greeting, Hello, HelloVerb},
    },
    tls::{self, FlightFault, FlightReader, Handshake, Question, ServerFlight, TlsVersion},
};

/// How long a server may take over a QUIT that is said because something went wrong.
pub const PARTING: Duration = Duration::from_secs(2);

/// How long a server may take over the QUIT of a visit that went well: nothing more is to be learned.
const FAREWELL: Duration = Duration::from_secs(10);

/// As much of what was heard as a fault keeps.
const HEARD: usize = 512;

/// Refusals of recipients in one session before we stop asking: more would look like harvesting.
const ENOUGH_REFUSALS: usize = 2;

/// A visit under way.
#[derive(Debug)]
pub struct Dialogue {
    state: State,
    scene: Scene,
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// The connection or the handshake failed.
    Broke(FaultKind),
    /// The connection stands; our end of it, where known.
    Connected(Option<SocketAddr>),
    /// The deadline passed.
    Due,
    /// Bytes came, cut anywhere; never none.
    Heard(&'a [u8]),
    /// The user wants to go home.
    Interrupted,
    /// The handshake is done.
    Secured(Box<Handshake>),
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Send the hello of this question, then listen.
    Ask(Box<Question>),
    /// Open the connection.
    Dial,
    /// The visit is over.
    HangUp,
    /// The visit is over, and so is the TLS that was begun in this version: say so, and hang up.
    Leave(TlsVersion),
    /// Wait for more of the answer.
    Listen,
    /// Say this, then listen.
    Say(Command),
    /// Say both in one packet, then listen.
    SayTogether([Command; 2]),
    /// Open TLS with such a hello.
    Secure(tls::Hello),
}

/// What is awaited, in the order of a visit.
#[derive(Debug, Eq, PartialEq)]
enum State {
    Connecting,
    Greeting,
    /// The answer to EHLO, or to HELO where EHLO was refused.
    Hello {
        secured: bool,
        ehlo_refused: Option<Reply>,
    },
    /// The leave to begin the handshake.
    StartTls,
    /// Its end; no bytes come here, for TLS takes them all.
    Handshake,
    /// The answer to the one hello of a visit that is made for it.
    Flight,
    /// The answers inside TLS, where a command was sent in clear behind STARTTLS.
    Inside {
        replies: Vec<Reply>,
        /// QUIT was said.
        parting: bool,
    },
    Sender,
    /// The answer about the recipient at this place of the plan.
    Recipient(usize),
    Reset,
    Quit,
    Over,
}

/// Everything that is the same in each state. All times count from the beginning of the visit.
#[derive(Debug)]
struct Scene {
    visit: Visit,
    limits: Limits,
    notes: Notes,
    /// One for the whole connection, so that no byte gets lost between two replies.
    reader: ReplyReader,
    flight: FlightReader,
    /// A reply that asks us to stop, come in one breath with the one before it.
    farewell: Option<Reply>,
    now: Duration,
    /// When the present phase began.
    since: Duration,
    /// When it has taken too long.
    until: Duration,
}

impl Dialogue {
    /// A visit that is about to connect.
    pub fn open(visit: Visit, limits: Limits) -> (Self, Step) {
        let zero = Duration::ZERO;
        let notes = Notes::of(&visit);
        let mut scene = Scene {
            visit,
            limits,
            notes,
            reader: ReplyReader::default(),
            flight: FlightReader::default(),
            farewell: None,
            now: zero,
            since: zero,
            until: zero,
        };
        let (state, step) = scene.expect(State::Connecting, Step::Dial);
        (Self { state, scene }, step)
    }

    /// The moment from which [`Input::Due`] is due.
    pub fn deadline(&self) -> Duration {
        self.scene.until
    }

    /// Takes what happened at `now`; what cannot happen in a state changes nothing.
    pub fn advance(self, now: Duration, input: Input<'_>) -> (Self, Step) {
        let Self { state, mut scene } = self;
        scene.now = now;
        let (state, step) = match (state, input) {
            (State::Over, _) => (State::Over, Step::HangUp),
            (state, _) if scene.farewell.is_some() => scene.dismissed(state),
            (State::Flight, Input::Broke(FaultKind::Closed | FaultKind::Reset))
                if scene.flight.has_answer() =>
            {
                scene.cut_short()
            }
            (
                State::Inside { replies, parting: true },
                Input::Broke(FaultKind::Closed | FaultKind::Reset) | Input::Due,
            ) if injection::is_even(&replies) => scene.dropped(replies),
            (state, Input::Broke(kind)) => scene.broke(&state, kind),
            (state, Input::Due) if now >= scene.limits.visit => {
                scene.broke(&state, FaultKind::OutOfTime)
            }
            (state, Input::Due) => scene.broke(&state, FaultKind::TimedOut),
            (State::Quit, Input::Interrupted) => scene.hurry(),
            (state, Input::Interrupted) => scene.broke(&state, FaultKind::Interrupted),
            (State::Connecting, Input::Connected(local)) => scene.connected(local),
            (State::Handshake, Input::Secured(handshake)) => scene.secured(*handshake),
            (state @ (State::Connecting | State::Handshake), Input::Heard(_))
            | (state, Input::Connected(_) | Input::Secured(_)) => (state, Step::Listen),
            (State::Flight, Input::Heard(bytes)) => scene.flight(bytes),
            (State::Inside { replies, parting }, Input::Heard(bytes)) => {
                scene.inside(replies, parting, bytes)
            }
            (state, Input::Heard(bytes)) => scene.heard(state, bytes),
        };
        (Self { state, scene }, step)
    }

    /// What was seen in a visit that began at `began` of the run and ends at `now`.
    pub fn into_observation(self, began: Duration, now: Duration) -> Observation {
        self.scene.notes.into_observation(self.scene.visit, began, now)
    }
}

impl Scene {
    /// The server speaks first. RFC 5321 §3.1.
    fn connected(&mut self, local: Option<SocketAddr>) -> (State, Step) {
        let after_ms = millis(self.now);
        self.notes.connect = Some(Stage::Reached(Connected { local, after_ms }));
        self.notes.event(self.now, &format!("connected to {}", self.visit.to));
        self.expect(State::Greeting, Step::Listen)
    }

    /// Bytes go into the transcript as they come, understood or not.
    fn heard(&mut self, state: State, bytes: &[u8]) -> (State, Step) {
        self.notes.heard(self.now, bytes);
        match self.reader.push(bytes) {
            Ok(None) => (state, Step::Listen),
            Ok(Some(mut reply)) => {
                // What stands behind a reply must not pass for the answer to the next command.
                let unasked = self.reader.take_rest();
                if state != State::StartTls {
                    let behind = ReplyReader::default().push(&unasked).ok().flatten();
                    self.farewell = behind.filter(cause::asks_to_stop);
                }
                self.notes.end_line(self.now);
                if !unasked.is_empty() {
                    reply.flaws.push(Flaw::Unasked);
                }
                self.answered(state, reply, unasked)
            }
            Err(fault) => self.broke(&state, FaultKind::NotSmtp(fault)),
        }
    }

    /// A farewell that came ahead of the question is all the answer there will be.
    fn dismissed(&mut self, state: State) -> (State, Step) {
        match self.farewell.take() {
            Some(reply) => self.answered(state, reply, Vec::new()),
            None => (state, Step::Listen),
        }
    }

    /// A reply is whole: the table of the whole dialogue.
    fn answered(&mut self, state: State, reply: Reply, unasked: Vec<u8>) -> (State, Step) {
        if !reply.is_positive() && cause::asks_to_stop(&reply) && state != State::Quit {
            self.notes.end(state.phase(), End::Declined(reply));
            self.notes.leave(Why::Stopped);
            return self.part();
        }
        // States not named with a guard want a 2yz reply and take any other for a refusal.
        match state {
            // RFC 5321 §3.1: any other opening is a server that will take no mail now.
            State::Greeting if reply.code == 220 => self.greeted(reply),
            // RFC 5321 §3.2: servers of old know HELO only.
            State::Hello { secured, ehlo_refused: None } if reply.is_permanent() => {
                self.hail(secured, Some(reply))
            }
            State::Hello { secured, ehlo_refused } if reply.is_positive() => {
                self.hailed(secured, ehlo_refused, reply)
            }
            State::StartTls => self.may_secure(reply, unasked),
            State::Sender if reply.is_positive() => {
                self.notes.sender = Some(Stage::Reached(reply));
                self.recipient(0)
            }
            State::Recipient(place) => {
                let positive = reply.is_positive();
                let outcome = if positive { Stage::Reached } else { Stage::Declined };
                self.notes.recipients.push(outcome(reply));
                self.recipient(place + 1)
            }
            // Whether RSET pleased the server makes no difference to anybody.
            State::Reset => self.say(State::Quit, Command::Quit),
            State::Quit => {
                self.notes.farewell(Stage::Reached(reply));
                self.over()
            }
            state => {
                self.notes.end(state.phase(), End::Declined(reply));
                self.say(State::Quit, Command::Quit)
            }
        }
    }

    /// A server may say its first line at once and hold the last one back to see who talks ahead;
    /// hence two times.
    fn greeted(&mut self, reply: Reply) -> (State, Step) {
        let first_line = self.notes.first_line.unwrap_or(self.now);
        self.notes.greeting = Some(Stage::Reached(Greeting {
            reply,
            first_line_ms: millis(first_line.saturating_sub(self.since)),
            after_ms: millis(self.now.saturating_sub(self.since)),
        }));
        self.hail(false, None)
    }

    /// Says who we are, with HELO once EHLO is refused.
    fn hail(&mut self, secured: bool, ehlo_refused: Option<Reply>) -> (State, Step) {
        let helo = self.visit.helo.clone();
        let command = if ehlo_refused.is_none() { Command::Ehlo } else { Command::Helo };
        self.say(State::Hello { secured, ehlo_refused }, command(helo))
    }

    /// What comes after EHLO or HELO. Inside TLS the second answer is the one that counts: what was
    /// offered in clear is forgotten (RFC 3207 §4.2), so nothing is compared here.
    fn hailed(&mut self, secured: bool, refused: Option<Reply>, reply: Reply) -> (State, Step) {
        let (verb, capabilities) = match refused {
            None => (HelloVerb::Ehlo, Capabilities::of(&reply)),
            Some(_) => (HelloVerb::Helo, Capabilities::default()),
        };
        let offered = capabilities.has("STARTTLS");
        let hello = Stage::Reached(Hello { verb, reply, capabilities, ehlo_refused: refused });
        if secured {
            self.notes.hello_secured = Some(hello);
            return self.mail();
        }
        self.notes.hello = Some(hello);
        match self.visit.starttls {
            Some(Opening::Inject(_)) if offered => self.inject(),
            Some(_) if offered => self.say(State::StartTls, Command::StartTls),
            Some(_) => {
                self.notes.lacks_starttls();
                self.mail()
            }
            None => self.mail(),
        }
    }

    /// After a refusal the session goes on in clear, so that acceptance is still seen.
    fn may_secure(&mut self, reply: Reply, unasked: Vec<u8>) -> (State, Step) {
        let opening = self.visit.starttls.clone().filter(|_| reply.is_positive());
        let Some(opening) = opening else {
            self.notes.end(Phase::StartTls, End::Declined(reply));
            self.notes.hello_secured.get_or_insert(Stage::NotTried(Why::EarlierFailed));
            return self.mail();
        };
        // RFC 3207 §4.2: nothing heard in clear may count inside TLS.
        if !self.is_answer_in_clear(&opening, &unasked) {
            self.notes.unasked_before_tls = Text::new(unasked);
        }
        match opening {
            Opening::Ask(question) => {
                self.notes.event(self.now, &format!("TLS hello: {question}"));
                self.expect(State::Flight, Step::Ask(question))
            }
            Opening::Inject(hello) | Opening::Show(hello) | Opening::Speak(hello) => {
                self.expect(State::Handshake, Step::Secure(hello))
            }
        }
    }

    fn flight(&mut self, bytes: &[u8]) -> (State, Step) {
        match self.flight.push(bytes) {
            Ok(None) => (State::Flight, Step::Listen),
            Ok(Some(flight)) => {
                let step = match &flight {
                    ServerFlight::Chose(choice) => Step::Leave(choice.version),
                    // Whoever refused has closed already.
                    ServerFlight::Refused { .. } => Step::HangUp,
                };
                self.answered_in_tls(flight, step)
            }
            Err(FlightFault::Left) => self.broke(&State::Flight, FaultKind::Closed),
            Err(fault) => self.broke(&State::Flight, FaultKind::TlsFailed(fault.to_string())),
        }
    }

    /// The server left in the middle of its answer, but not before it had said what counts.
    fn cut_short(&mut self) -> (State, Step) {
        match std::mem::take(&mut self.flight).end() {
            Some(flight) => self.answered_in_tls(flight, Step::HangUp),
            None => (State::Flight, Step::Listen), // Only called with an answer.
        }
    }

    /// Nothing more is asked in such a visit, and what comes now is TLS: there is no QUIT.
    fn answered_in_tls(&mut self, flight: ServerFlight, step: Step) -> (State, Step) {
        self.notes.event(self.now, &flight.to_string());
        let question = self.visit.starttls.as_ref().and_then(Opening::question);
        if let (ServerFlight::Chose(choice), Some(question)) = (&flight, question)
            && !question.allows(choice)
        {
            let fault = FaultKind::TlsFailed(FlightFault::NotOffered.to_string());
            return self.broke(&State::Flight, fault);
        }
        self.notes.answer = Some(Stage::Reached(flight));
        self.notes.quit = Some(Stage::NotTried(Why::NotThisVisit));
        self.notes.event(self.now, "closed");
        (State::Over, step)
    }

    /// The session begins anew inside TLS. RFC 3207 §4.2.
    fn secured(&mut self, handshake: Handshake) -> (State, Step) {
        self.notes.event(self.now, &handshake.to_string());
        self.notes.secured(handshake);
        if let Some(Opening::Inject(_)) = self.visit.starttls {
            let hail = Command::Ehlo(self.visit.helo.clone());
            return self.say(State::Inside { replies: Vec::new(), parting: false }, hail);
        }
        self.hail(true, None)
    }

    /// Opens a transaction if there is a recipient to ask about: MAIL alone would teach us nothing.
    fn mail(&mut self) -> (State, Step) {
        if self.visit.recipients.is_empty() {
            return self.say(State::Quit, Command::Quit);
        }
        self.say(State::Sender, Command::MailFrom(self.visit.sender.clone()))
    }

    /// Asks about the recipient at `place`, or ends the transaction, which never comes to DATA.
    fn recipient(&mut self, place: usize) -> (State, Step) {
        let Some((_, mailbox)) = self.visit.recipients.get(place) else {
            return self.say(State::Reset, Command::Rset);
        };
        let asked = self.notes.recipients.iter();
        if asked.filter(|outcome| outcome.declined().is_some()).count() >= ENOUGH_REFUSALS {
            self.notes.leave(Why::EnoughRefusals);
            return self.say(State::Reset, Command::Rset);
        }
        let command = Command::RcptTo(mailbox.clone());
        self.say(State::Recipient(place), command)
    }

    /// Something broke. Where the channel still lives and the server has greeted us, we leave as
    /// one should; before that we keep silent, for talking ahead of a greeting is what spammers do.
    fn broke(&mut self, state: &State, kind: FaultKind) -> (State, Step) {
        use FaultKind::{Interrupted, NotSmtp, OutOfTime, TimedOut};
        use State::{Connecting, Flight, Greeting, Handshake, Inside, Quit};
        let lives = matches!(kind, Interrupted | NotSmtp(_) | OutOfTime | TimedOut);
        let session = !matches!(
            state,
            Connecting | Flight | Greeting | Handshake | Inside { parting: true, .. } | Quit
        );
        if kind == Interrupted {
            self.notes.leave(Why::Interrupted);
        }
        let after = self.now.saturating_sub(self.since);
        // Half a reply is out of step with whatever follows: it belongs to the fault alone.
        let heard = Text::bounded(&self.reader.take_rest(), HEARD);
        let fault = Fault { heard, ..Fault::new(state.phase(), kind, after) };
        self.notes.end_line(self.now);
        self.notes.event(self.now, &fault.to_string());
        self.notes.end(state.phase(), End::Broke(fault));
        if lives && session { self.part() } else { (State::Over, Step::HangUp) }
    }

    /// QUIT out of turn: said for courtesy, with little patience for the answer, which may as well
    /// be a late one to the command before.
    fn part(&mut self) -> (State, Step) {
        let next = self.say(State::Quit, Command::Quit);
        self.until = self.now.saturating_add(PARTING);
        next
    }

    /// Less patience for a QUIT that is under way.
    fn hurry(&mut self) -> (State, Step) {
        self.until = self.until.min(self.now.saturating_add(PARTING));
        (State::Quit, Step::Listen)
    }

    /// A visit that came to its own end.
    fn over(&mut self) -> (State, Step) {
        self.notes.event(self.now, "closed");
        (State::Over, Step::HangUp)
    }

    /// One command, and the state that awaits its answer.
    fn say(&mut self, state: State, command: Command) -> (State, Step) {
        self.notes.said(self.now, &command);
        self.expect(state, Step::Say(command))
    }

    /// Enters a phase and sets its deadline.
    fn expect(&mut self, state: State, step: Step) -> (State, Step) {
        let limit = match state {
            State::Connecting => self.limits.connect,
            State::Greeting => self.limits.greeting,
            State::Recipient(_) => self.limits.recipient(),
            State::Inside { parting: true, .. } | State::Quit => self.limits.command.min(FAREWELL),
            _ => self.limits.command,
        };
        // The limit is for the whole answer, so that a server that drips cannot stretch it.
        self.since = self.now;
        self.until = self.now.saturating_add(limit).min(self.limits.visit);
        (state, step)
    }
}

impl State {
    /// The name of this state in an observation.
    fn phase(&self) -> Phase {
        match self {
            Self::Connecting => Phase::Connect,
            Self::Greeting => Phase::Greeting,
            Self::Hello { secured: false, .. } => Phase::Hello,
            Self::StartTls => Phase::StartTls,
            Self::Handshake | Self::Flight => Phase::Handshake,
            Self::Hello { secured: true, .. } | Self::Inside { parting: false, .. } => {
                Phase::HelloSecured
            }
            Self::Sender => Phase::Sender,
            Self::Recipient(_) => Phase::Recipient,
            Self::Reset => Phase::Reset,
            Self::Inside { parting: true, .. } | Self::Quit | Self::Over => Phase::Quit,
        }
    }
}

#[cfg(test)]
mod tests;

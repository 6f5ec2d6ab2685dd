//! One connection that speaks IMAP: commands out, answers in, under limits of size and time.

use std::time::Instant;

use super::answer::{Answer, Kind, Status, Word, may_hold_literals};
use super::fetch;
use super::scan::{LITERAL, Literal, NoLength, announced};
use super::verb::{Piece, Verb, quoted};
use crate::acquire::wire::{Line, LongLine, Wire, WireError};
use crate::acquire::{Limits, Notice, Session as Evidence};
use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;

/// Most octets of a body that nobody wants which are read to get past it; more cost a new connection less.
const PASSED_OVER: u64 = 64 << 20;

/// Most literals in one answer: what holds them is looked through for each.
const LITERALS: usize = 10_000;

/// A long body is handed on in pieces of so many bytes.
pub(super) const PART: usize = 1 << 20;

/// So many times `Limits::idle` may pass while answers come and none of them helps.
const PATIENCE: u32 = 5;

/// What becomes of a body that is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It is kept in the answer.
    Keep,
    /// It goes to [`Bodies::part`].
    Stream,
    /// It is read and dropped.
    Drop,
}

/// Who takes the bodies of messages.
pub(super) trait Bodies {
    /// What becomes of a body of so many octets, in an answer that begins with `text`.
    fn room(&mut self, text: &[u8], octets: u64) -> Room;

    /// The next bytes of a body that streams.
    fn part(&mut self, bytes: Vec<u8>) -> Result<(), WireError>;
}

/// Nobody: no body was asked for.
pub(super) struct NoBodies;

impl Bodies for NoBodies {
    fn room(&mut self, _: &[u8], _: u64) -> Room {
        Room::Drop
    }

    fn part(&mut self, _: Vec<u8>) -> Result<(), WireError> {
        Ok(())
    }
}

/// A connection, from its greeting on.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) wire: Wire<'a>,
    pub(super) limits: Limits,
    /// What is known of the server, for the log.
    pub(super) evidence: Evidence,
    /// Capabilities that hold now, in upper case.
    pub(super) capabilities: Vec<Vec<u8>>,
    /// Whether names are UTF-8, not modified UTF-7.
    pub(super) names_are_utf8: bool,
    /// What was odd, until somebody takes it.
    pub(super) notices: Vec<Notice>,
    /// UIDVALIDITY that the server told last, in whatever answer.
    pub(super) uid_validity: Option<u64>,
    /// EXISTS that the server told last.
    pub(super) exists: Option<u64>,
    /// EXPUNGE and VANISHED answers since the folder was opened.
    pub(super) expunged: u64,
    tag: u64,
    /// When something last came that helped.
    helped: Instant,
    /// Bytes of answers since then.
    unhelpful: usize,
}

impl<'a> Session<'a> {
    /// Over a fresh connection; nothing has been read.
    pub(super) fn new(wire: Wire<'a>, limits: Limits) -> Self {
        let evidence =
            Evidence { address: wire.address().to_owned(), tls: wire.tls().cloned(), ..Evidence::default() };
        Self {
            wire,
            limits,
            evidence,
            capabilities: Vec::new(),
            names_are_utf8: false,
            notices: Vec::new(),
            uid_validity: None,
            exists: None,
            expunged: 0,
            tag: 0,
            helped: Instant::now(),
            unhelpful: 0,
        }
    }

    /// Whether the server has said that it can do this.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|c| c == capability.as_bytes())
    }

    /// Something came that helps: the patience begins anew.
    pub(super) fn helped(&mut self) {
        self.helped = Instant::now();
        self.unhelpful = 0;
    }

    /// The next tag.
    pub(super) fn next_tag(&mut self) -> Vec<u8> {
        self.tag = self.tag.saturating_add(1);
        format!("A{}", self.tag).into_bytes()
    }

    /// Sends a command and returns its tag, without waiting for its end.
    ///
    /// # Errors
    /// When the connection is gone, or the server refuses a literal.
    pub(super) fn send(&mut self, verb: &Verb<'_>) -> Result<Vec<u8>, WireError> {
        let tag = self.next_tag();
        let mut line = [tag.as_slice(), b" "].concat();
        let mut out = Vec::new();
        for piece in verb.pieces() {
            match piece {
                Piece::Words(words) => line.extend_from_slice(words.as_bytes()),
                Piece::Name(name) => {
                    if let Some(name) = quoted(name) {
                        line.extend_from_slice(&name);
                    } else {
                        self.literal(&mut line, &mut out, name)?;
                        self.wire.transcript.client_literal(name);
                        out.extend_from_slice(name);
                    }
                }
            }
        }
        self.wire.transcript.client(&line);
        out.extend_from_slice(&line);
        out.extend_from_slice(b"\r\n");
        self.wire.send(&out)?;
        self.helped();
        Ok(tag)
    }

    /// Ends `line` with the announcement of a literal, and waits for the go where the server wants to give one.
    pub(super) fn literal(
        &mut self,
        line: &mut Vec<u8>,
        out: &mut Vec<u8>,
        text: &[u8],
    ) -> Result<(), WireError> {
        let small = text.len() <= 4096 && (self.can("LITERAL-") || self.can("IMAP4REV2"));
        let at_once = self.can("LITERAL+") || small;
        let plus = if at_once { "+" } else { "" };
        line.extend_from_slice(format!("{{{}{plus}}}", text.len()).as_bytes());
        self.wire.transcript.client(line);
        out.append(line);
        out.extend_from_slice(b"\r\n");
        if !at_once {
            self.wire.send(out)?;
            out.clear();
            self.go()?;
        }
        Ok(())
    }

    /// Waits for `+` and returns what stands behind it.
    ///
    /// # Errors
    /// [`WireError::Protocol`] with the server's words when the command ends instead.
    pub(super) fn go(&mut self) -> Result<Vec<u8>, WireError> {
        let mut answer = Answer::default();
        loop {
            match self.hear(&mut answer, &mut NoBodies)? {
                Kind::Continue(text) => return Ok(text),
                Kind::Tagged(_, status) => {
                    return Err(WireError::Protocol(format!("a literal was refused: {}", status.said())));
                }
                _ => {}
            }
        }
    }

    /// Runs a command to its end; `on` sees every other answer.
    ///
    /// # Errors
    /// When the connection cannot be used any more. A NO or BAD is no error.
    pub(super) fn run(
        &mut self,
        verb: &Verb<'_>,
        on: impl FnMut(&Kind, &mut Answer) -> bool,
    ) -> Result<Status, WireError> {
        let tag = self.send(verb)?;
        self.until(&tag, on)
    }

    /// Reads to the end of a command that was sent; `on` says whether an answer helped.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub(super) fn until(
        &mut self,
        tag: &[u8],
        mut on: impl FnMut(&Kind, &mut Answer) -> bool,
    ) -> Result<Status, WireError> {
        let mut answer = Answer::default();
        loop {
            let kind = self.hear(&mut answer, &mut NoBodies)?;
            match kind {
                Kind::Tagged(found, status) => {
                    self.own(&found, tag)?;
                    return Ok(status);
                }
                kind => {
                    if on(&kind, &mut answer) {
                        self.helped();
                    }
                }
            }
        }
    }

    /// Takes the end of a command, which must be the one that waits longest.
    ///
    /// # Errors
    /// [`WireError::Protocol`]: answers in another order cannot be told apart.
    pub(super) fn own(&mut self, found: &[u8], tag: &[u8]) -> Result<(), WireError> {
        self.helped();
        if found == tag {
            return Ok(());
        }
        let shown = crate::types::text::shown(&String::from_utf8_lossy(found.get(..40).unwrap_or(found)));
        Err(WireError::Protocol(format!("an answer has the tag `{shown}`, which waits for none")))
    }

    /// Reads one answer into `answer`, and notes what any answer may tell.
    ///
    /// # Errors
    /// When it breaks a limit, when the server says goodbye, when nothing helpful has come for too long.
    pub(super) fn hear(&mut self, answer: &mut Answer, bodies: &mut dyn Bodies) -> Result<Kind, WireError> {
        self.read(answer, bodies)?;
        self.unhelpful = self.unhelpful.saturating_add(answer.text.len().saturating_add(16));
        if self.unhelpful > self.limits.answer {
            return Err(WireError::Protocol(format!(
                "over {} bytes of answers came that bring nothing new",
                self.limits.answer
            )));
        }
        if self.helped.elapsed() > self.limits.idle.saturating_mul(PATIENCE) {
            return Err(WireError::Slow);
        }
        let kind = Kind::of(&answer.text);
        match &kind {
            Kind::Status(status) | Kind::Tagged(_, status) => self.note(status)?,
            Kind::Numbered(n, name) if name == b"EXISTS" => self.exists = Some(*n),
            Kind::Numbered(_, name) if name == b"EXPUNGE" => {
                self.expunged = self.expunged.saturating_add(1);
                self.exists = self.exists.map(|n| n.saturating_sub(1));
            }
            Kind::Data(name) if name == b"VANISHED" => self.expunged = self.expunged.saturating_add(1),
            Kind::Data(name) if name == b"CAPABILITY" => {
                let rest = answer.text.get(13..).unwrap_or_default().to_vec();
                self.set_capabilities(&rest);
            }
            _ => {}
        }
        Ok(kind)
    }

    /// Takes what a status tells beside its word.
    fn note(&mut self, status: &Status) -> Result<(), WireError> {
        match status.code.as_slice() {
            b"ALERT" => self.notice("server-alert", format!("the server alerts: {}", status.said())),
            b"UIDVALIDITY" => self.uid_validity = status.number(),
            b"CAPABILITY" => self.set_capabilities(&status.argument),
            b"UIDNOTSTICKY" => {
                self.notice("uid-not-sticky", "the server says that its UIDs do not last".to_owned());
            }
            _ => {}
        }
        if status.word == Word::Bye {
            return Err(WireError::Broken(format!("the server said goodbye: {}", status.said())));
        }
        Ok(())
    }

    /// That the open folder is the one that was listed. A server may tell another UIDVALIDITY in the midst of any
    /// answer; what comes after it belongs to other messages, and is not read on this connection.
    ///
    /// # Errors
    /// [`WireError::Broken`] when it is not.
    pub(super) fn is_still(&self, uid_validity: Option<u64>) -> Result<(), WireError> {
        match self.uid_validity {
            Some(now) if Some(now) != uid_validity => {
                Err(WireError::Broken(format!("the server told another UIDVALIDITY in the midst: {now}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn notice(&mut self, code: &'static str, text: String) {
        if self.notices.len() < 1000 {
            self.notices.push(Notice { code, path: None, text, is_partial: false });
        }
    }

    /// Forgets the capabilities, so that they are asked for anew.
    pub(super) fn set_capabilities(&mut self, list: &[u8]) {
        self.capabilities =
            list.split(|&b| b == b' ').filter(|w| !w.is_empty()).map(<[u8]>::to_ascii_uppercase).collect();
    }

    /// Reads one answer: its lines, and its literals as `bodies` and the limits say.
    fn read(&mut self, answer: &mut Answer, bodies: &mut dyn Bodies) -> Result<(), WireError> {
        answer.clear();
        let mut may_hold = false;
        loop {
            let (is_first, most) = (answer.text.is_empty(), self.limits.answer);
            let judge = |head: &[u8]| match is_first {
                false if answer.text.starts_with(b"* ") => LongLine::PassedOver,
                false => LongLine::Refused,
                true => long_line(head, most),
            };
            let line = match self.wire.line_or_long(&judge)? {
                Line::Whole(line) => line,
                Line::Long { tail, octets } => return self.pass_over(answer, tail, octets),
            };
            if answer.text.is_empty() {
                may_hold = may_hold_literals(line);
            }
            if answer.text.len().saturating_add(line.len()) > self.limits.answer {
                return Err(WireError::Protocol(format!("an answer is over {} bytes", self.limits.answer)));
            }
            let octets = if may_hold { announced(line) } else { None };
            answer.text.extend_from_slice(line);
            let Some(octets) = octets else { return Ok(()) };
            let octets = octets.map_err(|NoLength| {
                WireError::Protocol("a literal has a length that none can have".to_owned())
            })?;
            let literal = if fetch::is_body_next(&answer.text) {
                self.body(&answer.text, octets, bodies)?
            } else {
                let held: usize = answer.literals.iter().map(held).sum();
                let fits =
                    usize::try_from(octets).ok().filter(|n| n.saturating_add(held) <= self.limits.answer);
                let octets = fits.ok_or_else(|| {
                    WireError::Protocol(format!(
                        "a literal of {octets} octets that is no message is announced"
                    ))
                })?;
                let mut bytes = Vec::new();
                self.wire.octets(octets, &mut bytes)?;
                self.wire.transcript.server_literal(&bytes);
                self.unhelpful = self.unhelpful.saturating_add(octets);
                Literal::Bytes(bytes)
            };
            if answer.literals.len() >= LITERALS {
                return Err(WireError::Protocol(format!("an answer has over {LITERALS} literals")));
            }
            answer.text.push(LITERAL);
            answer.literals.push(literal);
        }
    }

    /// Reads to the end of an answer of which a line is too long, and keeps nothing of it. What it told of is missing
    /// then, and is asked for again by whoever misses it.
    fn pass_over(&mut self, answer: &mut Answer, mut tail: Vec<u8>, octets: usize) -> Result<(), WireError> {
        self.unhelpful = self.unhelpful.saturating_add(octets);
        while let Some(octets) = announced(&tail) {
            let octets = octets.ok().filter(|octets| *octets <= PASSED_OVER);
            let mut left = octets.ok_or_else(|| {
                WireError::Protocol("a literal of any length stands in a line that is too long".to_owned())
            })?;
            while left > 0 {
                let size = usize::try_from(left).unwrap_or(usize::MAX).min(PART);
                self.wire.octets(size, &mut Vec::new())?;
                left = left.saturating_sub(size as u64);
            }
            tail = match self.wire.line_or_long(&|_| LongLine::PassedOver)? {
                Line::Whole(line) => line.to_vec(),
                Line::Long { tail, octets } => {
                    self.unhelpful = self.unhelpful.saturating_add(octets);
                    tail
                }
            };
        }
        let text = format!("an answer with a line of {octets} bytes was passed over");
        self.notices.push(Notice { code: "line-too-long", path: None, text, is_partial: true });
        answer.clear();
        answer.text.extend_from_slice(b"* TOO-LONG");
        Ok(())
    }

    /// Reads the body of a message to where `bodies` wants it.
    fn body(&mut self, text: &[u8], octets: u64, bodies: &mut dyn Bodies) -> Result<Literal, WireError> {
        let room = bodies.room(text, octets);
        match room {
            Room::Keep => {
                let octets = usize::try_from(octets).unwrap_or(usize::MAX);
                let mut bytes = Vec::new();
                self.wire.octets(octets, &mut bytes)?;
                self.wire.transcript.body(octets as u64, Sha256Digest::of(&bytes));
                Ok(Literal::Bytes(bytes))
            }
            Room::Stream => {
                let mut digest = Sha256Stream::new();
                let until = self.wire.deadline(octets);
                let mut left = octets;
                while left > 0 {
                    let size = usize::try_from(left).unwrap_or(usize::MAX).min(PART);
                    let mut bytes = Vec::with_capacity(size);
                    self.wire.octets(size, &mut bytes)?;
                    digest.update(&bytes);
                    left = left.saturating_sub(size as u64);
                    bodies.part(bytes)?;
                    self.helped();
                    // The whole has its own time, however the pieces come.
                    if left > 0 && Instant::now() > until {
                        return Err(WireError::Slow);
                    }
                }
                self.wire.transcript.body(octets, digest.finish());
                Ok(Literal::Elsewhere(octets))
            }
            Room::Drop => {
                if octets > PASSED_OVER.min(self.limits.message) {
                    return Err(WireError::Protocol(format!(
                        "a message of {octets} octets is announced that was not asked for"
                    )));
                }
                let mut left = octets;
                while left > 0 {
                    let size = usize::try_from(left).unwrap_or(usize::MAX).min(PART);
                    self.wire.octets(size, &mut Vec::new())?;
                    left = left.saturating_sub(size as u64);
                }
                self.unhelpful =
                    self.unhelpful.saturating_add(usize::try_from(octets / 64).unwrap_or(usize::MAX));
                self.wire.transcript.skipped(octets);
                Ok(Literal::Elsewhere(octets))
            }
        }
    }
}

/// What becomes of a line over the limit that begins an answer: lists of UIDs stand in one line, however many they are.
fn long_line(head: &[u8], most: usize) -> LongLine {
    let is_list = |word: &[u8]| head.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if is_list(b"* SEARCH ") || is_list(b"* ESEARCH ") || is_list(b"* VANISHED ") {
        LongLine::Kept(most)
    } else if head.starts_with(b"* ") {
        LongLine::PassedOver
    } else {
        LongLine::Refused
    }
}

fn held(literal: &Literal) -> usize {
    match literal {
        Literal::Bytes(bytes) => bytes.len(),
        Literal::Elsewhere(_) => 0,
    }
}

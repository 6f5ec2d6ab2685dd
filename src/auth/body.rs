//! The body hash under several readings: which one makes `bh=` match, and so what was changed on the way or in storage.

use std::cell::OnceCell;

use crate::parse::decode;
use crate::parse::dkim::{Algorithm, Canon, Signature};
use crate::parse::header::Header;
use crate::parse::known::Known;
use crate::parse::value::structured;
use crate::types::unescape::quoted_lines;

use super::Depth;
use super::canon::{BodyHash, crlf_lines, lines, trim_end};

/// Longest body that is read in other ways than as it stands.
pub(super) const MAX_TRIED: usize = 64 << 20;
/// Most signatures of one message for which other readings are tried.
pub(super) const MAX_SIGNATURES_TRIED: usize = 8;

/// What all signatures of one message together may cost, in bytes and the like: some seconds. Without it, many
/// signatures over a long body of short lines would cost minutes.
const MAX_WORK: u64 = 4_000_000_000;
/// What a line costs beside its bytes when it is hashed.
const LINE: u64 = 32;
/// What it costs to close the hash at a line.
const CLOSED_LINE: u64 = 300;
/// Readings beside the first, each of which costs a pass.
const READINGS: u64 = 8;

/// A way to read a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The message as the case reads it; lines end in CRLF.
    AsIs,
    /// The same, with each LF read as CRLF.
    LfAsCrlf,
    /// Only CRLF ends a line; a bare LF is a byte.
    BareLfKept,
    /// The slice as found in the container, quoted `From ` lines left alone.
    AsFound,
    /// One `>` taken from each line that matches `^>+From ` (mboxrd).
    UnescapedRd,
    /// One `>` taken from each line that starts with `>From ` (mboxo).
    UnescapedO,
    /// Surplus CRs before line ends taken out.
    DoubledCr,
    /// Blanks at line ends taken out.
    TrailingSpace,
    /// The blank behind `--` put back, that some mailers take away.
    SignatureDashes,
    /// Without the last lines.
    Footer,
    /// Without the lines from a rule of underscores to the next boundary.
    FooterInside,
    /// Without the last part of the multipart.
    LastPart,
    /// The first part of the multipart alone: a list put the message into a wrapper.
    FirstPart,
    /// Decoded: the transfer encoding was put on later.
    Decoded,
}

impl Reading {
    /// The word for it in outputs.
    pub fn code(self) -> &'static str {
        match self {
            Self::AsIs => "as-is",
            Self::LfAsCrlf => "lf-as-crlf",
            Self::BareLfKept => "bare-lf-kept",
            Self::AsFound => "as-found",
            Self::UnescapedRd => "unescaped-mboxrd",
            Self::UnescapedO => "unescaped-mboxo",
            Self::DoubledCr => "doubled-cr-removed",
            Self::TrailingSpace => "trailing-space-removed",
            Self::SignatureDashes => "signature-dashes-restored",
            Self::Footer => "without-footer",
            Self::FooterInside => "without-footer-inside",
            Self::LastPart => "without-last-part",
            Self::FirstPart => "first-part-alone",
            Self::Decoded => "transfer-encoding-undone",
        }
    }

    /// What it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::AsIs => "the body is what was signed",
            Self::LfAsCrlf => "the body is what was signed, stored with LF in place of CRLF",
            Self::BareLfKept => "the body is what was signed, bare LFs included",
            Self::AsFound => {
                "the body is what was signed when no `>` is taken from quoted `From ` lines: the container's writer did not quote"
            }
            Self::UnescapedRd => {
                "the body is what was signed once a `>` is taken from each line `>*From ` (mboxrd quoting)"
            }
            Self::UnescapedO => {
                "the body is what was signed once the `>` is taken from lines `>From ` (mboxo quoting)"
            }
            Self::DoubledCr => "the body is what was signed but for surplus CRs before line ends",
            Self::TrailingSpace => "blanks at line ends were put in after signing",
            Self::SignatureDashes => "the blank behind `--` was taken away after signing",
            Self::Footer => "lines were put at the end after signing",
            Self::FooterInside => "lines from a rule of underscores on were put into a part after signing",
            Self::LastPart => "the last part was put in after signing",
            Self::FirstPart => {
                "the message was put into a multipart after signing; its first part is the body that was signed"
            }
            Self::Decoded => "the transfer encoding was put on after signing",
        }
    }

    /// Whether the reading undoes how the message is stored; the others undo a change of what was sent.
    pub fn is_storage(self) -> bool {
        matches!(
            self,
            Self::AsIs
                | Self::LfAsCrlf
                | Self::BareLfKept
                | Self::AsFound
                | Self::UnescapedRd
                | Self::UnescapedO
                | Self::DoubledCr
        )
    }
}

/// What came of a body hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyCheck {
    /// The reading whose hash is `bh=`; `None` when none of those tried has it.
    pub reading: Option<Reading>,
    /// Lines that the reading leaves out, for those that leave some out.
    pub lines_left_out: u64,
    /// The digest of the body as it stands.
    pub computed: Vec<u8>,
    /// Canonical bytes of the body as it stands.
    pub canonical_size: u64,
    /// Bytes beyond `l=`, which the signature does not cover.
    pub unsigned_size: u64,
    /// `l=` is larger than the body.
    pub is_length_over: bool,
    /// Other readings were not tried: the body is too long, or there are too many signatures.
    pub is_cut_short: bool,
}

impl BodyCheck {
    /// Whether the body that is stored is the one that was signed.
    pub fn is_ok(&self) -> bool {
        self.reading.is_some_and(Reading::is_storage) && !self.is_length_over
    }
}

/// The bodies of one message, and what was computed of them.
#[derive(Debug)]
pub(super) struct Bodies<'a> {
    body: &'a [u8],
    as_found: Option<&'a [u8]>,
    boundary: OnceCell<Option<Vec<u8>>>,
    content_type: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    depth: Depth,
    tried: usize,
    known: Vec<(Want, BodyCheck)>,
    lines: OnceCell<u64>,
    work: u64,
    is_given_up: bool,
}

/// What a signature asks of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Want {
    canon: Canon,
    algorithm: Algorithm,
    length: Option<u64>,
    hash: Vec<u8>,
}

impl<'a> Bodies<'a> {
    /// Of a message with its header; `as_found` is its slice in the container when that differs.
    pub(super) fn new(
        message: &'a [u8],
        header: &Header<'a>,
        as_found: Option<&'a [u8]>,
        depth: Depth,
    ) -> Self {
        let body = message.get(header.body_start..).unwrap_or_default();
        let value = |known: Known| header.first(known).map(|field| field.value);
        Self {
            body,
            as_found: as_found.filter(|slice| *slice != message).map(|slice| {
                let start = crate::parse::header::read(slice).value.body_start;
                slice.get(start..).unwrap_or_default()
            }),
            boundary: OnceCell::new(),
            content_type: value(Known::ContentType),
            encoding: value(Known::ContentTransferEncoding),
            depth,
            tried: 0,
            known: Vec::new(),
            lines: OnceCell::new(),
            work: MAX_WORK,
            is_given_up: false,
        }
    }

    /// Whether a signature was left unchecked because those before it had cost too much.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up
    }

    /// Takes the cost of so many passes and closed lines, when as much is left.
    fn may_spend(&mut self, passes: u64, closings: u64) -> bool {
        let lines = *self.lines.get_or_init(|| memchr::memchr_iter(b'\n', self.body).count() as u64);
        let pass = (self.body.len() as u64).saturating_add(lines.saturating_mul(LINE));
        let closings = closings.saturating_mul(lines).saturating_mul(CLOSED_LINE);
        let left = self.work.checked_sub(pass.saturating_mul(passes).saturating_add(closings));
        left.inspect(|left| self.work = *left).is_some()
    }

    /// The check of a signature's `bh=`; `None` when `a=` is unknown, the body is not whole, or the signatures before
    /// it cost too much.
    pub(super) fn check(&mut self, signature: &Signature) -> Option<BodyCheck> {
        if matches!(self.depth, Depth::Head | Depth::Outline { is_whole: false }) {
            return None;
        }
        let want = Want {
            canon: signature.canon.1,
            algorithm: signature.algorithm?,
            length: signature.length,
            hash: signature.body_hash.clone(),
        };
        if let Some((_, check)) = self.known.iter().find(|(w, _)| *w == want) {
            return Some(check.clone());
        }
        if !self.may_spend(1, 0) {
            self.is_given_up = true;
            return None;
        }
        let check = self.compute(&want);
        self.known.push((want, check.clone()));
        Some(check)
    }

    fn has_bare_lf(&self) -> bool {
        let is_bare = |n: usize| n.checked_sub(1).and_then(|n| self.body.get(n)) != Some(&b'\r');
        memchr::memchr_iter(b'\n', self.body).any(is_bare)
    }

    /// The boundary of the multipart.
    fn boundary(&self) -> Option<&[u8]> {
        let read = || self.content_type.and_then(|value| structured(value).token("boundary"));
        self.boundary.get_or_init(read).as_deref()
    }

    fn compute(&mut self, want: &Want) -> BodyCheck {
        let mut hash = want.start();
        lines(self.body).for_each(|line| hash.line(line));
        let size = hash.len();
        let mut check = BodyCheck {
            reading: None,
            lines_left_out: 0,
            computed: hash.now(),
            canonical_size: size,
            unsigned_size: want.length.map_or(0, |l| size.saturating_sub(l)),
            is_length_over: want.length.is_some_and(|l| l > size),
            is_cut_short: false,
        };
        if check.computed == want.hash {
            check.reading = Some(if self.has_bare_lf() { Reading::LfAsCrlf } else { Reading::AsIs });
        } else if !want.hash.is_empty() {
            let (passes, closings) =
                if self.depth == Depth::Full { (READINGS, 2) } else { (READINGS / 2, 0) };
            let may = self.tried < MAX_SIGNATURES_TRIED
                && self.body.len() <= MAX_TRIED
                && self.may_spend(passes, closings);
            check.is_cut_short = !may;
            if may {
                self.tried += 1;
                if let Some((reading, left_out)) = self.explain(want) {
                    check.reading = Some(reading);
                    check.lines_left_out = left_out;
                }
            }
        }
        check
    }

    /// The first other reading that fits; each costs one pass over the body at most.
    fn explain(&self, want: &Want) -> Option<(Reading, u64)> {
        if let Some(found) = self.as_found
            && want.fits(lines(found))
        {
            return Some((Reading::AsFound, 0));
        }
        let has_crlf = || memchr::memmem::find(self.body, b"\r\n").is_some();
        if self.has_bare_lf() && has_crlf() && want.fits(crlf_lines(self.body)) {
            return Some((Reading::BareLfKept, 0));
        }
        let has_quotes = quoted_lines(self.body).next().is_some();
        if has_quotes {
            for (reading, rd) in [(Reading::UnescapedRd, true), (Reading::UnescapedO, false)] {
                if want.fits(lines(self.body).map(|line| unquoted(line, rd))) {
                    return Some((reading, 0));
                }
            }
        }
        if memchr::memmem::find(self.body, b"\r\r").is_some()
            && want.fits(lines(self.body).map(|line| line.trim_suffix_all(b'\r')))
        {
            return Some((Reading::DoubledCr, 0));
        }
        if self.depth != Depth::Full {
            return None;
        }
        if want.canon == Canon::Simple {
            if want.fits(lines(self.body).map(trim_end)) {
                return Some((Reading::TrailingSpace, 0));
            }
            if want.fits(lines(self.body).map(|line| if line == b"--" { b"-- " } else { line })) {
                return Some((Reading::SignatureDashes, 0));
            }
        }
        if let Some(left_out) = footer(want, lines(self.body)) {
            return Some((Reading::Footer, left_out));
        }
        if has_quotes && let Some(left_out) = footer(want, lines(self.body).map(|l| unquoted(l, true))) {
            return Some((Reading::Footer, left_out));
        }
        self.inside(want).or_else(|| self.decoded(want))
    }

    /// What lists do to multiparts.
    fn inside(&self, want: &Want) -> Option<(Reading, u64)> {
        let all: Vec<&[u8]> = lines(self.body).collect();
        let without = |from: usize, to: usize| {
            let kept = all.get(..from).into_iter().chain(all.get(to..)).flatten();
            want.fits(kept.copied())
        };
        // Mailman's rule has 47 underscores; others have fewer.
        let is_rule = |line: &&[u8]| line.len() >= 20 && line.iter().all(|b| *b == b'_');
        if let Some(rule) = all.iter().rposition(is_rule) {
            let after =
                all.iter().skip(rule).position(|l| l.starts_with(b"--")).map_or(all.len(), |n| rule + n);
            for from in [rule, rule.saturating_sub(1)] {
                if without(from, after) {
                    return Some((Reading::FooterInside, (after - from) as u64));
                }
            }
        }
        let marker = [b"--", self.boundary()?].concat();
        let close = [marker.as_slice(), b"--"].concat();
        let is = |line: &[u8], wanted: &[u8]| trim_end(line) == wanted;
        let starts: Vec<usize> =
            all.iter().enumerate().filter(|(_, line)| is(line, &marker)).map(|(n, _)| n).collect();
        let end = all.iter().rposition(|line| is(line, &close)).unwrap_or(all.len());
        if let [_, .., last] = starts.as_slice()
            && *last < end
            && without(*last, end)
        {
            return Some((Reading::LastPart, (end - last) as u64));
        }
        let first = *starts.first()?;
        let next = starts.get(1).copied().unwrap_or(end).max(first);
        let part = all.get(first + 1..next)?;
        let blank = part.iter().position(|line| line.is_empty())?;
        let content = part.get(blank + 1..)?;
        want.fits(content.iter().copied()).then(|| (Reading::FirstPart, (all.len() - content.len()) as u64))
    }

    fn decoded(&self, want: &Want) -> Option<(Reading, u64)> {
        let mut out = Vec::new();
        match self
            .encoding
            .map(|value| value.trim_ascii().to_ascii_lowercase())
            .unwrap_or_default()
            .as_slice()
        {
            b"quoted-printable" => {
                decode::quoted_printable(self.body, &mut out);
            }
            b"base64" => {
                decode::base64(self.body, &mut out);
            }
            _ => return None,
        }
        want.fits(lines(&out)).then_some((Reading::Decoded, 0))
    }
}

impl Want {
    fn start(&self) -> BodyHash {
        BodyHash::new(self.canon, self.algorithm, self.length)
    }

    fn fits<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut hash = self.start();
        lines.for_each(|line| hash.line(line));
        hash.now() == self.hash
    }
}

/// How many lines at the end must go for the hash to fit. The hash so far is closed at every line, which costs the
/// same for each, so this is one pass however long the footer is.
fn footer<'a>(want: &Want, lines: impl Iterator<Item = &'a [u8]>) -> Option<u64> {
    let mut hash = want.start();
    let (mut total, mut fits) = (0_u64, None);
    for line in lines {
        if !line.is_empty() && hash.now() == want.hash {
            fits = Some(total);
        }
        hash.line(line);
        total += 1;
    }
    fits.map(|at| total - at)
}

fn unquoted(line: &[u8], rd: bool) -> &[u8] {
    let quotes = line.iter().take_while(|b| **b == b'>').count();
    let is_from = line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From "));
    if is_from && (quotes == 1 || rd && quotes > 1) { line.get(1..).unwrap_or_default() } else { line }
}

trait TrimSuffix {
    fn trim_suffix_all(&self, byte: u8) -> &[u8];
}

impl TrimSuffix for [u8] {
    fn trim_suffix_all(&self, byte: u8) -> &[u8] {
        let end = self.iter().rposition(|b| *b != byte).map_or(0, |n| n + 1);
        self.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::dkim::{SignatureKind, signature};
    use crate::parse::header;

    #[test]
    fn signatures_are_left_unchecked_when_those_before_them_cost_too_much() {
        let message = b"Subject: x\r\n\r\na\r\nb\r\n";
        let read = header::read(message).value;
        let mut bodies = Bodies::new(message, &read, None, Depth::Full);
        let one = |length: u64| {
            let text = format!(" v=1; a=rsa-sha256; d=a.example; s=s; l={length}; h=from; bh=QUFB; b=QUFB");
            signature(text.as_bytes(), 0, SignatureKind::Dkim).value
        };
        assert!(bodies.check(&one(1)).is_some_and(|check| !check.is_cut_short));
        // A pass costs the bytes and the lines.
        bodies.work = 6 + 2 * LINE;
        assert!(bodies.check(&one(2)).is_some_and(|check| check.is_cut_short));
        assert!(!bodies.is_given_up());
        assert_eq!(bodies.check(&one(3)), None);
        assert!(bodies.is_given_up());
        // What was computed before is known all the same.
        assert!(bodies.check(&one(1)).is_some());
    }
}

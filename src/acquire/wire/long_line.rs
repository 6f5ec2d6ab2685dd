//! Lines over the limit: kept whole, passed over, or the end of the connection, as their first bytes say.

use super::{Wire, WireError};

/// A line of a server.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// One that was passed over.
    Long {
        /// Its last bytes.
        tail: Vec<u8>,
        /// How long it is.
        octets: usize,
    },
}

/// What becomes of a line that is longer than `Limits::line`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongLine {
    /// The connection cannot be used any more.
    Refused,
    /// Nothing of it is kept; the next line is read.
    PassedOver,
    /// It is read, up to so many bytes.
    Kept(usize),
}

/// Bytes that are looked at of either end of a line that is too long.
const LINE_END: usize = 64;

/// Longest line that is passed over.
const LONGEST_LINE: usize = 1 << 20;

impl Wire<'_> {
    /// The next line, or what is kept of one that is longer than `Limits::line` and was passed over; `judge` says by
    /// its first bytes what becomes of such a line.
    ///
    /// # Errors
    /// As [`Wire::line`].
    pub fn line_or_long(&mut self, judge: &dyn Fn(&[u8]) -> LongLine) -> Result<Line<'_>, WireError> {
        let (mut long, mut most) = (None::<usize>, self.limits.line);
        loop {
            match (self.find_line(most), &mut long) {
                (Ok(range), None) => {
                    let line = self.buffer.get(range).unwrap_or_default();
                    self.transcript.server(line);
                    return Ok(Line::Whole(line));
                }
                (Ok(range), Some(octets)) => {
                    let octets = octets.saturating_add(range.len());
                    self.transcript.event(&format!("a line of {octets} bytes was passed over"));
                    let tail = self.buffer.get(range).unwrap_or_default().to_vec();
                    return Ok(Line::Long { tail, octets });
                }
                (Err(error), long) => {
                    let waits = self.waiting();
                    if !matches!(error, WireError::Protocol(_)) || waits.len() <= most {
                        return Err(error);
                    }
                    // The first bytes tell what line it is, so it is judged while they are there.
                    let judged = match long {
                        Some(octets) if *octets < LONGEST_LINE => LongLine::PassedOver,
                        Some(_) => LongLine::Refused,
                        None => judge(waits.get(..LINE_END).unwrap_or_default()),
                    };
                    match judged {
                        LongLine::Kept(longest) if most < longest => most = longest,
                        LongLine::PassedOver => {
                            // The last bytes may announce a literal.
                            let used = waits.len().saturating_sub(LINE_END);
                            *long = Some(long.unwrap_or(0).saturating_add(used));
                            self.used(used);
                        }
                        _ => return Err(error),
                    }
                }
            }
        }
    }
}

//! `--refetch-verify` over POP3: a message is fetched a second time, hashed as it comes, and compared with what came
//! first.

use std::time::{Duration, Instant};

use crate::acquire::other::{KEPT_BYTES, other};
use crate::acquire::wire::{Wire, WireError};
use crate::acquire::{AcquireError, Refetched};
use crate::types::digest::Sha256Stream;
use crate::types::{RelPath, Sha256Digest};

use super::answer::status;
use super::body::Unstuffer;
use super::fetch::{PART, SLOWEST, piece};
use super::run::{Run, folder};

/// How a body came that is not alike the first.
const HOW: &str = "fetched again, the message is not alike";

/// A message as it came the second time.
struct Second {
    digest: Sha256Digest,
    total: u64,
    /// Its bytes, unless they are more than is held.
    bytes: Option<Vec<u8>>,
}

impl Run<'_> {
    /// Fetches a message once more and tells what came of it. `Err` of the inner kind: the connection broke over it,
    /// and what came first stands.
    ///
    /// # Errors
    /// What ends the run.
    pub(super) fn again(
        &mut self,
        wire: &mut Wire<'_>,
        number: u64,
        path: &RelPath,
        (first, octets): (Sha256Digest, u64),
    ) -> Result<Result<(), WireError>, AcquireError> {
        let mut sum = Refetched { path: folder(), ..Refetched::default() };
        let came = self.second(wire, number, octets);
        let (why, outcome) = match came {
            Ok(Ok(came)) => {
                wire.transcript.body(came.total, came.digest);
                if came.digest == first {
                    sum.alike = 1;
                } else {
                    sum.differ = 1;
                    self.tell(other(path.clone(), HOW, first, came.digest, came.total, came.bytes))?;
                }
                (None, Ok(()))
            }
            Ok(Err(said)) => (Some(said), Ok(())),
            Err(error) => (Some(format!("the connection broke: {error}")), Err(error)),
        };
        if let Some(why) = why {
            sum.failed = 1;
            let text = format!("the message was not had a second time: {why}");
            self.notice("not-refetched", Some(path.clone()), text, false)?;
        }
        self.tell(crate::acquire::Told::Refetched(sum))?;
        Ok(outcome)
    }

    /// The second fetch; `Err` of the inner kind with the words of a server that refuses it. `octets` came the first
    /// time.
    fn second(
        &self,
        wire: &mut Wire<'_>,
        number: u64,
        octets: u64,
    ) -> Result<Result<Second, String>, WireError> {
        let line = self.fetching(number).line();
        wire.transcript.client(&line);
        wire.send(&[line.as_slice(), b"\r\n"].concat())?;
        let answer = status(wire)?;
        if !answer.is_ok {
            return Ok(Err(answer.shown()));
        }
        let limits = self.order.limits;
        // Another rendering has other boundaries and folds, not another length altogether.
        let most = octets.saturating_mul(2).saturating_add(1 << 20).min(limits.message);
        let begun = Instant::now();
        let mut unstuffer = Unstuffer::new();
        let mut digest = Sha256Stream::new();
        let (mut held, mut out, mut total) = (Some(Vec::new()), Vec::new(), 0_u64);
        while !unstuffer.is_done() {
            piece(wire, &mut unstuffer, &mut out)?;
            if out.len() >= PART || unstuffer.is_done() {
                total = total.saturating_add(out.len() as u64);
                digest.update(&out);
                held = held.filter(|h: &Vec<u8>| h.len().saturating_add(out.len()) <= KEPT_BYTES);
                if let Some(held) = &mut held {
                    held.append(&mut out);
                }
                out.clear();
            }
            if total > most {
                return Err(WireError::Broken(format!(
                    "the second time it did not end after {total} octets"
                )));
            }
            if begun.elapsed() > limits.idle.saturating_add(Duration::from_secs(total / SLOWEST)) {
                return Err(WireError::Slow);
            }
        }
        Ok(Ok(Second { digest: digest.finish(), total, bytes: held }))
    }
}

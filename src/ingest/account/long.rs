//! Messages that come in parts: put together where they fit into memory, else written to the case as they come.

use crate::acquire::{Message, Place, Told};
use crate::ingest::IngestError;
use crate::ingest::registry::{self, InTurn};
use crate::ingest::work::Claims;
use crate::store::pack::BLOB_IN_MEMORY;
use crate::types::digest::WireStream;
use crate::types::server::ServerState;
use crate::types::{Anomaly, AnomalyKind};

use super::output::Output;
use super::parcel::Hashed;

/// A message that has begun.
#[derive(Debug)]
pub(super) struct Long {
    at: Place,
    // What came so far, until it is too much; then empty.
    bytes: Vec<u8>,
    len: u64,
    is_streamed: bool,
    wire: WireStream,
}

/// What is to be done with something that was told.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most of what is told is whole, and goes through here one by one"
)]
pub(super) enum Taken {
    /// It is whole.
    Whole(Told),
    /// It was kept as a part of something.
    Kept,
    /// It belongs to a message that is written as it comes, when nothing else is on its way.
    Stream(Streamed),
}

/// A step of a message that is written as it comes.
#[derive(Debug)]
pub(super) enum Streamed {
    /// Its first bytes.
    Begin(Vec<u8>),
    /// More.
    Part(Vec<u8>),
    /// It is whole.
    End {
        /// Where it is.
        at: Place,
        /// What the server said.
        server: Box<ServerState>,
        /// What was odd.
        notes: Vec<Anomaly>,
        /// Digest of its wire form, as far as it was hashed.
        wire: Box<WireStream>,
        /// Its length.
        len: u64,
    },
    /// It broke off.
    Abort,
}

impl Long {
    /// Takes the next thing.
    pub(super) fn take(long: &mut Option<Self>, told: Told) -> Taken {
        match told {
            Told::LongStart { at } => {
                *long =
                    Some(Self { at, bytes: Vec::new(), len: 0, is_streamed: false, wire: WireStream::new() });
                Taken::Kept
            }
            Told::Part(part) => match long.as_mut() {
                Some(long) => long.part(part),
                None => Taken::Kept,
            },
            Told::LongEnd { server, mut notes } => match long.take() {
                Some(Self { at, bytes, is_streamed: false, .. }) => {
                    Taken::Whole(Told::Message(Message { at, server, bytes, notes }))
                }
                Some(Self { at, len, wire, .. }) => {
                    notes.push(Anomaly::whole(AnomalyKind::ItemOverParseLimit));
                    let (server, wire) = (Box::new(server), Box::new(wire));
                    Taken::Stream(Streamed::End { at, server, notes, wire, len })
                }
                None => Taken::Kept,
            },
            Told::LongBroken => match long.take() {
                Some(Self { is_streamed: true, .. }) => Taken::Stream(Streamed::Abort),
                _ => Taken::Kept,
            },
            told => Taken::Whole(told),
        }
    }

    /// Whether it is being written as it comes.
    pub(super) fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    fn part(&mut self, part: Vec<u8>) -> Taken {
        self.len += part.len() as u64;
        if self.is_streamed {
            self.wire.update(&part);
            return Taken::Stream(Streamed::Part(part));
        }
        self.bytes.extend_from_slice(&part);
        if self.len <= BLOB_IN_MEMORY {
            return Taken::Kept;
        }
        self.is_streamed = true;
        self.wire.update(&self.bytes);
        Taken::Stream(Streamed::Begin(std::mem::take(&mut self.bytes)))
    }
}

impl Streamed {
    /// Does it; nothing else may be on its way to the case.
    pub(super) fn write(self, output: &mut Output<'_>, claims: &InTurn<Claims>) -> Result<(), IngestError> {
        match self {
            Self::Begin(bytes) => {
                output.store.blob_begin()?;
                output.store.blob_part(&bytes)?;
            }
            Self::Part(bytes) => output.store.blob_part(&bytes)?,
            Self::Abort => output.store.blob_abort(),
            Self::End { at, server, notes, wire, len } => {
                let sha256 = claims.idle(|claims| {
                    let known = &claims.registry;
                    let (sha256, stored) = output.store.blob_end(|digest| known.find(digest).is_none())?;
                    if stored.is_some() {
                        let place = registry::Place { frame: claims.next_frame, offset: 0, len };
                        claims.next_frame += 1;
                        claims.registry.insert(&sha256, place);
                    }
                    Ok::<_, IngestError>(sha256)
                })?;
                output.message(at, *server, notes, Hashed { sha256, wire: wire.finish(), len })?;
                output.wrote(len)?;
            }
        }
        Ok(())
    }
}

//! Blobs that are too long for memory: written as a stream, given up when the case has them already.

use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;

use super::StoreError;
use super::layout::Layout;
use super::pack::{FrameAt, LEVEL, LongPacker};
use super::writer::Writer;

/// A long blob that is being written.
#[derive(Debug)]
pub(super) struct Long {
    packer: LongPacker,
    blob: Sha256Stream,
    raw: u64,
    stored: Sha256Stream,
    len: u64,
}

/// A long blob that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// Its digest.
    pub sha256: Sha256Digest,
    /// Where it is; it is all of the frame.
    pub frame: FrameAt,
}

impl Writer {
    /// Begins a blob that is too long for memory; its bytes follow with [`Self::blob_part`].
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another is not ended, [`StoreError::Io`].
    pub fn blob_begin(&mut self) -> Result<(), StoreError> {
        if self.long.is_some() {
            return Err(StoreError::Busy);
        }
        self.guarded(|writer| {
            writer.turn_pack()?;
            let packer = LongPacker::new(LEVEL)
                .map_err(|error| StoreError::io("pack", writer.layout.root(), error))?;
            let (blob, stored) = (Sha256Stream::new(), Sha256Stream::new());
            writer.long = Some(Long { packer, blob, raw: 0, stored, len: 0 });
            Ok(())
        })
    }

    /// The next bytes of the blob.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none was begun, [`StoreError::Io`].
    pub fn blob_part(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let mut long = self.long.take().ok_or(StoreError::Busy)?;
        self.guarded(|writer| {
            long.blob.update(bytes);
            long.raw += bytes.len() as u64;
            let (stored, len) = (&mut long.stored, &mut long.len);
            let pushed = long.packer.push(bytes, |ready| {
                stored.update(ready);
                writer.write_pack(ready, *len).map_err(Wrapped::Store)?;
                *len += ready.len() as u64;
                Ok::<_, Wrapped>(())
            });
            pushed.map_err(|error| error.into_store(&writer.layout))?;
            writer.long = Some(long);
            Ok(())
        })
    }

    /// Ends the blob. `is_wanted` is asked with its digest; when it says no (the case has the blob already) the frame
    /// is given up as if it had never been begun.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none was begun, [`StoreError::Io`].
    pub fn blob_end(
        &mut self,
        is_wanted: impl FnOnce(&Sha256Digest) -> bool,
    ) -> Result<(Sha256Digest, Option<Streamed>), StoreError> {
        let mut long = self.long.take().ok_or(StoreError::Busy)?;
        self.guarded(|writer| {
            let sha256 = long.blob.finish();
            if !is_wanted(&sha256) {
                return Ok((sha256, None));
            }
            let rest =
                long.packer.finish().map_err(|error| StoreError::io("pack", writer.layout.root(), error))?;
            writer.write_pack(&rest, long.len)?;
            long.stored.update(&rest);
            let frame = writer.frame_at(long.len + rest.len() as u64, long.raw);
            writer.add_frame(frame, long.stored.finish(), vec![(sha256, long.raw)])?;
            Ok((sha256, Some(Streamed { sha256, frame })))
        })
    }

    /// Gives up the blob that was begun; its bytes are overwritten or cut off later.
    pub fn blob_abort(&mut self) {
        self.long = None;
    }
}

/// What can go wrong in a step that both packs and writes.
enum Wrapped {
    Pack(std::io::Error),
    Store(StoreError),
}

impl From<std::io::Error> for Wrapped {
    fn from(error: std::io::Error) -> Self {
        Self::Pack(error)
    }
}

impl Wrapped {
    fn into_store(self, layout: &Layout) -> StoreError {
        match self {
            Self::Pack(error) => StoreError::io("pack", layout.root(), error),
            Self::Store(error) => error,
        }
    }
}

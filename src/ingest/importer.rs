//! Imports sources into one case, one after the other: finds out whether the case has one, reads it, ends its segment.

use std::path::Path;

use crate::source::{self, Listing, Options};
use crate::store::{Reader, SegmentInfo, SegmentState, Writer, source_id};
use crate::types::event::SourceNaming;
use crate::types::readers::ReaderVersions;
use crate::types::record::{Closed, Record};
use crate::types::{CustodyEvent, RelPath};

use super::derived::Derived;
use super::engine::Engine;
use super::fingerprint::fingerprint;
use super::import::{Blobs, Imported, Reading, Request, head_of, read_into};
use super::output::{Totals, WriteError};
use super::rebuild::catch_up_some;
use super::tools::Bench;
use super::unchanged::{Readings, is_recent, stamps_now};
use super::{IngestError, Watch, refuse_overlap};

/// Bytes of sources that are read before catalog and index are made durable. Each time makes segments of the index,
/// so many small sources are gathered; what is lost of them by a crash is derived again from the record.
const SETTLED: u64 = 32 << 20;

/// Sources that are read before that, at most.
const SETTLED_SOURCES: usize = 1024;

/// Reads sources into a case. What it knows of the case is read once, however many sources there are.
#[derive(Debug)]
pub struct Importer<'a> {
    writer: &'a mut Writer,
    engine: Engine,
    /// `None` after an error that left it in a state that nobody knows.
    derived: Option<Derived>,
    bench: Option<Bench>,
    blobs: Option<Blobs>,
    segments: Vec<SegmentInfo>,
    /// Segments whose items are in catalog and index, which are not durable yet; with their numbers of items.
    unsettled: Vec<(u32, u64)>,
    unsettled_bytes: u64,
    items: u64,
    /// What the file system said of sources when they were read; read from the custody log when it is first asked for.
    readings: Option<Readings>,
}

/// Watches nothing and goes on.
struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _: u64, _: u64) {}

    fn committed(&self, _: u64) {}

    fn is_stopped(&self) -> bool {
        false
    }
}

const NO_DERIVED: IngestError = IngestError::Internal("catalog and index were let go after an error");

impl<'a> Importer<'a> {
    /// Over a case whose catalog and index hold all that is in its record.
    ///
    /// # Errors
    /// [`IngestError::Worker`] when there are no threads to be had.
    pub fn new(writer: &'a mut Writer, derived: Derived, threads: usize) -> Result<Self, IngestError> {
        let segments = writer.segments().to_vec();
        Ok(Self {
            writer,
            engine: Engine::new(threads)?,
            derived: Some(derived),
            bench: None,
            blobs: None,
            segments,
            unsettled: Vec::new(),
            unsettled_bytes: 0,
            items: 0,
            readings: None,
        })
    }

    /// Imports a source. What was committed stays, whatever happens.
    ///
    /// # Errors
    /// What [`refuse_overlap`] refuses, [`IngestError::IsCase`], [`IngestError::Stopped`] on request, and all that
    /// stops the work.
    pub fn import(&mut self, request: &Request, watch: &dyn Watch) -> Result<Imported, IngestError> {
        refuse_overlap(self.writer.layout().root(), &request.root)?;
        let listing = source::list(&request.root)?;
        watch.listed(listing.bytes);
        let cases = cases(&listing);
        if !request.force_case && cases.first().is_some_and(|path| path.as_bytes().is_empty()) {
            return Err(IngestError::IsCase { path: request.root.clone() });
        }
        let mut done = match self.known(request, &listing, watch) {
            Ok(Some(known)) => known,
            Ok(None) => match self.read(request, &listing, watch) {
                Ok(read) => read,
                Err(error) => {
                    // What cannot be set back is derived again by the next command; the first error is the one to tell.
                    self.set_back().unwrap_or_default();
                    return Err(error);
                }
            },
            Err(error) => return Err(error),
        };
        done.cases = cases;
        self.items += done.totals.items;
        Ok(done)
    }

    /// Makes catalog and index durable and lets them go, so that the case can be read from a read-only medium.
    ///
    /// # Errors
    /// [`IngestError::Catalog`], [`IngestError::Index`].
    pub fn finish(mut self) -> Result<(), IngestError> {
        self.settle()?;
        self.derived.take().map_or(Ok(()), Derived::close)
    }

    /// The source that the case has already with the same paths and bytes, if it has; told by an event.
    fn known(
        &mut self,
        request: &Request,
        listing: &Listing,
        watch: &dyn Watch,
    ) -> Result<Option<Imported>, IngestError> {
        // A listing like that of a source of the case: read it once without splitting, and see.
        let alike: Vec<(&SegmentInfo, &Closed)> = self
            .segments
            .iter()
            .filter(|segment| segment.head.as_ref().is_some_and(|head| head.listing == listing.digest))
            .filter_map(|segment| Some((segment, segment.closed()?)))
            .collect();
        if alike.is_empty() {
            return Ok(None);
        }
        let now = stamps_now(listing, request.now_us);
        let readings = match &mut self.readings {
            Some(readings) => readings,
            none => none.insert(Readings::load(self.writer.layout().root())?),
        };
        if let Some(now) = now.as_ref().filter(|now| !request.rehash && !now.is_recent) {
            let same = |closed: &Closed| readings.of(source_id(closed)) == Some(now);
            if let Some((segment, closed)) = alike.iter().find(|(_, closed)| same(closed)) {
                let known = known(segment, closed, &request.options);
                let (naming, source) = (naming(request, listing), known.source);
                self.writer.commit_event(&CustodyEvent::SourceUnchanged { naming, source })?;
                return Ok(Some(Imported { is_unchanged_by_stat: true, ..known }));
            }
        }
        let read = fingerprint(listing, watch);
        if watch.is_stopped() {
            return Err(IngestError::Stopped);
        }
        // A source is read in one way: ids count its containers and items, so two readings would share them.
        let Some((segment, closed)) = alike.into_iter().find(|(_, closed)| Some(closed.id) == read.digest)
        else {
            return Ok(None);
        };
        let known = known(segment, closed, &request.options);
        let (naming, source) = (naming(request, listing), known.source);
        let stat = now.filter(|_| read.is_steady && readings.has(source));
        if let Some(now) = stat.clone() {
            readings.set(source, now);
        }
        self.writer.commit_event(&CustodyEvent::SourceSeenAgain { naming, source, stat })?;
        Ok(Some(known))
    }

    /// Reads a source that the case does not have, or not to its end.
    fn read(
        &mut self,
        request: &Request,
        listing: &Listing,
        watch: &dyn Watch,
    ) -> Result<Imported, IngestError> {
        // A pending segment read with other options is left alone; its items stay, as a source that was never finished.
        let pending = self.segments.iter().rfind(|segment| {
            segment.is_pending()
                && segment.head.as_ref().is_some_and(|head| head.listing == listing.digest)
                && is_same_reading(segment, &request.options)
        });
        let pending = pending.map(|segment| segment.number);
        // Other readers may cut it otherwise: that its lines do not come out again would not mean that the source
        // changed.
        let begun_by = pending.map(|segment| readers_of(self.writer, segment)).transpose()?;
        let by_other_readers = pending.zip(begun_by).filter(|(_, readers)| *readers != source::READERS);
        if pending.is_some() || listing.bytes > SETTLED {
            self.settle()?;
        }
        let mut source_changed = false;
        if let Some(segment) = pending.filter(|_| by_other_readers.is_none()) {
            match self.read_into(request, listing, segment, true, watch) {
                Ok((closed, totals)) => return self.closed(request, listing, segment, closed, totals, true),
                Err(WriteError::Failed(error)) => return Err(error),
                Err(WriteError::Diverged) => {
                    self.set_back()?;
                    source_changed = true;
                }
            }
        }
        let segment = self.writer.new_segment()?;
        let head = Record::Source(head_of(listing, &request.options));
        let mut line = Vec::new();
        head.write_line(&mut line);
        self.writer.append_ledger(segment, &line)?;
        let naming = naming(request, listing);
        let readers = source::READERS;
        let begun = CustodyEvent::SourceBegun { naming, segment, readers, by_other_readers, source_changed };
        self.writer.commit_event(&begun)?;
        self.derived.as_mut().ok_or(NO_DERIVED)?.catalog.record(segment, 0, &head)?;
        match self.read_into(request, listing, segment, false, watch) {
            Ok((closed, totals)) => self.closed(request, listing, segment, closed, totals, false),
            Err(WriteError::Failed(error)) => Err(error),
            Err(WriteError::Diverged) => Err(IngestError::Internal("a new segment that has older lines")),
        }
    }

    fn read_into(
        &mut self,
        request: &Request,
        listing: &Listing,
        segment: u32,
        is_resumed: bool,
        watch: &dyn Watch,
    ) -> Result<(Closed, Totals), WriteError> {
        let blobs = self.blobs.take();
        let reader = match &blobs {
            Some(_) if !is_resumed => None,
            _ => Some(Reader::open(self.writer.layout().root())?),
        };
        let blobs = match (blobs, &reader) {
            (Some(blobs), _) => blobs,
            (None, Some(reader)) => Blobs::load(reader)?,
            (None, None) => return Err(IngestError::Internal("no reader for the blobs of the case").into()),
        };
        let derived = self.derived.as_mut().ok_or(NO_DERIVED)?;
        let bench = match &mut self.bench {
            Some(bench) => bench,
            none => none.insert(Bench::of(derived, self.engine.threads())),
        };
        let reading = Reading {
            listing,
            options: &request.options,
            segment,
            resume: reader.as_ref().filter(|_| is_resumed),
            base_items: self.items,
            mount: listing.mount(),
            is_recent: is_recent(listing, request.now_us),
        };
        let (closed, totals, blobs) =
            read_into(&reading, &self.engine, self.writer, derived, bench, blobs, watch)?;
        self.blobs = Some(blobs);
        Ok((closed, totals))
    }

    /// A segment was read to its end.
    fn closed(
        &mut self,
        request: &Request,
        listing: &Listing,
        segment: u32,
        closed: Closed,
        totals: Totals,
        is_resumed: bool,
    ) -> Result<Imported, IngestError> {
        self.unsettled.push((segment, totals.items));
        self.unsettled_bytes += totals.bytes;
        if self.unsettled_bytes >= SETTLED || self.unsettled.len() >= SETTLED_SOURCES {
            self.settle()?;
        }
        let (source, digest) = (source_id(&closed), closed.id);
        // A truncated file has another digest on every read, so it never clashes.
        let is_clash = |s: &SegmentInfo| s.source() == source && s.closed().is_some_and(|c| c.id != digest);
        if self.segments.iter().any(is_clash) {
            return Err(IngestError::IdClash { id: source.to_string() });
        }
        self.segments.retain(|known| known.number != segment);
        self.segments.push(SegmentInfo {
            number: segment,
            state: SegmentState::Closed(closed),
            head: Some(head_of(listing, &request.options)),
            account: None,
            bytes: 0,
        });
        Ok(Imported {
            source,
            digest,
            segment,
            is_known: false,
            is_unchanged_by_stat: false,
            read_otherwise: None,
            is_resumed,
            totals,
            cases: Vec::new(),
        })
    }

    /// Makes catalog and index durable.
    fn settle(&mut self) -> Result<(), IngestError> {
        if self.unsettled.is_empty() {
            return Ok(());
        }
        let derived = self.derived.as_mut().ok_or(NO_DERIVED)?;
        if let Some(bench) = &self.bench {
            bench.flush(&derived.index)?;
        }
        derived.commit(&self.unsettled)?;
        self.unsettled.clear();
        self.unsettled_bytes = 0;
        Ok(())
    }

    /// After an error: forgets what was not committed, and derives again what was read to its end before.
    fn set_back(&mut self) -> Result<(), IngestError> {
        self.blobs = None;
        self.bench = None;
        let segments: Vec<u32> = self.unsettled.drain(..).map(|(segment, _)| segment).collect();
        self.unsettled_bytes = 0;
        // The old one is let go before the case is opened again.
        drop(self.derived.take());
        let mut derived = Derived::open(self.writer.layout())?;
        if !segments.is_empty() {
            let reader = Reader::open(self.writer.layout().root())?;
            catch_up_some(&reader, &mut derived, self.engine.threads(), &Unwatched, |n| {
                segments.contains(&n)
            })?;
        }
        self.derived = Some(derived);
        Ok(())
    }
}

/// What is told of a source that the case has.
fn known(segment: &SegmentInfo, closed: &Closed, options: &Options) -> Imported {
    let read_otherwise = segment.head.as_ref().filter(|_| !is_same_reading(segment, options));
    Imported {
        source: source_id(closed),
        digest: closed.id,
        segment: segment.number,
        is_known: true,
        is_unchanged_by_stat: false,
        read_otherwise: read_otherwise.map(|head| (head.kind.clone(), head.split.clone())),
        is_resumed: false,
        totals: Totals {
            containers: closed.containers,
            items: closed.items,
            bytes: closed.bytes,
            ..Totals::default()
        },
        cases: Vec::new(),
    }
}

/// The readers that make a segment, by the event that began it.
fn readers_of(writer: &Writer, segment: u32) -> Result<ReaderVersions, IngestError> {
    for event in Reader::open(writer.layout().root())?.custody()? {
        let (_, event) = event?;
        if let Ok(CustodyEvent::SourceBegun { segment: of, readers, .. }) = event.read()
            && of == segment
        {
            return Ok(readers);
        }
    }
    Ok(ReaderVersions::FIRST)
}

fn is_same_reading(segment: &SegmentInfo, options: &Options) -> bool {
    let is = |head: &crate::types::record::SourceHead| {
        head.kind == options.kind.code() && head.split == options.split.code()
    };
    segment.head.as_ref().is_some_and(is)
}

/// The folders of a source that are cases: they hold the three files that every case begins with.
fn cases(listing: &Listing) -> Vec<RelPath> {
    let has = |path: &[u8]| listing.found.binary_search_by(|found| found.path.as_bytes().cmp(path)).is_ok();
    let mut out = Vec::new();
    for found in listing.found.iter().filter(|_| !listing.single) {
        let path = found.path.as_bytes();
        let Some(folder) = path.strip_suffix(b"custody.jsonl") else { continue };
        let beside = |name: &[u8]| has(&[folder, name].concat());
        if (folder.is_empty() || folder.ends_with(b"/")) && beside(b"VERSION") && beside(b"case.json") {
            out.push(RelPath::new(folder.strip_suffix(b"/").unwrap_or(folder)));
        }
    }
    out.sort();
    out
}

/// How the source was named on this machine, and what the walk found.
fn naming(request: &Request, listing: &Listing) -> SourceNaming {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    SourceNaming {
        bytes: listing.bytes,
        canonical: std::fs::canonicalize(&listing.root).ok().map(|real| bytes(&real)),
        entries: listing.found.len() as u64,
        label: request.label.clone(),
        listing: listing.digest,
        note: request.note.clone(),
        kind: request.options.kind.code().to_owned(),
        md5: request.options.md5,
        sha1: request.options.sha1,
        split: request.options.split.code().to_owned(),
        path: bytes(&request.root),
    }
}

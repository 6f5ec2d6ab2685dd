//! Making the index: workers gather, finished segments are taken in, a commit makes them count, and at the end the
//! small ones are put together.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tantivy::index::SegmentMeta;
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy};
use tantivy::{Index, TantivyError};

use super::directory::Writable;
use super::read::guarded;
use super::worker::{Finished, IndexWorker};
use super::{IndexError, Watermarks, condense, payload, read_payload, schema};

/// The one writer of an index.
pub struct IndexWriter {
    path: PathBuf,
    index: Index,
    writer: tantivy::IndexWriter,
    watermarks: Watermarks,
    trust: Option<u64>,
    /// Whether segments were added since the last commit.
    has_more: AtomicBool,
}

impl std::fmt::Debug for IndexWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexWriter").field("watermarks", &self.watermarks).finish_non_exhaustive()
    }
}

/// What tantivy wants for its own indexing thread, which never gets a document here.
const TANTIVY_BUDGET: usize = 15_000_000;

impl IndexWriter {
    /// Opens the index in the folder `path`, which must exist; an empty folder gets a new index.
    ///
    /// # Errors
    /// [`IndexError::OtherVersion`] when it has to be deleted and made anew; [`IndexError::Open`].
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let open = |source| IndexError::Open { path: path.to_owned(), source };
        let directory = Writable::open(path).map_err(open)?;
        let index = match Index::open_or_create(directory, schema::schema()) {
            Err(TantivyError::SchemaError(_)) => {
                return Err(IndexError::OtherVersion { path: path.to_owned() });
            }
            other => other.map_err(open)?,
        };
        let metas = index.load_metas().map_err(open)?;
        let (watermarks, trust) = match &metas.payload {
            None if metas.segments.is_empty() => (Watermarks::new(), None),
            payload => {
                let read = payload.as_deref().and_then(read_payload);
                read.ok_or_else(|| IndexError::OtherVersion { path: path.to_owned() })?
            }
        };
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(TANTIVY_BUDGET)
            .build();
        let writer: tantivy::IndexWriter = index.writer_with_options(options).map_err(open)?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        let has_more = AtomicBool::new(false);
        Ok(Self { path: path.to_owned(), index, writer, watermarks, trust, has_more })
    }

    /// A worker that flushes when its memory, with what the flush itself needs, reaches `budget` bytes.
    ///
    /// 100 MB hold the words of about 70 MB of text.
    pub fn worker(&self, budget: usize) -> IndexWorker {
        IndexWorker::new(Some(self.index.clone()), budget)
    }

    /// How far the last commit reached.
    pub fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// The custody event whose settings the findings and the trust of hops in it follow.
    pub fn trust(&self) -> Option<u64> {
        self.trust
    }

    /// Says which custody event made the settings. Only for an index that holds nothing yet: all of it follows the
    /// same.
    pub fn set_trust(&mut self, event: Option<u64>) {
        self.trust = event;
    }

    /// Takes in a finished segment; it counts from the next commit on.
    ///
    /// # Errors
    /// [`IndexError::Write`].
    pub fn add(&self, finished: &Finished) -> Result<(), IndexError> {
        self.has_more.store(true, Ordering::Relaxed);
        self.writer.add_segment(finished.meta.clone()).map_err(IndexError::Write)
    }

    /// Makes everything added durable and visible. `watermarks` must name, for every ledger segment, exactly the items
    /// that are in the segments added so far: what is beyond them is indexed again after a crash.
    ///
    /// # Errors
    /// [`IndexError::Write`].
    pub fn commit(&mut self, watermarks: &Watermarks) -> Result<(), IndexError> {
        let mut prepared = self.writer.prepare_commit().map_err(IndexError::Write)?;
        prepared.set_payload(&payload(watermarks, self.trust));
        prepared.commit().map_err(IndexError::Write)?;
        self.watermarks.clone_from(watermarks);
        self.has_more.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Puts small segments together, so that few are left: the last thing that a command does with an index.
    ///
    /// What is found stays the same, and so does the order of documents. A large segment stays as it is until what is
    /// beside it has grown to half its size, so that a case that grows little by little is not written anew each time.
    /// Until it is done the old segments count, and after it the new ones: a process that ends on the way leaves the
    /// old ones, and files that the next commit removes.
    ///
    /// # Errors
    /// [`IndexError::Write`]; [`IndexError::Damaged`] when a segment cannot be read. The index is then as before.
    pub fn condense(&mut self) -> Result<(), IndexError> {
        if self.has_more.load(Ordering::Relaxed) {
            return Err(IndexError::NotCommitted);
        }
        let done = guarded(|| condense::condense(&self.path, &self.index));
        let Some(segments) = done? else { return Ok(()) };
        let written = self.replace(segments);
        if written.is_err() {
            self.writer.rollback().map_err(IndexError::Write)?;
        }
        written.map_err(IndexError::Write)
    }

    /// Makes these segments all that there is.
    fn replace(&mut self, segments: Vec<SegmentMeta>) -> tantivy::Result<()> {
        self.writer.delete_all_documents()?;
        for meta in segments {
            self.writer.add_segment(meta)?;
        }
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&payload(&self.watermarks, self.trust));
        prepared.commit()?;
        // The commit has removed what nobody holds; by now that is all the rest.
        self.writer.garbage_collect_files().wait()?;
        Ok(())
    }
}

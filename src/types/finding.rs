//! The table of findings: what a check of bytes concluded.

macro_rules! findings {
    ($( $name:ident, $code:literal, $mismatch:literal, $meaning:literal; )*) => {
        /// What `import` and `verify` can conclude.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingKind { $( #[doc = $meaning] $name, )* }

        impl FindingKind {
            /// All of them, in the order of the table.
            pub const ALL: &'static [FindingKind] = &[ $( FindingKind::$name, )* ];

            /// The code that outputs hold; it never changes once released.
            pub fn code(self) -> &'static str {
                match self { $( Self::$name => $code, )* }
            }

            /// Whether bytes do not match what was recorded of them (exit 4); otherwise something was left
            /// unread or unfinished (exit 3).
            pub fn is_mismatch(self) -> bool {
                match self { $( Self::$name => $mismatch, )* }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )* }
            }
        }
    };
}

findings! {
    Unreadable, "unreadable", false, "The operating system refused to read a file, or a part of it.";
    ChangedWhileRead, "changed-while-read", false, "A file changed while it was read; what was read is stored and hashed.";
    BooksDoNotBalance, "books-do-not-balance", false, "The ranges of a container do not cover its bytes exactly once.";
    SourceUnfinished, "source-unfinished", false, "An import stopped before the end of its source; run it again.";
    TornTail, "torn-tail", false, "Bytes after the last committed record, left by a write that was cut off; the next writing command sets them aside.";
    HeadBehind, "head-behind", false, "The custody log holds events that the head does not name yet: the last writing command was cut off.";
    HeadMismatch, "head-mismatch", true, "The head does not name the last event of the custody log.";
    CustodyChainBroken, "custody-chain-broken", true, "An event of the custody log is not the one that the next event names.";
    CustodyRecordInvalid, "custody-record-invalid", true, "A line of the custody log is not a canonical event.";
    FileMissing, "file-missing", true, "A file of the record is not there.";
    FileUnexpected, "file-unexpected", true, "A file lies in the record that no event names.";
    SegmentMismatch, "segment-mismatch", true, "A stretch of a file of the record does not have the digest that the custody log holds.";
    FrameMismatch, "frame-mismatch", true, "A compressed frame does not have the digest recorded for its stored bytes.";
    FrameUnreadable, "frame-unreadable", true, "A compressed frame could not be unpacked.";
    PackLineInvalid, "pack-line-invalid", true, "A line that lists the blobs of a frame is not in canonical form, or does not follow the one before.";
    BlobMismatch, "blob-mismatch", true, "The bytes of a blob do not have the digest that names it.";
    BlobMissing, "blob-missing", true, "The ledger names bytes that are in no pack.";
    LedgerRecordInvalid, "ledger-record-invalid", true, "A line of the ledger is not a canonical record.";
    ContainerMismatch, "container-mismatch", true, "The container rebuilt from its ranges does not have the digest recorded for it.";
    WireMismatch, "wire-mismatch", true, "The wire form of an item does not have the digest recorded for it.";
    SourceIdMismatch, "source-id-mismatch", true, "The id of a source is not the one that its paths and digests give.";
    CatalogMissing, "catalog-missing", false, "There is no catalog, or it lags behind the ledger; `rebuild` makes it anew.";
    CatalogMismatch, "catalog-mismatch", true, "A row of the catalog is not what the blob gives.";
    CatalogUnreadable, "catalog-unreadable", true, "The catalog cannot be read; `rebuild` makes it anew.";
    IndexMissing, "index-missing", false, "There is no index, or it lags behind the ledger; `rebuild` makes it anew.";
    IndexMismatch, "index-mismatch", true, "The index does not hold the items of the ledger, or a file of it is damaged; `rebuild` makes it anew.";
    SourceDiffers, "source-differs", true, "The original no longer has the bytes that were imported.";
    SourceMissing, "source-missing", true, "The original is not where it was imported from.";
}

/// One conclusion, with the thing it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What was concluded.
    pub kind: FindingKind,
    /// The file of the case or of the source, relative, as text for people.
    pub file: String,
    /// Byte offset in that file, where there is one.
    pub offset: Option<u64>,
    /// What was found, in one sentence; digests in full.
    pub detail: String,
    /// Ids of the items, containers or blobs that are hit, as far as they are known.
    pub hits: Vec<String>,
}

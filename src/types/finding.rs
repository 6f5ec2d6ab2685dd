//! The table of findings: what a check of bytes concluded.

macro_rules! findings {
    ($( $name:ident, $code:literal, $exit:literal, $meaning:literal; )*) => {
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

            /// The exit code that it leads to: 4 when bytes do not match what was recorded of them, 3 when something
            /// was left unread or unfinished, 0 when it is worth a word and no more.
            pub fn exit(self) -> u8 {
                match self { $( Self::$name => $exit, )* }
            }

            /// Whether bytes do not match what was recorded of them.
            pub fn is_mismatch(self) -> bool {
                self.exit() == 4
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )* }
            }
        }
    };
}

findings! {
    Unreadable, "unreadable", 3, "The operating system refused to read a file, or a part of it.";
    ChangedWhileRead, "changed-while-read", 3, "A file changed while it was read; what was read is stored and hashed.";
    BooksDoNotBalance, "books-do-not-balance", 3, "The ranges of a container do not cover its bytes exactly once.";
    SourceUnfinished, "source-unfinished", 3, "An import stopped before the end of its source; run it again.";
    SourceDoubled, "source-doubled", 3, "Two segments of the ledger hold the same source, so that the id of each of its items stands twice.";
    TornTail, "torn-tail", 3, "Bytes after the last committed record, left by a write that was cut off; the next writing command sets them aside.";
    HeadBehind, "head-behind", 3, "The custody log holds events that the head does not name yet: the last writing command was cut off.";
    HeadMismatch, "head-mismatch", 4, "The head does not name the last event of the custody log.";
    CustodyChainBroken, "custody-chain-broken", 4, "An event of the custody log is not the one that the next event names.";
    CustodyRecordInvalid, "custody-record-invalid", 4, "A line of the custody log is not a canonical event.";
    FileMissing, "file-missing", 4, "A file of the record is not there.";
    FileUnexpected, "file-unexpected", 4, "A file lies in the record that no event names.";
    SegmentMismatch, "segment-mismatch", 4, "A stretch of a file of the record does not have the digest that the custody log holds.";
    FrameMismatch, "frame-mismatch", 4, "A compressed frame does not have the digest recorded for its stored bytes.";
    FrameUnreadable, "frame-unreadable", 4, "A compressed frame could not be unpacked.";
    PackLineInvalid, "pack-line-invalid", 4, "A line that lists the blobs of a frame is not in canonical form, or does not follow the one before.";
    BlobMismatch, "blob-mismatch", 4, "The bytes of a blob do not have the digest that names it.";
    BlobMissing, "blob-missing", 4, "The ledger or the custody log names bytes that are in no pack.";
    LedgerRecordInvalid, "ledger-record-invalid", 4, "A line of the ledger is not a canonical record.";
    ContainerMismatch, "container-mismatch", 4, "The container rebuilt from its ranges does not have the digest recorded for it.";
    WireMismatch, "wire-mismatch", 4, "The wire form of an item does not have the digest recorded for it.";
    SourceIdMismatch, "source-id-mismatch", 4, "The id of a source is not the one that its paths and digests give.";
    CatalogMissing, "catalog-missing", 3, "There is no catalog, or it lags behind the ledger; `rebuild` makes it anew.";
    CatalogMismatch, "catalog-mismatch", 4, "A row of the catalog is not what the blobs and the ledger give, or is of something that the record does not have.";
    CatalogUnreadable, "catalog-unreadable", 4, "The catalog cannot be read; `rebuild` makes it anew.";
    CatalogOtherVersion, "catalog-other-version", 3, "The catalog was made by another version of the program, so it was not compared; `rebuild` makes it anew.";
    NotCompared, "not-compared", 3, "What catalog and index hold of some items could not be compared, because the bytes of these items cannot be read.";
    IndexMissing, "index-missing", 3, "There is no index, or it lags behind the ledger; `rebuild` makes it anew.";
    IndexMismatch, "index-mismatch", 4, "What the index answers about items is not what their bytes give, or a file of it is damaged; `rebuild` makes it anew.";
    IndexOtherVersion, "index-other-version", 3, "The index was made by another version of the program, so it was not compared; `rebuild` makes it anew.";
    SourceDiffers, "source-differs", 4, "The original no longer has the bytes that were imported.";
    SourceMissing, "source-missing", 4, "The original is not where it was imported from.";
    SourceAdded, "source-added", 0, "A file lies in the source folder that was not there when it was imported; import the folder again to take it in.";
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

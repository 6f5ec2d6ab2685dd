//! The tables.

/// Version of the tables and of what the blocks hold; a catalog of another version is made anew.
pub(super) const VERSION: i64 = 6;

/// No index is needed: blocks are read by key, and keys come from the index or in order.
pub(super) const TABLES: &str = "
CREATE TABLE source (              -- one for each ledger segment
  segment INTEGER PRIMARY KEY,
  id BLOB,                         -- source digest; NULL until the segment is closed
  derived_items INTEGER NOT NULL DEFAULT 0,  -- watermark: items and ledger lines whose rows are here
  derived_lines INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE container (
  segment INTEGER NOT NULL,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  path BLOB NOT NULL,
  first_item INTEGER NOT NULL,     -- place of its first item among those of the segment, from 0
  items INTEGER,                   -- NULL until its end
  size INTEGER,
  sha256 BLOB,                     -- of what was not processed to its end; the others have it in the ledger alone
  reason TEXT,
  error_at INTEGER,
  error TEXT,
  notes BLOB,
  internal INTEGER,                -- INTERNALDATE of a message of an account, ms since 1970 UTC
  labels TEXT,                     -- its X-GM-LABELS, one a line: decoded, then raw where that differs
  PRIMARY KEY (segment, number)
) WITHOUT ROWID;
CREATE TABLE folder (              -- of an account
  segment INTEGER NOT NULL,
  path BLOB NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (segment, path)
) WITHOUT ROWID;
CREATE TABLE entry (
  segment INTEGER NOT NULL,
  path BLOB NOT NULL,
  kind TEXT NOT NULL,
  note BLOB,
  PRIMARY KEY (segment, path)
) WITHOUT ROWID;
CREATE TABLE block (               -- items and children, some at once; each BLOB ends with the sum of its bytes
  first INTEGER PRIMARY KEY,       -- types::ItemKey of its first row
  last INTEGER NOT NULL,           -- of its last
  list BLOB NOT NULL,              -- what a table of items shows, row by row
  rest BLOB NOT NULL,              -- the rest by columns: unpacked length, zstd
  digests BLOB NOT NULL            -- digests of items, wire forms, attachments
);
";

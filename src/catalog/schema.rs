//! The tables.

/// Version of the tables and of what is packed into their columns; a catalog of another version is made anew.
pub(super) const VERSION: i64 = 4;

/// No index is needed: rows are read by key, and keys come from the index or in order.
pub(super) const TABLES: &str = "
CREATE TABLE source (              -- one for each ledger segment
  segment INTEGER PRIMARY KEY,
  id BLOB,                         -- source digest; NULL until the segment is closed
  listing BLOB NOT NULL,
  kind TEXT NOT NULL,
  split TEXT NOT NULL,             -- of an account empty, as listing is the digest of nothing
  entries INTEGER NOT NULL,
  containers INTEGER,
  items INTEGER,
  bytes INTEGER,
  derived_items INTEGER NOT NULL DEFAULT 0,  -- watermark: items and ledger lines whose rows are here
  derived_lines INTEGER NOT NULL DEFAULT 0,
  account TEXT                     -- kind://user@host, where it is one
);
CREATE TABLE container (
  segment INTEGER NOT NULL,
  number INTEGER NOT NULL,
  parent INTEGER,
  kind TEXT NOT NULL,
  path BLOB NOT NULL,
  first_item INTEGER NOT NULL,     -- place of its first item among those of the segment, from 0
  items INTEGER,                   -- NULL until its end
  size INTEGER,
  sha256 BLOB,
  md5 TEXT,
  sha1 TEXT,
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
CREATE TABLE frame (id INTEGER PRIMARY KEY, pack INTEGER, at INTEGER, len INTEGER, raw INTEGER);
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, address TEXT);
CREATE TABLE word (id INTEGER PRIMARY KEY, text);
CREATE TABLE shape (id INTEGER PRIMARY KEY, ranges BLOB);
CREATE TABLE relay (               -- what hops say of a pair of servers, again and again
  id INTEGER PRIMARY KEY,
  by, helo, rdns, peer_ip BLOB, by_ip BLOB, from_, via, with_, software, cipher,
  family TEXT, protocol TEXT, grade TEXT, class TEXT, rdns_state TEXT, scope TEXT, auth TEXT,
  tls TEXT, tls_version TEXT, tls_bits INTEGER, peer_ip_mapped INTEGER
);
CREATE TABLE item (
  key INTEGER PRIMARY KEY,         -- types::ItemKey
  container INTEGER NOT NULL,
  number INTEGER NOT NULL,         -- in its container, from 1
  part TEXT,                       -- MIME part path of a child
  start INTEGER NOT NULL,          -- a child's place counts in its parent's decoded bytes
  end INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  wire BLOB,                       -- NULL when equal to sha256
  rule INTEGER NOT NULL,           -- 0 none, 1 mboxrd
  lines INTEGER NOT NULL,
  uid INTEGER,
  frame INTEGER,                   -- NULL for a child
  at INTEGER,                      -- in the unpacked frame
  size INTEGER NOT NULL,           -- of the message
  date INTEGER,                    -- Date field, ms since 1970 UTC
  zone INTEGER,                    -- its offset, seconds east, NULL when not readable
  mih BLOB,
  message_id TEXT,
  subject TEXT,
  people BLOB,
  hops BLOB,
  attachments BLOB,
  notes BLOB,
  more BLOB
);
";

//! The tables of outbox and inbox.

/// One statement for the first migration of the host's database. Times are milliseconds since 1970; ids are raw.
///
/// `post_out.state`: 1 sealed, 2 handed, 3 received, 4 acknowledged. A row stays when its file is gone: it is the
/// chain's memory, against which acknowledgements are checked. `post_in.state`: 1 listed, 2 fetched, 3 consumed,
/// 4 replayed (the same id at a further number), 5 gone (the relay no longer has it), 6 unfetchable.
pub const SCHEMA: &str = "
CREATE TABLE post_out(
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  box BLOB NOT NULL CHECK(length(box) = 16),
  kid BLOB NOT NULL CHECK(length(kid) = 32),
  seq INTEGER NOT NULL CHECK(seq > 0),
  id BLOB NOT NULL UNIQUE CHECK(length(id) = 32),
  lane INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 1,
  bytes BLOB,
  size INTEGER NOT NULL,
  sealed_at INTEGER NOT NULL,
  handed_at INTEGER,
  received_at INTEGER,
  acknowledged_at INTEGER,
  trouble TEXT,
  UNIQUE(box, kid, seq)
) STRICT;
CREATE INDEX post_out_open ON post_out(state, lane, place) WHERE state < 4;
CREATE TABLE post_out_box(
  box BLOB PRIMARY KEY CHECK(length(box) = 16),
  failures INTEGER NOT NULL,
  retry_at INTEGER NOT NULL,
  trouble TEXT NOT NULL
) STRICT;
CREATE TABLE post_receipt(
  id BLOB NOT NULL,
  relay BLOB NOT NULL,
  box BLOB NOT NULL,
  n INTEGER NOT NULL,
  at INTEGER NOT NULL,
  jws TEXT NOT NULL,
  PRIMARY KEY(id, relay)
) STRICT;
CREATE INDEX post_receipt_head ON post_receipt(box, relay, n);
CREATE TABLE post_relay(url TEXT PRIMARY KEY, relay BLOB NOT NULL) STRICT;
CREATE TABLE post_cursor(
  box BLOB NOT NULL,
  relay BLOB NOT NULL,
  after INTEGER NOT NULL,
  PRIMARY KEY(box, relay)
) STRICT;
CREATE TABLE post_in(
  box BLOB NOT NULL,
  relay BLOB NOT NULL,
  n INTEGER NOT NULL,
  id BLOB NOT NULL,
  size INTEGER NOT NULL,
  state INTEGER NOT NULL,
  bytes BLOB,
  listed_at INTEGER NOT NULL,
  consumed_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  retry_at INTEGER,
  PRIMARY KEY(box, relay, n)
) STRICT;
CREATE INDEX post_in_id ON post_in(box, id);
CREATE INDEX post_in_open ON post_in(state, box, n) WHERE state < 3;
";

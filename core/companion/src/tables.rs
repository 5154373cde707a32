//! The install's tables: its link, rosters, journal, mail in doubt, devices, requests, findings.
//!
//! Times are milliseconds since 1970, ids are raw. Columns named `sealed` hold values under the install's database key
//! (`store::RowKey`); what stands in the clear is what the post needs while the device is locked, and nothing clinical.

use store::{Migration, Schema};

/// The companion's schema.
pub const SCHEMA: Schema = Schema {
    // "TWco"
    application_id: 0x5457_636f,
    migrations: &[
        Migration {
            number: 1,
            sql: &[post::SCHEMA, COMPANION_1],
        },
        Migration {
            number: 2,
            sql: &[DEVICE_2, COMPANION_2],
        },
        Migration {
            number: 3,
            sql: &[PERSON_3],
        },
    ],
};

/// When a device's last session ended well, and by how much its clock was behind, before it was set.
const DEVICE_2: &str = "
ALTER TABLE device ADD COLUMN synced_at INTEGER;
ALTER TABLE device ADD COLUMN clock_behind_ms INTEGER;
ALTER TABLE device ADD COLUMN clock_read_at INTEGER;
";

/// Whose a reading is (`person`: 0 the patient's, 1 asked, 2 somebody else's; `reading.state` 4: kept here, not sent), by
/// which device and which of its users; open questions; what was said about readings that had gone out (`amendment.state` as
/// of a reading). Who a slot is stands sealed in the device's row.
const PERSON_3: &str = "
ALTER TABLE reading ADD COLUMN device TEXT;
ALTER TABLE reading ADD COLUMN user_slot INTEGER;
ALTER TABLE reading ADD COLUMN person INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reading ADD COLUMN question INTEGER;
CREATE INDEX reading_question ON reading(question) WHERE question IS NOT NULL;
CREATE TABLE question(request INTEGER PRIMARY KEY, device TEXT NOT NULL, user_slot INTEGER) STRICT;
CREATE UNIQUE INDEX question_of ON question(device, ifnull(user_slot, -1));
CREATE TABLE amendment(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  reading BLOB NOT NULL,
  what TEXT NOT NULL,
  at INTEGER NOT NULL,
  user_slot INTEGER,
  state INTEGER NOT NULL DEFAULT 1,
  envelope BLOB,
  refused INTEGER NOT NULL DEFAULT 0,
  stored_at INTEGER
) STRICT;
CREATE INDEX amendment_reading ON amendment(reading, at);
CREATE INDEX amendment_open ON amendment(id) WHERE state = 1;
CREATE INDEX amendment_envelope ON amendment(envelope) WHERE envelope IS NOT NULL;
";

/// `reading.state`: 1 captured (not in an envelope), 2 in an envelope (`envelope`), 3 refused twice (a finding tells).
const COMPANION_1: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE link(
  up BLOB PRIMARY KEY CHECK(length(up) = 16),
  down BLOB NOT NULL CHECK(length(down) = 16),
  root BLOB NOT NULL CHECK(length(root) = 32),
  relay TEXT NOT NULL,
  state TEXT NOT NULL,
  roster_at_least INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  label TEXT NOT NULL,
  recovery TEXT,
  join_id BLOB,
  sealed_circles BLOB,
  chain TEXT,
  sealed_at INTEGER,
  heard_at INTEGER,
  next_by INTEGER,
  trouble TEXT,
  request INTEGER
) STRICT;
CREATE TABLE roster(up BLOB NOT NULL, n INTEGER NOT NULL, jws TEXT NOT NULL, PRIMARY KEY(up, n)) STRICT;
CREATE TABLE reading(
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE CHECK(length(id) = 32),
  received_at INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  size INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 1,
  envelope BLOB,
  refused INTEGER NOT NULL DEFAULT 0,
  same_as BLOB,
  stored_at INTEGER,
  seen_at INTEGER
) STRICT;
CREATE INDEX reading_open ON reading(lane, place) WHERE state = 1;
CREATE INDEX reading_time ON reading(received_at);
CREATE TABLE sent(envelope BLOB NOT NULL, reading BLOB NOT NULL, PRIMARY KEY(envelope, reading)) STRICT, WITHOUT ROWID;
CREATE INDEX sent_reading ON sent(reading);
CREATE TABLE mail_waiting(
  id BLOB PRIMARY KEY,
  up BLOB NOT NULL,
  bytes BLOB NOT NULL,
  since INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE TABLE mail_refused(
  id BLOB PRIMARY KEY,
  up BLOB NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE finding(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL UNIQUE,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE TABLE device(
  id TEXT PRIMARY KEY,
  handle TEXT NOT NULL,
  bonded INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  paired_at INTEGER NOT NULL,
  last_seen INTEGER,
  last_ending TEXT,
  last_ended INTEGER,
  battery INTEGER
) STRICT;
CREATE TABLE captured(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  connection BLOB NOT NULL CHECK(length(connection) = 16),
  ordinal INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  at INTEGER NOT NULL,
  fault TEXT,
  UNIQUE(connection, ordinal)
) STRICT;
CREATE TABLE request(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL,
  code TEXT,
  text TEXT
) STRICT;
";

/// What was noticed about a device (codes with blanks between them); the newest sessions, written down.
const COMPANION_2: &str = "
ALTER TABLE device ADD COLUMN notices TEXT NOT NULL DEFAULT '';
CREATE TABLE trace(
  id INTEGER PRIMARY KEY,
  device TEXT,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  sealed BLOB NOT NULL
) STRICT;
";

//! The tables of a station's database. Times are milliseconds since 1970, ids raw bytes, states lower-case words.
//!
//! A column that holds JSON of ours holds state of a machine (`vault::Chain`, `vault::CircleChain`) or text that is
//! kept exactly as it came (a FHIR line); nothing is searched inside it.

use store::{Migration, Schema};

/// "TWcl": a station's file.
const APPLICATION_ID: u32 = 0x5457_636c;

/// All steps so far.
pub(crate) const SCHEMA: Schema = Schema {
    application_id: APPLICATION_ID,
    migrations: &[
        Migration {
            number: 1,
            sql: &[post::SCHEMA, FIRST],
        },
        Migration {
            number: 2,
            sql: &[BY_LETTER],
        },
        Migration {
            number: 3,
            sql: &[AMENDMENT],
        },
        Migration {
            number: 4,
            sql: &[KIND],
        },
    ],
};

/// What kind of reading it is, so that the newest of a kind is found without opening others. Once, for what is there already, it
/// is read out of the kept lines; one that names no kind is a blood pressure (docs/formats/observation.md).
const KIND: &str = "
ALTER TABLE reading ADD COLUMN kind TEXT NOT NULL DEFAULT 'blood_pressure';
UPDATE reading SET kind = coalesce((
  SELECT json_extract(part.value, '$.valueCode')
  FROM json_each(reading.fhir, '$.extension') ours, json_each(ours.value, '$.extension') part
  WHERE json_extract(ours.value, '$.url') = 'urn:teleward:fhir:reading:1' AND json_extract(part.value, '$.url') = 'kind'
), kind);
CREATE INDEX reading_kind ON reading(patient, kind, effective, id);
";

/// What patients said about their readings, each statement once. It may come before its reading.
const AMENDMENT: &str = "
CREATE TABLE amendment(
  patient TEXT NOT NULL,
  reading BLOB NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  up BLOB NOT NULL,
  user_slot INTEGER,
  envelope BLOB NOT NULL,
  stored INTEGER NOT NULL,
  UNIQUE(patient, reading, at, what, up)
) STRICT;
";

/// Whether an invite goes by letter or message, and can be read on the way (formats, section 1).
const BY_LETTER: &str = "ALTER TABLE link ADD COLUMN by_letter INTEGER NOT NULL DEFAULT 0;";

const FIRST: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE roster(n INTEGER PRIMARY KEY, jws TEXT NOT NULL, held_at INTEGER NOT NULL) STRICT;
CREATE TABLE published(relay TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(relay, n)) STRICT;

CREATE TABLE account(
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK(role IN ('administrator', 'clinician')),
  password TEXT,
  ended INTEGER,
  last_sign_in INTEGER,
  made_at INTEGER NOT NULL
) STRICT;
CREATE TABLE sign_in_link(hash BLOB PRIMARY KEY, account TEXT NOT NULL REFERENCES account(id), expires INTEGER NOT NULL) STRICT;
CREATE TABLE session(
  hash BLOB PRIMARY KEY,
  account TEXT NOT NULL REFERENCES account(id),
  via_link INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT;

CREATE TABLE patient(
  id TEXT PRIMARY KEY,
  enrolment BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  born TEXT NOT NULL,
  record_number TEXT NOT NULL,
  phone TEXT NOT NULL,
  zone TEXT NOT NULL,
  recovery TEXT,
  has_recovery INTEGER NOT NULL DEFAULT 0,
  made_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX patient_record ON patient(record_number) WHERE record_number <> '';

CREATE TABLE link(
  up BLOB PRIMARY KEY,
  down BLOB NOT NULL UNIQUE,
  patient TEXT NOT NULL REFERENCES patient(id),
  invite TEXT NOT NULL UNIQUE,
  root BLOB NOT NULL,
  proof BLOB NOT NULL,
  claim BLOB NOT NULL,
  expires INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  made_by TEXT NOT NULL,
  withdrawn_at INTEGER,
  contested_at INTEGER,
  claimed_at INTEGER,
  state TEXT NOT NULL CHECK(state IN ('making', 'invited', 'waiting', 'pending', 'confirmed', 'ended')),
  since INTEGER NOT NULL,
  join_id BLOB,
  late_allowed INTEGER NOT NULL DEFAULT 0,
  sign BLOB,
  auth BLOB,
  age TEXT,
  recovery TEXT,
  role TEXT,
  label TEXT,
  app TEXT,
  confirmed_at INTEGER,
  confirmed_by TEXT,
  confirmed_how TEXT,
  ended_by TEXT,
  end_reason TEXT,
  circles TEXT NOT NULL,
  chain TEXT NOT NULL,
  named_circle INTEGER NOT NULL DEFAULT 0,
  roster_stated INTEGER NOT NULL DEFAULT 0,
  roster_mailed INTEGER NOT NULL DEFAULT 0,
  heard_at INTEGER,
  next_by INTEGER,
  queue_depth INTEGER,
  queue_oldest INTEGER,
  queue_stuck INTEGER,
  answer_due INTEGER,
  answer_re BLOB,
  sealed_at INTEGER
) STRICT;
CREATE INDEX link_patient ON link(patient);
CREATE TABLE registration(
  up BLOB NOT NULL REFERENCES link(up),
  relay TEXT NOT NULL,
  wanted TEXT NOT NULL CHECK(wanted IN ('registered', 'revoked')),
  done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(up, relay)
) STRICT;
CREATE TABLE links_cursor(relay TEXT PRIMARY KEY, after INTEGER NOT NULL) STRICT;
CREATE TABLE released(box BLOB NOT NULL, relay BLOB NOT NULL, through INTEGER NOT NULL, PRIMARY KEY(box, relay)) STRICT;

CREATE TABLE envelope(
  up BLOB NOT NULL,
  id BLOB NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('released', 'waiting', 'quarantined')),
  reason TEXT,
  kind TEXT,
  seq INTEGER,
  at INTEGER,
  arrived INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY(up, id)
) STRICT;
CREATE INDEX envelope_open ON envelope(state, arrived) WHERE state <> 'released';

CREATE TABLE reading(
  patient TEXT NOT NULL REFERENCES patient(id),
  id BLOB NOT NULL,
  up BLOB NOT NULL,
  envelope BLOB NOT NULL,
  effective INTEGER NOT NULL,
  arrived INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  mergeable INTEGER NOT NULL,
  same_as BLOB,
  fhir TEXT NOT NULL,
  seen_at INTEGER,
  seen_by TEXT,
  seen_role TEXT,
  PRIMARY KEY(patient, id)
) STRICT;
CREATE INDEX reading_time ON reading(patient, effective, id);
CREATE INDEX reading_id ON reading(id);
CREATE TABLE reading_via(
  up BLOB NOT NULL,
  id BLOB NOT NULL,
  patient TEXT NOT NULL,
  seen TEXT NOT NULL DEFAULT 'no' CHECK(seen IN ('no', 'due', 'told')),
  PRIMARY KEY(up, id)
) STRICT;
CREATE INDEX reading_via_due ON reading_via(up) WHERE seen = 'due';

CREATE TABLE letter(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  up BLOB NOT NULL,
  kind TEXT NOT NULL,
  content BLOB NOT NULL,
  re BLOB,
  queued_at INTEGER NOT NULL,
  again INTEGER NOT NULL DEFAULT 0,
  envelope BLOB
) STRICT;
CREATE INDEX letter_due ON letter(up, id) WHERE envelope IS NULL;
CREATE INDEX letter_envelope ON letter(envelope);

CREATE TABLE finding(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL UNIQUE,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  next_step TEXT NOT NULL,
  patient TEXT,
  at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('open', 'closed')),
  closed_at INTEGER,
  closed_by TEXT
) STRICT;
CREATE INDEX finding_open ON finding(state, patient);

CREATE TABLE audit(n INTEGER PRIMARY KEY, line TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
";

#[cfg(test)]
mod tests {
    use super::*;
    use store::rusqlite::params;
    use store::{Database, StoreError};

    /// REQ-CLINIC-085, REQ-STORE-001: what an earlier version kept is found by its kind, too.
    #[test]
    fn readings_of_before_get_their_kind() {
        macro_rules! golden {
            ($name:literal) => {
                include_str!(concat!("../../tests/golden/fhir/", $name, ".json"))
            };
        }
        let kept = [
            ("blood_pressure", golden!("device-full")),
            ("blood_pressure", golden!("typed")),
            ("glucose", golden!("device-glucose")),
            ("glucose_cgm", golden!("device-glucose-cgm-low")),
            ("weight", golden!("typed-weight")),
        ];
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("station.db");
        let before = Schema {
            migrations: &SCHEMA.migrations[..3],
            ..SCHEMA
        };
        let database = Database::open(&file, before).unwrap();
        let filled = database.write(|tx| {
            tx.execute(
                "INSERT INTO patient(id, enrolment, name, born, record_number, phone, zone, made_at)
                 VALUES ('p', x'00', '', '', '', '', 'UTC', 0)",
                [],
            )?;
            for (n, (_, line)) in kept.iter().enumerate() {
                tx.execute(
                    "INSERT INTO reading(patient, id, up, envelope, effective, arrived, stored, mergeable, fhir)
                     VALUES ('p', ?1, x'00', x'00', 0, 0, 0, 1, ?2)",
                    params![n.to_string().as_bytes(), line],
                )?;
            }
            Ok::<_, StoreError>(())
        });
        filled.unwrap();
        drop(database);
        let database = Database::open(&file, SCHEMA).unwrap();
        let kinds: Vec<String> = database
            .read(|tx| {
                let mut rows = tx.prepare("SELECT kind FROM reading ORDER BY id")?;
                let kinds = rows.query_map([], |row| row.get(0))?;
                Ok::<_, StoreError>(kinds.collect::<Result<_, _>>()?)
            })
            .unwrap();
        assert_eq!(kinds, kept.map(|(kind, _)| kind));
    }
}

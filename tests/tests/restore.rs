//! Journey *Restore*: station and relay come back from a day-old backup. No chain is revived, phones send again what
//! both have lost, and nothing is there twice.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use store::rusqlite::Connection;
use teleward_tests::house::{House, Part, run};
use teleward_tests::phone::Phone;

const PATIENCE: Duration = Duration::from_secs(60);

struct Journey {
    house: House,
    phone: Phone,
    patient: String,
    drafts: u32,
}

impl Journey {
    async fn start() -> anyhow::Result<Self> {
        let house = House::start().await?;
        let console = house.console().await?;
        let patient = console.new_patient("Ada Byrne", "R-1").await?;
        let invite = console.invite(&patient).await?;
        let mut phone = Phone::new(house.folder("phone")?, false)?;
        phone.start(&[])?;
        phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
        phone.joined(PATIENCE)?;
        Ok(Self {
            house,
            phone,
            patient,
            drafts: 0,
        })
    }

    fn keep(&mut self) -> anyhow::Result<()> {
        self.drafts += 1;
        let (draft, systolic) = (
            format!("{:032x}", self.drafts),
            (110 + self.drafts).to_string(),
        );
        let reading =
            json!({ "do": "reading", "draft": draft, "systolic": systolic, "diastolic": "80" });
        self.phone.keep(&reading, PATIENCE)
    }

    fn path(&self, name: &str) -> String {
        self.house.root().join(name).display().to_string()
    }

    fn lose(&mut self, part: Part, name: &str) -> anyhow::Result<()> {
        self.house.kill(part)?;
        Ok(std::fs::rename(
            self.path(name),
            self.path(&format!("{name}-lost")),
        )?)
    }

    fn restore_relay(&mut self) -> anyhow::Result<()> {
        self.lose(Part::Relay, "relay")?;
        let (from, dir) = (self.path("relay-backup"), self.path("relay"));
        run(&["relay", "restore", "--from", &from, "--dir", &dir])
    }

    fn restore_station(&mut self) -> anyhow::Result<()> {
        self.lose(Part::Station, "station")?;
        let (from, dir) = (self.path("station-backup"), self.path("station"));
        let (backup, root) = (
            self.path("sheets/backup-sheet.txt"),
            self.path("sheets/root-sheet-1.txt"),
        );
        run(&[
            "clinic", "restore", "--from", &from, "--dir", &dir, "--key", &backup,
        ])?;
        run(&[
            "clinic",
            "roster",
            "next",
            "--dir",
            &dir,
            "--root-sheet",
            &root,
        ])
    }

    fn back_up(&self) -> anyhow::Result<()> {
        let [relay, relay_to, station, station_to] =
            ["relay", "relay-backup", "station", "station-backup"].map(|name| self.path(name));
        run(&["relay", "backup", "--dir", &relay, "--to", &relay_to])?;
        run(&["clinic", "backup", "--dir", &station, "--to", &station_to])
    }

    /// An acknowledgement that is overdue by a day makes the same bytes go again: the phone's receipts get a day older.
    fn let_a_day_pass(&mut self) -> anyhow::Result<()> {
        const DAY_MS: i64 = 25 * 3600 * 1000;
        self.phone.kill()?;
        let database = self.house.root().join("phone/data/companion.db");
        let changed = Connection::open(database)?.execute(
            "UPDATE post_out SET received_at = received_at - ?1 WHERE state = 3",
            [DAY_MS],
        )?;
        ensure!(changed == 1, "{changed} letters wait for the clinic's word");
        self.phone.start(&[])
    }

    /// Everything that was kept is acknowledged, and stands at the station once.
    async fn compare(&mut self) -> anyhow::Result<()> {
        let on_phone: BTreeSet<String> = self.phone.acknowledged(PATIENCE)?.into_iter().collect();
        ensure!(
            on_phone == *self.phone.kept(),
            "the phone's journal is another than what it kept"
        );
        let readings = format!("/api/patients/{}/readings?limit=100", self.patient);
        let console = self.house.console().await?;
        let wanted = on_phone.len();
        let answer = console
            .until(&readings, PATIENCE, |answer| {
                answer["readings"]
                    .as_array()
                    .is_some_and(|r| r.len() >= wanted)
            })
            .await?;
        let all = answer["readings"].as_array().context("no readings")?;
        let at_station: BTreeSet<String> = all
            .iter()
            .filter_map(|r| r["id"].as_str().map(str::to_owned))
            .collect();
        ensure!(
            all.len() == at_station.len(),
            "a reading stands twice at the station"
        );
        ensure!(
            at_station == on_phone,
            "phone and station hold different readings"
        );
        Ok(())
    }

    /// No fork and no broken chain is told on either side.
    async fn no_chain_was_revived(&mut self) -> anyhow::Result<()> {
        let status = self.phone.ask(&json!({ "do": "status" }), PATIENCE)?;
        let at_station = self.house.console().await?.get("/api/findings").await?;
        for findings in [&status["findings"], &at_station["findings"]] {
            let codes: Vec<&str> = findings
                .as_array()
                .context("no findings")?
                .iter()
                .filter_map(|f| f["code"].as_str())
                .collect();
            for code in [
                "fork",
                "broken_chain",
                "copy",
                "roster_fork",
                "quarantined",
                "refused_twice",
            ] {
                ensure!(
                    !codes.contains(&code),
                    "a finding that must not be: {codes:?}"
                );
            }
        }
        Ok(())
    }
}

/// REQ-RESTORE-001: a station and a relay restored from a backup that lacks the latest readings have all of them again,
/// each once, without a fork. HAZ-LOST-001, HAZ-TWICE-001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_servers_come_back_from_an_old_backup() -> anyhow::Result<()> {
    let mut journey = Journey::start().await?;
    journey.keep()?;
    journey.compare().await?;
    journey.back_up()?;

    // what the backups lack: two readings that the station has acknowledged (their files are gone from the phone) …
    journey.keep()?;
    journey.keep()?;
    journey.compare().await?;
    // … and one that only the relay has
    journey.house.kill(Part::Station)?;
    journey.keep()?;
    let at_relay = |status: &Value| status["queue"]["at_post_office"] == 1;
    journey.phone.until(PATIENCE, at_relay)?;

    journey.restore_relay()?;
    journey.restore_station()?;
    journey.house.restart(Part::Relay, &[]).await?;
    journey.house.restart(Part::Station, &[]).await?;
    journey.phone.ask(&json!({ "do": "network" }), PATIENCE)?;
    journey.compare().await?;

    // and life goes on, over a restart of the phone
    journey.phone.kill()?;
    journey.phone.start(&[])?;
    journey.keep()?;
    journey.compare().await?;
    let newer = |status: &Value| status["link"]["roster_n"] == 2;
    journey.phone.until(PATIENCE, newer)?;
    journey.no_chain_was_revived().await
}

/// REQ-RESTORE-002: a station alone restored takes from the relay what came after its backup, each reading once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_station_alone_comes_back() -> anyhow::Result<()> {
    let mut journey = Journey::start().await?;
    journey.keep()?;
    journey.compare().await?;
    journey.back_up()?;
    journey.keep()?;
    journey.compare().await?;
    journey.restore_station()?;
    journey.house.restart(Part::Station, &[]).await?;
    journey.keep()?;
    journey.compare().await?;
    journey.no_chain_was_revived().await
}

/// REQ-RESTORE-010: a relay alone restored signs with its reserve key, gets again what its backup lacks, and nothing that
/// it brings back is counted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_alone_comes_back() -> anyhow::Result<()> {
    let mut journey = Journey::start().await?;
    journey.keep()?;
    journey.compare().await?;
    journey.back_up()?;
    journey.keep()?;
    journey.compare().await?;
    // one that has a receipt of the lost relay and never came to the station
    journey.house.kill(Part::Station)?;
    journey.keep()?;
    let at_relay = |status: &Value| status["queue"]["at_post_office"] == 1;
    journey.phone.until(PATIENCE, at_relay)?;
    journey.restore_relay()?;
    journey.house.restart(Part::Relay, &[]).await?;
    journey.house.restart(Part::Station, &[]).await?;
    journey.let_a_day_pass()?;
    journey.compare().await?;
    journey.keep()?;
    journey.compare().await?;
    journey.no_chain_was_revived().await
}

//! A relay and a station as processes of their own, set up like a clinic's: what the journeys across processes use.

use crate::console::{Console, PASSWORD};
use crate::process::{Process, program};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use vault::{AgeIdentity, FileVault, KeyVault as _};
use wire::SigningKey;

/// The account that the journeys use.
pub const ACCOUNT: &str = "Dr Ash";

/// How long the station may take to reach the relay for the first time.
const READY: std::time::Duration = std::time::Duration::from_secs(30);

/// Which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The companion.
    Phone,
    /// The post office.
    Relay,
    /// The clinic's station.
    Station,
}

/// The two servers and their folders. Everything goes when this value goes.
#[derive(Debug)]
pub struct House {
    folder: tempfile::TempDir,
    relay: Option<Process>,
    station: Option<Process>,
    relay_address: String,
    console_address: String,
    authority: Option<String>,
    versions: Versions,
}

/// Folders with programs of another version, for the parts that are not today's.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    /// Of the relay.
    pub relay: Option<PathBuf>,
    /// Of the station.
    pub station: Option<PathBuf>,
}

impl House {
    /// A clinic from nothing: relay, root sheets, first account, admission, station.
    ///
    /// # Errors
    /// When a program is not built or does not come up.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_behind(None).await
    }

    /// The same, with servers of other versions.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_of(versions: Versions) -> anyhow::Result<Self> {
        Self::start_as(None, versions).await
    }

    /// The same, with phones and station reaching the relay by another address (a proxy's `http://…`).
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_behind(proxy: Option<&str>) -> anyhow::Result<Self> {
        Self::start_as(proxy, Versions::default()).await
    }

    async fn start_as(proxy: Option<&str>, versions: Versions) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let authority = proxy.map(|url| url.trim_start_matches("http://").to_owned());
        let mut house = Self {
            folder,
            relay: None,
            station: None,
            relay_address: "127.0.0.1:0".into(),
            console_address: "127.0.0.1:0".into(),
            authority,
            versions,
        };
        let ready = house.start_relay(&[])?;
        let url = proxy.map_or_else(|| house.relay_url(), str::to_owned);
        house.init_clinic(&url, &ready)?;
        house.start_station(&[])?;
        if proxy.is_none() {
            house.relay_answers().await?;
        }
        Ok(house)
    }

    /// Waits until the station says that the relay answers it.
    ///
    /// # Errors
    /// When it does not.
    pub async fn relay_answers(&self) -> anyhow::Result<()> {
        let ok = |status: &Value| status["relay"]["state"] == "ok";
        self.console()
            .await?
            .until("/api/status", READY, ok)
            .await
            .map(drop)
    }

    fn init_clinic(&self, relay_url: &str, ready: &Value) -> anyhow::Result<()> {
        std::fs::write(self.path("password"), PASSWORD)?;
        let text = |name: &str| {
            ready[name]
                .as_str()
                .with_context(|| format!("the relay's ready line has no `{name}`"))
        };
        let [station, sheets, password] =
            ["station", "sheets", "password"].map(|name| self.path(name));
        let made = run_json_of(
            self.versions.station.as_deref(),
            &[
                "clinic",
                "init",
                "--json",
                "--dir",
                &station,
                "--name",
                "Tern Street Practice",
                "--phone",
                "01632 960 100",
                "--emergency",
                "999",
                "--language",
                "en",
                "--zone",
                "Europe/London",
                "--relay",
                relay_url,
                "--relay-receipt",
                text("receipt")?,
                "--relay-receipt",
                text("reserve")?,
                "--sheets",
                &sheets,
                "--account",
                ACCOUNT,
                "--password-file",
                &password,
            ],
        )?;
        let key = |name: &str| {
            made[name]
                .as_str()
                .with_context(|| format!("`clinic init` said no `{name}`"))
        };
        let relay = self.path("relay");
        run_json_of(
            self.versions.relay.as_deref(),
            &[
                "relay",
                "tenant",
                "add",
                "--json",
                "--dir",
                &relay,
                "--name",
                "tern-street",
                "--root",
                key("root")?,
                "--auth",
                key("auth")?,
            ],
        )?;
        Ok(())
    }

    fn start_relay(&mut self, armed: &[(&'static str, String)]) -> anyhow::Result<Value> {
        let mut words = vec![
            "relay".to_owned(),
            "--json".into(),
            "--dir".into(),
            self.path("relay"),
            "--listen".into(),
            self.relay_address.clone(),
        ];
        if let Some(authority) = &self.authority {
            words.extend(["--authority".to_owned(), authority.clone()]);
        }
        let process =
            Process::start_program(&teleward(self.versions.relay.as_deref())?, words, armed)?;
        let ready = process.ready()?;
        let url = ready["relay"]
            .as_str()
            .context("the relay's ready line has no `relay`")?;
        self.relay_address = url.trim_start_matches("http://").to_owned();
        self.relay = Some(process);
        Ok(ready)
    }

    fn start_station(&mut self, armed: &[(&'static str, String)]) -> anyhow::Result<()> {
        let words = [
            "clinic",
            "--json",
            "--dir",
            &self.path("station"),
            "--listen",
            &self.console_address,
            "--collect-every-ms",
            "100",
        ]
        .map(str::to_owned);
        let process =
            Process::start_program(&teleward(self.versions.station.as_deref())?, words, armed)?;
        let ready = process.ready()?;
        let url = ready["console"]
            .as_str()
            .context("the station's ready line has no `console`")?;
        self.console_address = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        self.station = Some(process);
        Ok(())
    }

    /// The server's next process will be of this version.
    pub fn change_version(&mut self, versions: Versions) {
        self.versions = versions;
    }

    /// SIGKILL, then a new process on the same folder and port.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn restart(
        &mut self,
        part: Part,
        armed: &[(&'static str, String)],
    ) -> anyhow::Result<()> {
        self.kill(part)?;
        match part {
            Part::Relay => self.start_relay(armed).map(drop),
            Part::Station => self.start_station(armed),
            Part::Phone => anyhow::bail!("the phone is not part of the house"),
        }
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// Those of the system.
    pub fn kill(&mut self, part: Part) -> anyhow::Result<()> {
        let process = match part {
            Part::Relay => self.relay.take(),
            Part::Station => self.station.take(),
            Part::Phone => None,
        };
        process.map_or(Ok(()), Process::kill)
    }

    /// A fresh session at the console.
    ///
    /// # Errors
    /// When the station does not let the account in.
    pub async fn console(&self) -> anyhow::Result<Console> {
        Console::sign_in(&self.console_url(), ACCOUNT).await
    }

    /// What a clinician does: opens the patient's page, which marks what is new there seen, and maybe invites another
    /// patient (one patient's open invites are limited).
    ///
    /// # Errors
    /// When the station does not answer: it is down, or held inside the call.
    pub async fn look(console: &Console, patient: &str, invite: bool) -> anyhow::Result<()> {
        if invite {
            let newcomer = console.new_patient("Newcomer", "").await?;
            console.invite(&newcomer).await?;
        }
        let path = format!("/api/patients/{patient}/readings?limit=50");
        let page = console.get(&path).await?;
        let readings = page["readings"].as_array().context("no readings")?;
        let unseen: Vec<&Value> = readings
            .iter()
            .filter(|r| r["seen"].is_null())
            .map(|r| &r["id"])
            .collect();
        if !unseen.is_empty() {
            console
                .post("/api/seen", &serde_json::json!({ "readings": unseen }))
                .await?;
        }
        Ok(())
    }

    /// A signing key of the station, from its own folder.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn station_key(&self, name: &str) -> anyhow::Result<SigningKey> {
        Ok(SigningKey::from_seed(&self.station_seed(name)?))
    }

    /// The key by which the station opens its mail.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn station_age(&self) -> anyhow::Result<AgeIdentity> {
        Ok(AgeIdentity::from_seed(&self.station_seed("age")?)?)
    }

    fn station_seed(&self, name: &str) -> anyhow::Result<[u8; 32]> {
        let keys = FileVault::open(&self.folder.path().join("station/keys"), None)?;
        Ok(keys.load(name)?.expose().as_slice().try_into()?)
    }

    /// The relay's own address.
    #[must_use]
    pub fn relay_url(&self) -> String {
        format!("http://{}", self.relay_address)
    }

    /// The console's address.
    #[must_use]
    pub fn console_url(&self) -> String {
        format!("http://{}", self.console_address)
    }

    /// A new folder beside the servers' own.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The folder that holds everything.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// Runs `teleward WORDS` to its end.
///
/// # Errors
/// When it fails; its words on standard error stand in the error.
pub fn run(words: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program("teleward")?).args(words).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "teleward {words:?}: {said}");
    Ok(())
}

/// Runs `teleward WORDS` to its end and reads the JSON that it printed.
///
/// # Errors
/// When it fails; its words on standard error stand in the error.
pub fn run_json(words: &[&str]) -> anyhow::Result<Value> {
    run_json_of(None, words)
}

/// `teleward` of this version: in that folder, or today's.
fn teleward(version: Option<&Path>) -> anyhow::Result<PathBuf> {
    version.map_or_else(|| program("teleward"), |folder| Ok(folder.join("teleward")))
}

fn run_json_of(version: Option<&Path>, words: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(teleward(version)?).args(words).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`teleward {}` failed: {said}",
        words.first().copied().unwrap_or_default()
    );
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`teleward {words:?}` printed no JSON"))
}

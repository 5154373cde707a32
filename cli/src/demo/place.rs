//! The demo's folder, what stands in it, and the two servers that work from it.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::people::ZONE;
use super::process::Server;

/// The account by which the demo does what a clinician would.
pub const ADMINISTRATOR: &str = "Demo";
/// Tried first, so that the addresses are the same from run to run.
const RELAY_PORT: u16 = 8440;
const CONSOLE_PORT: u16 = 8441;

/// A folder with the state of one demo.
pub struct Place {
    dir: PathBuf,
    /// Removes the folder at the end, when nothing is to be kept.
    _unkept: Option<tempfile::TempDir>,
}

/// The file that says that a folder is a demo's, and whole.
const KEPT: &str = "demo.json";

/// What must be the same in the next run on the same folder: the patients know the relay by its address.
#[derive(Serialize, Deserialize, Clone, Copy)]
struct Kept {
    relay_port: u16,
}

/// Both servers, answering.
pub struct Servers {
    /// The console's address.
    pub console: String,
    /// The relay's address.
    pub relay: String,
    station: Server,
    post: Server,
}

impl Servers {
    /// Ends both; the station first, which still has something to tell the relay.
    pub fn end(self) -> Result<()> {
        self.station.end().and(self.post.end())
    }
}

impl Place {
    /// The folder that was named, or one that goes away at the end.
    pub fn at(dir: Option<&Path>) -> Result<Self> {
        if let Some(dir) = dir {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot make {}", dir.display()))?;
            return Ok(Self {
                dir: std::path::absolute(dir)?,
                _unkept: None,
            });
        }
        let unkept = tempfile::Builder::new()
            .prefix("teleward-demo-")
            .tempdir()?;
        Ok(Self {
            dir: unkept.path().to_owned(),
            _unkept: Some(unkept),
        })
    }

    /// A patient's folder.
    pub fn patient(&self, index: usize) -> PathBuf {
        self.dir.join(format!("patients/{:03}", index + 1))
    }

    /// The password of [`ADMINISTRATOR`].
    pub fn password(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.password_file())?;
        Ok(text.trim_end().to_owned())
    }

    /// Sets the clinic up where that was not done before, and starts the relay and the station.
    pub fn start(&self) -> Result<Servers> {
        let first = !self.dir.join(KEPT).is_file();
        let known = if first {
            self.is_free()?;
            None
        } else {
            Some(self.kept()?.relay_port)
        };
        let dir = |name: &str| self.dir.join(name).display().to_string();
        let start_relay = |port: u16| {
            let listen = format!("127.0.0.1:{port}");
            let relay_dir = dir("relay");
            let words = ["relay", "--json", "--dir", &relay_dir, "--listen", &listen];
            Server::start("relay", &words, &self.dir.join("relay.log"))
        };
        let (post, ready) = match known {
            // Patients know their relay by it.
            Some(port) => start_relay(port)?,
            None => at_usual_or_any(RELAY_PORT, start_relay)?,
        };
        let relay = text(&ready, "relay")?;
        if first {
            self.set_up(&relay, &ready)?;
            let kept = Kept {
                relay_port: port_of(&relay)?,
            };
            std::fs::write(self.dir.join(KEPT), serde_json::to_string(&kept)?)?;
        }
        let (station, ready) = at_usual_or_any(CONSOLE_PORT, |port| {
            let listen = format!("127.0.0.1:{port}");
            let station_dir = dir("station");
            let words = [
                "clinic",
                "--json",
                "--dir",
                &station_dir,
                "--listen",
                &listen,
            ];
            Server::start("station", &words, &self.dir.join("station.log"))
        })?;
        Ok(Servers {
            console: text(&ready, "console")?,
            relay,
            station,
            post,
        })
    }

    fn set_up(&self, relay: &str, ready: &Value) -> Result<()> {
        let path = |name: &str| self.dir.join(name).display().to_string();
        self.write_password()?;
        let mut words: Vec<String> = ["clinic", "init", "--json", "--dir", &path("station")]
            .map(str::to_owned)
            .to_vec();
        for (flag, value) in [
            ("--name", "Practice by the Park"),
            ("--phone", "+49 30 5550100"),
            ("--emergency", "112"),
            ("--language", "en"),
            ("--zone", ZONE),
            ("--relay", relay),
            ("--relay-receipt", &text(ready, "receipt")?),
            ("--sheets", &path("root-sheets")),
            ("--account", ADMINISTRATOR),
            ("--password-file", &path("password")),
        ] {
            // A key's text may begin with a dash: it must not look like a flag.
            words.push(format!("{flag}={value}"));
        }
        if let Some(reserve) = ready["reserve"].as_str() {
            words.push(format!("--relay-receipt={reserve}"));
        }
        let clinic = run_json(&words)?;
        let (root, auth) = (text(&clinic, "root")?, text(&clinic, "auth")?);
        let relay_dir = path("relay");
        let admit = [
            "relay", "tenant", "add", "--json", "--dir", &relay_dir, "--name", "demo", "--root",
            &root, "--auth", &auth,
        ];
        run_json(&admit.map(str::to_owned)).map(drop)
    }

    /// A first start needs a folder in which nobody began anything.
    fn is_free(&self) -> Result<()> {
        if ["relay", "station"]
            .iter()
            .any(|name| self.dir.join(name).exists())
        {
            bail!(
                "{} holds a demo whose first start was broken off: remove it, or name another --dir",
                self.dir.display()
            );
        }
        Ok(())
    }

    fn kept(&self) -> Result<Kept> {
        let file = self.dir.join(KEPT);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let kept: Kept = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a demo's: name another --dir", file.display()))?;
        if TcpListener::bind(("127.0.0.1", kept.relay_port)).is_err() {
            bail!(
                "port {} is taken, at which the patients of {} know their relay: end what listens there, or begin anew with another --dir",
                kept.relay_port,
                self.dir.display()
            );
        }
        Ok(kept)
    }

    fn password_file(&self) -> PathBuf {
        self.dir.join("password")
    }

    fn write_password(&self) -> Result<()> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.password_file())?;
        Ok(writeln!(file, "{}", wire::b64u::encode(random))?)
    }
}

/// Starts a server at its usual port; where that is taken, now or a moment later, at one that the system chooses.
fn at_usual_or_any<T>(usual: u16, start: impl Fn(u16) -> Result<T>) -> Result<T> {
    if TcpListener::bind(("127.0.0.1", usual)).is_err() {
        return start(0);
    }
    start(usual).or_else(|_| start(0))
}

fn port_of(url: &str) -> Result<u16> {
    let port = url.trim_end_matches('/').rsplit(':').next();
    port.and_then(|port| port.parse().ok())
        .with_context(|| format!("the relay's address {url} names no port"))
}

/// Runs this program with some words to its end; its line of JSON.
fn run_json(words: &[String]) -> Result<Value> {
    let program = std::env::current_exe().context("this program cannot find itself")?;
    let done = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()?;
    let shown = words.iter().take(3).cloned().collect::<Vec<_>>().join(" ");
    if !done.status.success() {
        bail!(
            "`teleward {shown}` failed: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let line = said
        .lines()
        .find(|line| line.starts_with('{'))
        .unwrap_or("null");
    serde_json::from_str(line).with_context(|| format!("`teleward {shown}` printed no JSON"))
}

fn text(object: &Value, member: &str) -> Result<String> {
    object[member]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("there is no `{member}` in {object}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-DEMO-010: a port that is taken is not chosen.
    #[test]
    fn a_taken_port_is_left_alone() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(at_usual_or_any(port, Ok).unwrap(), 0);
        drop(taken);
        assert_eq!(at_usual_or_any(port, Ok).unwrap(), port);
        let raced = |tried: u16| match tried {
            0 => Ok("another"),
            _ => bail!("address in use"),
        };
        assert_eq!(at_usual_or_any(port, raced).unwrap(), "another");
        assert_eq!(port_of("http://127.0.0.1:8440/").unwrap(), 8440);
        assert!(port_of("http://relay.example").is_err());
    }

    /// REQ-DEMO-011: a folder that cannot be gone on with is told with what to do, and left as it is.
    #[test]
    fn a_folder_that_cannot_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(Some(folder.path())).unwrap();
        place.is_free().unwrap();
        std::fs::create_dir(folder.path().join("station")).unwrap();
        let broken = place.is_free().unwrap_err().to_string();
        assert!(broken.contains("broken off"), "{broken}");

        let relay = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = relay.local_addr().unwrap().port();
        let kept = serde_json::to_string(&Kept { relay_port: port }).unwrap();
        std::fs::write(folder.path().join(KEPT), kept).unwrap();
        let taken = place.kept().err().unwrap().to_string();
        assert!(taken.contains(&port.to_string()), "{taken}");
        std::fs::write(folder.path().join(KEPT), "{}").unwrap();
        let foreign = place.kept().err().unwrap().to_string();
        assert!(foreign.contains("not a demo's"), "{foreign}");
    }
}

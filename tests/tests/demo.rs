//! Journey *Demo*: `teleward demo` as an adopter starts it, and what its processes wrote into logs and file names.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use teleward_tests::console::Console;
use teleward_tests::process::program;

const PATIENCE: Duration = Duration::from_secs(120);
/// Enough for every habit of a patient but the second offline one.
const PATIENTS: usize = 6;

/// A demo that ends with this value.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended, as it should.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// REQ-DEMO-002: the demo says where everything is once it answers; the link signs in once; Ctrl-C ends all of it.
/// REQ-PRIVACY-001: nothing clinical, no name and no secret stands in a log, a file name or the relay's files.
/// HAZ-PRIVACY-001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_runs_ends_and_tells_nobody() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = std::fs::File::create(folder.path().join("demo.log"))?;
    let place = folder.path().join("demo");
    let mut demo = Demo(
        Command::new(program("teleward")?)
            .args([
                "demo",
                "--no-open",
                "--json",
                "--patients",
                &PATIENTS.to_string(),
                "--dir",
            ])
            .arg(&place)
            // Everything that any part would ever write down.
            .env("TELEWARD_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?,
    );
    let out = demo.0.stdout.take().context("no output")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).with_context(|| {
        let said = std::fs::read_to_string(folder.path().join("demo.log")).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(3).collect();
        format!("the demo did not say where it is: {last:?}")
    })?;
    let text = |name: &str| ready[name].as_str().context("a member is missing");

    let console = Console::sign_in_with_link(text("console")?, text("sign_in")?).await?;
    ensure!(
        Console::sign_in_with_link(text("console")?, text("sign_in")?)
            .await
            .is_err(),
        "the link signed in twice"
    );
    let patients = until(&console, |patients| {
        let with_reading = patients
            .iter()
            .filter(|patient| !patient["latest"].is_null())
            .count();
        patients.len() == PATIENTS && with_reading >= PATIENTS - 1
    })
    .await?;
    let states: BTreeSet<&str> = patients
        .iter()
        .filter_map(|patient| patient["state"].as_str())
        .collect();
    ensure!(
        states.contains("confirmed") && states.contains("pending"),
        "states: {states:?}"
    );
    let replaced = of(&console, &patients, |links| {
        links.len() == 2 && links.iter().any(|link| link["state"] == "ended")
    });
    ensure!(replaced.await? == 1, "one patient has a new phone");

    let mut secrets = known_values(&console, &patients).await?;
    secrets.push(
        std::fs::read_to_string(place.join("password"))?
            .trim()
            .to_owned(),
    );
    let ended = Command::new("kill")
        .args(["-INT", &demo.0.id().to_string()])
        .status()?;
    ensure!(ended.success(), "the demo had ended by itself");
    let status = end_of(&mut demo.0)?;
    ensure!(status.success(), "Ctrl-C ended the demo with {status}");
    ensure!(
        Console::new(text("console")?)?
            .get("/api/session")
            .await
            .is_err(),
        "the station is still there"
    );

    letters_verify(&place.join("station"), &folder.path().join("letters"))?;

    let mut seen = Vec::new();
    let logs =
        ["demo.log", "demo/relay.log", "demo/station.log"].map(|name| folder.path().join(name));
    for path in logs.into_iter().chain(files(&place.join("relay"))?) {
        let bytes = std::fs::read(&path)?;
        seen.extend(
            secrets
                .iter()
                .filter(|secret| holds(&bytes, secret))
                .map(|secret| (path.clone(), secret.clone())),
        );
    }
    for path in files(&place)? {
        let name = path.to_string_lossy().into_owned();
        seen.extend(
            secrets
                .iter()
                .filter(|secret| name.contains(*secret))
                .map(|secret| (path.clone(), secret.clone())),
        );
    }
    ensure!(
        seen.is_empty(),
        "these were found where they must not be: {seen:?}"
    );
    Ok(())
}

/// REQ-CLI-010: what the station kept, handed out as files, verifies and opens with the keys beside it.
fn letters_verify(station: &Path, to: &Path) -> anyhow::Result<()> {
    let path = |name: &str| to.join(name).display().to_string();
    let run = |words: &[&str]| -> anyhow::Result<String> {
        let done = Command::new(program("teleward")?).args(words).output()?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        ensure!(
            done.status.success(),
            "{words:?}: {said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(said)
    };
    let (dir, folder) = (station.display().to_string(), to.display().to_string());
    let letters = ["clinic", "letters", "--json", "--with-keys", "--dir", &dir];
    let made: Value = serde_json::from_str(&run(&[&letters[..], &["--to", &folder]].concat())?)?;
    let count = made["letters"].as_u64().context("no count")?;
    ensure!(count >= PATIENTS as u64, "only {count} letters");
    let key = path("station.txt");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key)?.permissions());
    ensure!(mode & 0o077 == 0, "other users may read the keys");
    let (rosters, mail) = (path("rosters.ndjson"), path("mail"));
    let said = run(&["verify", "--identity", &key, "--rosters", &rosters, &mail])?;
    ensure!(
        said.contains(&format!("{count} of {count} verified")),
        "{said}"
    );
    let opened = run(&["open", "--identity", &key, &mail])?;
    ensure!(
        opened.contains("\"valueQuantity\""),
        "nothing was measured in all these letters"
    );
    let again = Command::new(program("teleward")?)
        .args(letters)
        .args(["--to", &folder])
        .output()?;
    ensure!(
        again.status.code() == Some(1),
        "it wrote over what was there"
    );
    Ok(())
}

/// REQ-DEMO-012: a demo that was killed while its patients joined goes on in the same folder, with each patient once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_that_was_killed_goes_on() -> anyhow::Result<()> {
    const FEW: usize = 4;
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("demo");
    let start = || -> anyhow::Result<(Demo, BufReader<std::process::ChildStdout>)> {
        let mut demo = Demo(
            Command::new(program("teleward")?)
                .args(["demo", "--no-open", "--json", "--patients"])
                .arg(FEW.to_string())
                .arg("--dir")
                .arg(&place)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?,
        );
        let out = demo.0.stdout.take().context("no output")?;
        Ok((demo, BufReader::new(out)))
    };
    let (first, _out) = start()?;
    let end = Instant::now() + PATIENCE;
    // Its first companion has opened its database: nobody has joined and been paired yet.
    while !place.join("patients/001/phone-1/companion.db").exists() {
        ensure!(Instant::now() < end, "no patient got a phone");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(first);
    let settled = (1..=FEW).filter(|n| place.join(format!("patients/{n:03}/joined")).exists());
    ensure!(
        settled.count() < FEW,
        "it was killed too late to show anything"
    );

    let (_second, mut out) = start()?;
    let mut line = String::new();
    out.read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).context("the second demo did not get ready")?;
    let text = |name: &str| ready[name].as_str().context("a member is missing");
    let console = Console::sign_in_with_link(text("console")?, text("sign_in")?).await?;
    let list = console.get("/api/patients").await?;
    let patients = list["patients"].as_array().cloned().unwrap_or_default();
    ensure!(patients.len() == FEW, "{} patients", patients.len());
    Ok(())
}

/// Names, numbers and contents that the station knows; none of them is short enough to turn up by chance.
async fn known_values(console: &Console, patients: &[Value]) -> anyhow::Result<Vec<String>> {
    let mut values = vec![
        "\"valueQuantity\"".to_owned(),
        "85354-9".to_owned(),
        "AGE-SECRET-KEY-PQ-1".to_owned(),
    ];
    for patient in patients {
        let id = patient["id"].as_str().context("a patient without an id")?;
        let page = console.get(&format!("/api/patients/{id}")).await?;
        for member in ["name", "record_number", "phone"] {
            values.push(
                page["patient"][member]
                    .as_str()
                    .context("a member is missing")?
                    .to_owned(),
            );
        }
        // A word of the check words is a word; the six of them together are this link's.
        for link in page["links"].as_array().into_iter().flatten() {
            let words: Vec<&str> = link["words"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            values.push(words.join(" "));
        }
    }
    values.retain(|value| value.len() >= 6);
    Ok(values)
}

/// Whether the bytes hold a value as it stands, or in one of the encodings that we use.
fn holds(bytes: &[u8], value: &str) -> bool {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let escaped = json!(value).to_string();
    let mut shapes = vec![
        value.as_bytes().to_vec(),
        hex.into_bytes(),
        escaped.trim_matches('"').as_bytes().to_vec(),
    ];
    // Base64 of a text depends on where it begins in its group of three; the ends depend on the neighbours.
    for shift in 0..3 {
        let shifted = [&vec![b'x'; shift][..], value.as_bytes()].concat();
        let url = wire::b64u::encode(shifted);
        let inner = &url[(shift * 4).div_ceil(3)..url.len() - 2];
        shapes.push(inner.as_bytes().to_vec());
        shapes.push(inner.replace('-', "+").replace('_', "/").into_bytes());
    }
    shapes
        .iter()
        .any(|shape| bytes.windows(shape.len()).any(|window| window == shape))
}

async fn until(console: &Console, enough: impl Fn(&[Value]) -> bool) -> anyhow::Result<Vec<Value>> {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = console.get("/api/patients").await?;
        let patients = list["patients"].as_array().cloned().unwrap_or_default();
        if enough(&patients) {
            return Ok(patients);
        }
        ensure!(
            Instant::now() < end,
            "the patients did not come to what was wanted: {list}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How many patients have links as wanted.
async fn of(
    console: &Console,
    patients: &[Value],
    wanted: impl Fn(&[Value]) -> bool,
) -> anyhow::Result<usize> {
    let mut found = 0;
    for patient in patients {
        let id = patient["id"].as_str().context("a patient without an id")?;
        let page = console.get(&format!("/api/patients/{id}")).await?;
        found += usize::from(wanted(
            page["links"].as_array().map_or(&[][..], Vec::as_slice),
        ));
    }
    Ok(found)
}

fn end_of(child: &mut Child) -> anyhow::Result<std::process::ExitStatus> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        ensure!(Instant::now() < end, "the demo did not end");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(files(&path)?);
        } else if path.is_file() {
            all.push(path);
        }
    }
    Ok(all)
}

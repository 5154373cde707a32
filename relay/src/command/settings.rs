//! Where a relay's settings come from: a flag, else the environment, else the file, else the default.

use super::RunArgs;
use crate::serve::{RelayConfig, Tls};
use crate::{Proxy, RelayError};
use serde::Deserialize;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file: every member may be left out, none may be unknown.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    authority: Vec<String>,
    tls: Option<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    metrics_token: Option<String>,
    behind_proxy: bool,
    quota_bytes: Option<u64>,
    quota_per_day: Option<u64>,
    requests_per_second: Option<f64>,
    burst: Option<f64>,
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    slow_client_s: Option<u64>,
    links: Option<usize>,
    live_lines: Option<usize>,
    body_bytes: Option<usize>,
    nonces_per_key: Option<u32>,
    disk_reserve_bytes: Option<u64>,
}

/// One configuration from all of them.
///
/// # Errors
/// [`RelayError::Config`], whose text says what to change.
pub fn settle(args: RunArgs) -> Result<RelayConfig, RelayError> {
    let file = args.config.as_deref().map(read).transpose()?;
    let file = file.unwrap_or_default();
    let dir = args.dir.or(file.dir);
    let mut config = RelayConfig::new(dir.unwrap_or_else(|| "relay-data".into()));
    config.listen = match args.listen.or(file.listen) {
        Some(address) => address,
        None => free_unless(config.listen),
    };
    config.authorities = if args.authority.is_empty() {
        file.authority
    } else {
        args.authority
    };
    config.tls = tls(
        args.tls.or(file.tls),
        args.cert.or(file.cert),
        args.key.or(file.key),
    )?;
    config.metrics_token = args.metrics_token.or(file.metrics_token);
    if args.behind_proxy || file.behind_proxy {
        config.proxy = Proxy::OnThisMachine;
    }
    let limits = &mut config.limits;
    set(
        &mut limits.quota.bytes,
        args.quota_bytes.or(file.quota_bytes),
    );
    set(
        &mut limits.quota.per_day,
        args.quota_per_day.or(file.quota_per_day),
    );
    set(
        &mut limits.requests_per_second,
        args.requests_per_second.or(file.requests_per_second),
    );
    set(&mut limits.burst, args.burst.or(file.burst));
    set(
        &mut limits.connections,
        args.connections.or(file.connections),
    );
    set(
        &mut limits.connections_per_address,
        file.connections_per_address,
    );
    let slow = args.slow_client_s.or(file.slow_client_s);
    set(&mut limits.slow_client, slow.map(Duration::from_secs));
    set(&mut limits.links, file.links);
    set(&mut limits.live_lines, file.live_lines);
    set(&mut limits.body_bytes, file.body_bytes);
    set(&mut limits.nonces_per_key, file.nonces_per_key);
    set(&mut limits.disk_reserve_bytes, file.disk_reserve_bytes);
    Ok(config)
}

fn set<T>(limit: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *limit = value;
    }
}

fn read(path: &Path) -> Result<File, RelayError> {
    let fault = |why: String| {
        RelayError::Config(format!(
            "the settings in {} cannot be used: {why}",
            path.display()
        ))
    };
    let text = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| fault(error.to_string()))
}

fn tls(
    kind: Option<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<Tls>, RelayError> {
    match (kind.as_deref(), cert, key) {
        (None, None, None) => Ok(None),
        (Some("files"), Some(cert), Some(key)) => Ok(Some(Tls { cert, key })),
        _ => Err(RelayError::Config(
            "TLS from files takes all three: --tls files --cert CHAIN.pem --key KEY.pem".to_owned(),
        )),
    }
}

/// The usual port, or any free one when somebody has it: a first start needs no settings.
fn free_unless(usual: SocketAddr) -> SocketAddr {
    match TcpListener::bind(usual) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            SocketAddr::new(usual.ip(), 0)
        }
        _ => usual,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail here")]
    use super::*;
    use crate::command::Args;
    use clap::{Args as _, FromArgMatches as _};

    fn settled(words: &[&str]) -> Result<RelayConfig, RelayError> {
        let command = Args::augment_args(clap::Command::new("relay"));
        let matches = command
            .try_get_matches_from([&["relay"], words].concat())
            .unwrap();
        settle(Args::from_arg_matches(&matches).unwrap().run)
    }

    #[test]
    fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.json");
        let text = r#"{"listen":"127.0.0.1:9001","burst":7,"quota_bytes":10,"authority":["a.example"],"links":3}"#;
        std::fs::write(&path, text).unwrap();
        let file = path.to_str().unwrap();
        let config = settled(&["--config", file, "--burst", "9"]).unwrap();
        assert_eq!(config.listen.port(), 9001);
        assert_eq!((config.limits.burst, config.limits.quota.bytes), (9.0, 10));
        assert_eq!(
            (config.authorities, config.limits.links),
            (vec!["a.example".to_owned()], 3)
        );
        assert_eq!(config.limits.quota.per_day, 5000);
    }

    #[test]
    fn settings_that_cannot_be_used_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.json");
        std::fs::write(&path, r#"{"bursts":7}"#).unwrap();
        let wrong = settled(&["--config", path.to_str().unwrap()]).unwrap_err();
        assert!(wrong.to_string().contains("bursts"), "{wrong}");
        let half = settled(&["--tls", "files", "--cert", "c.pem"]).unwrap_err();
        assert!(half.to_string().contains("--key"), "{half}");
    }
}

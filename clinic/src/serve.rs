//! Starting a station: its folder, its relay clients, its office and its console.

use crate::device_tables::CheckTable;
use crate::error::ClinicError;
use crate::http::{App, router};
use crate::office;
use crate::rim;
use crate::station::{Station, set_meta};
use axum_server::Handle;
use post::{ClientOptions, Pace, RelayClient};
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::DirLock;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vault::Sensitive;
use wire::Time;
use wire::roster::RelayState;

/// Requests under way get so long when the station ends.
const GOODBYE: Duration = Duration::from_secs(5);

/// Certificate and key of the console, as PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate, and those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How a station runs.
#[derive(Debug, Clone)]
pub struct StationConfig {
    /// Its data folder, made by [`crate::init`].
    pub dir: PathBuf,
    /// Where the console listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS for the console. Without it, only loopback addresses are listened on.
    pub tls: Option<Tls>,
    /// Scheme and authority by which people reach the console, when it is another than the address listened on: a name,
    /// or a proxy in front.
    pub public_url: Option<String>,
    /// The passphrase of the key folder, where there is one.
    pub passphrase: Option<Sensitive<String>>,
    /// A certificate authority of the clinic's own for its relay (PEM).
    pub relay_ca: Option<Vec<u8>>,
    /// How often the relay is asked without a live line, and how retries are spaced.
    pub pace: Pace,
    /// How a table of devices is read before it is adopted in the console.
    pub check_table: CheckTable,
}

impl StationConfig {
    /// The usual station on this folder: console on a free loopback port; it adopts no table of devices.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            dir: dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            public_url: None,
            passphrase: None,
            relay_ca: None,
            pace: Pace {
                collect: minute,
                collect_beside_live: 5 * minute,
                send: minute,
                longest_pause: minute,
                ..Pace::default()
            },
            check_table: |_| Err("this station was started without a reader for them".to_owned()),
        }
    }
}

/// A running station.
#[derive(Debug)]
pub struct Running {
    /// The console's address.
    pub console: String,
    /// A link that signs the first administrator in, once; `None` when somebody has signed in before.
    pub sign_in: Option<String>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), ClinicError>>,
}

impl Running {
    /// Waits until the station has ended.
    ///
    /// # Errors
    /// When the console's server failed.
    pub async fn wait(self) -> Result<(), ClinicError> {
        let Self {
            task, stop: _stop, ..
        } = self;
        task.await
            .unwrap_or(Err(ClinicError::Kept("a server that broke off")))
    }

    /// Ends the station and waits for it.
    ///
    /// # Errors
    /// As [`Running::wait`].
    pub async fn stop(self) -> Result<(), ClinicError> {
        self.stop.send_replace(true);
        self.wait().await
    }
}

/// Starts a station; it ends when `shutdown` does.
///
/// # Errors
/// [`ClinicError`], whose text says what to change.
pub async fn serve(
    config: StationConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Running, ClinicError> {
    // whoever embeds this may have installed one: as good
    let _installed = rustls::crypto::ring::default_provider().install_default();
    check(&config)?;
    let lock = DirLock::take(&config.dir)?;
    let now = Time::system();
    let station = {
        let (dir, passphrase) = (config.dir.clone(), config.passphrase.clone());
        let opened =
            tokio::task::spawn_blocking(move || Station::open(&dir, passphrase.as_ref(), now))
                .await;
        Arc::new(opened.unwrap_or(Err(ClinicError::Kept("work that broke off")))?)
    };
    let clients = relay_clients(&station, &config)?;
    let tls = match &config.tls {
        None => None,
        Some(tls) => {
            let read =
                axum_server::tls_rustls::RustlsConfig::from_pem_file(&tls.certificate, &tls.key)
                    .await;
            Some(read.map_err(ClinicError::file(&tls.certificate))?)
        }
    };
    let busy = |e: std::io::Error| {
        ClinicError::Setup(format!(
            "cannot listen on {}: {e}; choose another address with --listen",
            config.listen
        ))
    };
    let listener = TcpListener::bind(config.listen).map_err(busy)?;
    listener.set_nonblocking(true).map_err(busy)?;
    let address = listener.local_addr().map_err(busy)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let console = match &config.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("{scheme}://{address}"),
    };
    let secure = console.starts_with("https:");
    let token = rim::random()?;
    let sign_in = station
        .first_link(token, now)?
        .map(|token| format!("{console}/sign-in#{token}"));
    station.db.write(|tx| set_meta(tx, "console", &console))?;

    let (stop, stopped) = watch::channel(false);
    let seed = u64::from_be_bytes(rim::random()?);
    let office = tokio::spawn(office::run(
        station.clone(),
        clients.clone(),
        config.pace,
        seed,
        stopped.clone(),
    ));
    let app = App::new(
        station,
        clients,
        console.clone(),
        secure,
        config.check_table,
        stopped.clone(),
    );
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::new();
    let server = {
        let handle = handle.clone();
        tokio::spawn(async move {
            match tls {
                Some(tls) => {
                    axum_server::from_tcp_rustls(listener, tls)
                        .handle(handle)
                        .serve(service)
                        .await
                }
                None => {
                    axum_server::from_tcp(listener)
                        .handle(handle)
                        .serve(service)
                        .await
                }
            }
        })
    };
    let ending = stop.clone();
    let task = tokio::spawn(async move {
        let mut stopped = stopped;
        tokio::select! {
            () = shutdown => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        ending.send_replace(true);
        handle.graceful_shutdown(Some(GOODBYE));
        let ended = server.await;
        // the office ends by the same word
        let _office = office.await;
        drop(lock);
        match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ClinicError::Setup(format!(
                "the console's server ended: {error}"
            ))),
            Err(_) => Err(ClinicError::Kept("a server that broke off")),
        }
    });
    Ok(Running {
        console,
        sign_in,
        stop,
        task,
    })
}

fn check(config: &StationConfig) -> Result<(), ClinicError> {
    let near = config.listen.ip().is_loopback();
    let behind = config
        .public_url
        .as_ref()
        .is_some_and(|url| url.starts_with("https://"));
    if !near && config.tls.is_none() && !behind {
        return Err(ClinicError::Setup(
            "the console would be open to the network without TLS: give --tls files with --cert and --key, \
             or --public-url https://… when a proxy in front does it"
                .to_owned(),
        ));
    }
    if let Some(url) = &config.public_url {
        let rest = url
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
            .map(|(_, rest)| rest);
        if rest.is_none_or(|rest| rest.is_empty() || rest.trim_end_matches('/').contains('/')) {
            return Err(ClinicError::Setup(
                "--public-url is scheme and name, such as https://console.clinic.example".into(),
            ));
        }
    }
    Ok(())
}

/// One client for each relay of the newest roster, the one that takes new mail first.
fn relay_clients(
    station: &Station,
    config: &StationConfig,
) -> Result<Vec<RelayClient>, ClinicError> {
    let newest = station
        .rosters
        .newest()
        .ok_or(ClinicError::Kept("no roster"))?;
    let mut relays: Vec<_> = newest
        .roster
        .relays
        .iter()
        .filter(|r| r.state != RelayState::Unknown)
        .collect();
    relays.sort_by_key(|relay| relay.state != RelayState::Active);
    let options = ClientOptions {
        extra_roots_pem: config.relay_ca.clone(),
    };
    let client = |relay: &&wire::roster::Relay| {
        RelayClient::new(&relay.url, &options).map_err(|source| ClinicError::Relay {
            url: relay.url.clone(),
            source,
        })
    };
    relays.iter().map(client).collect()
}

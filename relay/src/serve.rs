//! Starting and ending a relay.

use crate::{
    Authorities, Proxy, Relay, RelayError, auth, body, connections, http, keys, links, live,
    mailbox, metrics, schema, writer,
};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use wire::api::Quota;
use wire::{PublicKey, Time};

/// Certificate and key files, PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What bounds a relay's memory, disk and work.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most that a station may give to one link.
    pub quota: Quota,
    /// Links of all clinics.
    pub links: usize,
    /// Open WebSockets.
    pub live_lines: usize,
    /// Writes that may wait.
    pub waiting_writes: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections from one address; loopback has only the bound above.
    pub connections_per_address: usize,
    /// Memory for the bodies of all requests together; beyond it the answer is 503.
    pub body_bytes: usize,
    /// Requests of one key that are remembered until they expire, so that none counts twice.
    pub nonces_per_key: u32,
    /// Requests a second from one address.
    pub requests_per_second: f64,
    /// The burst above that.
    pub burst: f64,
    /// Addresses that are remembered.
    pub addresses: usize,
    /// Free bytes below which the relay is not ready.
    pub disk_reserve_bytes: u64,
    /// How long a request's head, and then its body, may take to arrive.
    pub slow_client: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            quota: Quota {
                bytes: 512 * 1024 * 1024,
                per_day: 5000,
            },
            links: 100_000,
            live_lines: 10_000,
            waiting_writes: 4096,
            connections: 8192,
            connections_per_address: 512,
            body_bytes: 256 * 1024 * 1024,
            nonces_per_key: 200_000,
            requests_per_second: 200.0,
            burst: 1000.0,
            addresses: 100_000,
            disk_reserve_bytes: 256 * 1024 * 1024,
            slow_client: Duration::from_secs(60),
        }
    }
}

/// How a relay is to run. `RelayConfig::new(folder)` is enough.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Where everything lies.
    pub dir: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The names under which it is known; none means loopback with the listening port.
    pub authorities: Vec<String>,
    /// TLS from files.
    pub tls: Option<Tls>,
    /// What the operator's metrics request carries; without one, only loopback may read them.
    pub metrics_token: Option<String>,
    /// Whose word counts for a caller's address.
    pub proxy: Proxy,
    /// Bounds.
    pub limits: Limits,
}

impl RelayConfig {
    /// The usual settings on loopback.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8440)),
            authorities: Vec::new(),
            tls: None,
            metrics_token: None,
            proxy: Proxy::None,
            limits: Limits::default(),
        }
    }
}

/// A relay that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The key that signs receipts.
    pub receipt: PublicKey,
    /// The key that would after a restore: rosters name it beforehand.
    pub reserve: PublicKey,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Ends what is under way, then returns.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn stop(self) -> Result<(), RelayError> {
        self.stop.send_replace(true);
        self.server
            .await
            .map_err(|_| RelayError::Stopped)?
            .map_err(RelayError::from)
    }
}

/// Opens the data folder and starts to listen.
///
/// # Errors
/// [`RelayError::InUse`], [`RelayError::NewerSchema`], [`RelayError::Config`], or those of disk and socket.
pub async fn serve(config: RelayConfig) -> Result<Running, RelayError> {
    std::fs::create_dir_all(&config.dir)?;
    let lock = lock(&config.dir)?;
    let keys = keys::open(&config.dir)?;
    let (receipt, reserve) = (keys.receipt.public(), keys.reserve);
    let database = config.dir.join("relay.db");
    let files = config.dir.join("files");
    std::fs::create_dir_all(&files)?;
    let db = schema::open(&database)?;
    // before the list itself, so that a clinic admitted in between shows as a change
    let mark = links::tenants_mark(&db)?;
    let directory = Arc::new(RwLock::new(links::load(&db)?));
    let nonces = Mutex::new(links::count_nonces(&db)?);
    let left = mailbox::sweep(&db, &files, Duration::ZERO)?;
    if left > 0 {
        tracing::info!(files = left, "files without a row were removed");
    }
    let memory = directory.clone();
    let repair = move |db: &rusqlite::Connection| {
        let fresh = links::load(db)?;
        *memory
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
        Ok(())
    };
    let (writer, _thread) = writer::Writer::start(db, config.limits.waiting_writes, repair)?;
    let listener = std::net::TcpListener::bind(config.listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let authorities = match config.authorities.as_slice() {
        [] => Authorities::Loopback(address.port()),
        names => Authorities::Named(names.iter().map(|name| name.to_ascii_lowercase()).collect()),
    };
    let (stop, stopped) = watch::channel(false);
    let limits = config.limits;
    let relay = Arc::new(Relay {
        directory,
        writer,
        readers: Mutex::new(Vec::new()),
        database,
        files,
        receipt: keys.receipt,
        authorities,
        buckets: Mutex::new(auth::Buckets::new(
            limits.requests_per_second,
            limits.burst,
            limits.addresses,
        )),
        proxy: config.proxy,
        bodies: body::Budget::new(limits.body_bytes),
        nonces,
        live: live::Live::default(),
        metrics: metrics::Metrics::default(),
        metrics_token: config.metrics_token,
        limits,
        stop: stopped.clone(),
    });
    tokio::spawn(tidy(relay.clone(), stopped.clone()));
    tokio::spawn(follow_tenants(relay.clone(), mark, stopped.clone()));
    let app = Router::new()
        .fallback(http::handle)
        .with_state(relay)
        .into_make_service_with_connect_info::<SocketAddr>();
    let handle = axum_server::Handle::new();
    let doors = connections::Doors::new(limits.connections, limits.connections_per_address);
    let ending = handle.clone();
    let mut until = stopped;
    tokio::spawn(async move {
        // the sender's end means the same as a call
        let _ended = until.wait_for(|stop| *stop).await;
        ending.graceful_shutdown(Some(Duration::from_secs(10)));
    });
    let server = match config.tls {
        Some(tls) => {
            // another one that the program chose stays
            let _chosen = rustls::crypto::ring::default_provider().install_default();
            let tls =
                axum_server::tls_rustls::RustlsConfig::from_pem_file(&tls.cert, &tls.key).await;
            let tls = tls.map_err(|error| {
                RelayError::Config(format!(
                    "the certificate or its key cannot be used: {error}"
                ))
            })?;
            tokio::spawn(async move {
                let _lock = lock;
                let mut server = axum_server::from_tcp_rustls(listener, tls)
                    .map(|inner| connections::Guarded::new(inner, doors))
                    .handle(handle);
                bound(server.http_builder(), limits.slow_client);
                server.serve(app).await
            })
        }
        None => tokio::spawn(async move {
            let _lock = lock;
            let mut server = axum_server::from_tcp(listener)
                .map(|inner| connections::Guarded::new(inner, doors))
                .handle(handle);
            bound(server.http_builder(), limits.slow_client);
            server.serve(app).await
        }),
    };
    tracing::info!(port = address.port(), "the relay listens");
    Ok(Running {
        address,
        receipt,
        reserve,
        stop,
        server,
    })
}

/// What a connection may cost before its request is there.
fn bound(http: &mut Builder<TokioExecutor>, slow: Duration) {
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(slow)
        .max_buf_size(64 * 1024);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(slow)
        .max_concurrent_streams(64)
        .max_header_list_size(32 * 1024);
}

/// One relay per data folder.
fn lock(folder: &Path) -> Result<std::fs::File, RelayError> {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(RelayError::InUse),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Twice a second, looks whether another process (`relay tenant`) admitted or ended a clinic.
async fn follow_tenants(relay: Arc<Relay>, mut known: (i64, i64), mut stop: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.changed() => return,
        }
        let mark = match relay.read(links::tenants_mark) {
            Ok(mark) => mark,
            Err(error) => {
                tracing::warn!(%error, "the list of clinics could not be read");
                continue;
            }
        };
        if known == mark {
            continue;
        }
        // inside a write, so that no link changes between reading and taking over
        let shared = relay.clone();
        let loaded = relay.writer.write(move |tx| {
            let fresh = links::load(tx)?;
            shared.live.hang_up_strangers(&fresh);
            *shared
                .directory
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
            Ok(())
        });
        match loaded.await {
            Ok(()) => known = mark,
            Err(error) => tracing::warn!(%error, "the list of clinics could not be read"),
        }
    }
}

/// Once a minute forgets expired nonces, so that their table stays as small as the traffic of five minutes; once an hour
/// removes files that have no row.
async fn tidy(relay: Arc<Relay>, mut stop: watch::Receiver<bool>) {
    const HOUR: Duration = Duration::from_secs(3600);
    let mut every = tokio::time::interval(Duration::from_secs(60));
    let mut minutes = 0_u32;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.changed() => return,
        }
        minutes += 1;
        let sweep = minutes.is_multiple_of(60);
        let shared = relay.clone();
        let tidied = relay.writer.write(move |tx| {
            links::forget_nonces(tx, Time::system())?;
            let counts = links::count_nonces(tx)?;
            *shared
                .nonces
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = counts;
            if sweep {
                mailbox::sweep(tx, &shared.files, HOUR)?;
            }
            Ok(())
        });
        if let Err(error) = tidied.await {
            tracing::warn!(%error, "expired nonces were not forgotten");
        }
    }
}

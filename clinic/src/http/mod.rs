//! The console's server: the built pages at `/`, the interface under `/api/`.
//!
//! In: requests of browsers. Out: JSON, server-sent events, static files. Handlers read and write through the station
//! on blocking threads; no answer but the console's own names a patient, and no error, log or address ever does.

mod accounts;
mod assets;
mod changes;
mod devices;
mod error;
mod guard;
mod links;
mod patients;
mod reading_view;
mod readings;
mod session;
mod shown;
mod status;

use crate::device_tables::CheckTable;
use crate::error::ClinicError;
use crate::station::Station;
use crate::throttle::Throttle;
use ::post::RelayClient;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, patch, post};
use error::ApiError;
pub(crate) use patients::zone_is_name;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

/// A request's body in bytes at most.
const BODY: usize = 64 * 1024;
/// Passwords that are hashed at once: each takes 19 MiB and a core.
const HASHING: usize = 2;

/// What handlers share.
pub(crate) struct App {
    pub station: Arc<Station>,
    pub clients: Vec<RelayClient>,
    pub throttle: Mutex<Throttle>,
    pub hashing: Semaphore,
    /// The console's address as people see it, without a path.
    pub public: String,
    /// Cookies only over TLS.
    pub secure: bool,
    /// Reads a table of devices as phones will.
    pub check_table: CheckTable,
    pub stop: watch::Receiver<bool>,
}

impl App {
    pub(crate) fn new(
        station: Arc<Station>,
        clients: Vec<RelayClient>,
        public: String,
        secure: bool,
        check_table: CheckTable,
        stop: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let (throttle, hashing) = (Mutex::default(), Semaphore::new(HASHING));
        Arc::new(Self {
            station,
            clients,
            throttle,
            hashing,
            public,
            secure,
            check_table,
            stop,
        })
    }

    /// Runs database work on a blocking thread.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Station) -> Result<T, ClinicError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let station = self.station.clone();
        let done = tokio::task::spawn_blocking(move || work(&station)).await;
        Ok(done.unwrap_or(Err(ClinicError::Kept("work that broke off")))?)
    }
}

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route(
            "/session",
            get(session::show)
                .post(session::sign_in)
                .delete(session::sign_out),
        )
        .route("/session/link", post(session::sign_in_by_link))
        .route("/password", post(session::set_password))
        .route("/accounts", get(accounts::list).post(accounts::make))
        .route("/accounts/{id}/reset", post(accounts::reset))
        .route("/accounts/{id}/end", post(accounts::end))
        .route("/patients", get(patients::list).post(patients::make))
        .route(
            "/patients/{id}",
            get(patients::show).merge(patch(patients::change)),
        )
        .route("/patients/{id}/readings", get(readings::list))
        .route("/patients/{id}/observations", get(readings::observations))
        .route("/patients/{id}/invites", post(links::invite))
        .route("/invites/{id}/withdraw", post(links::withdraw))
        .route("/links/{up}/confirm", post(links::confirm))
        .route("/links/{up}/end", post(links::end))
        .route(
            "/devices/table",
            get(devices::show)
                .merge(post(devices::adopt).layer(DefaultBodyLimit::max(devices::BODY))),
        )
        .route(
            "/devices/table/changes",
            post(devices::changes).layer(DefaultBodyLimit::max(devices::BODY)),
        )
        .route("/seen", post(readings::seen))
        .route("/findings", get(status::findings))
        .route("/findings/{id}/close", post(status::close_finding))
        .route("/shown", post(shown::choose))
        .route("/status", get(status::show))
        .route("/changes", get(changes::watch))
        .fallback(error::unknown)
        .method_not_allowed_fallback(error::unknown);
    Router::new()
        .nest("/api", api)
        .fallback(get(assets::serve))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

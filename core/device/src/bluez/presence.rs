//! BlueZ may end and start again while we run (an update, a crash): its name on the bus then gets a new owner. The new one
//! knows neither our agent nor our scan, and has told nobody that the links are gone.

use super::agent::{self, Agent};
use super::link::Heard;
use super::{SERVICE, TIMEOUT, fault};
use crate::fault::RadioFault;
use dbus::channel::MatchingReceiver as _;
use dbus::message::MatchRule;
use dbus::nonblock::{Proxy, SyncConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const BUS: &str = "org.freedesktop.DBus";
const OWNER_CHANGED: &str = "NameOwnerChanged";
const MANAGER: &str = "org.bluez.AgentManager1";
/// BlueZ has its name before it has its objects.
const AGAIN: Duration = Duration::from_secs(1);

/// What was heard of BlueZ itself.
#[derive(Default)]
pub(super) struct Presence {
    /// It went since somebody asked.
    went: AtomicBool,
    came: Notify,
}

impl Presence {
    /// From now on the end of each BlueZ ends its links and its questions.
    pub(super) async fn listen(
        connection: &Arc<SyncConnection>,
        agent: Agent,
        heard: Arc<Heard>,
    ) -> Result<Arc<Self>, RadioFault> {
        let presence = Arc::new(Self::default());
        let wanted = format!(
            "type='signal',sender='{BUS}',interface='{BUS}',member='{OWNER_CHANGED}',arg0='{SERVICE}'"
        );
        connection.add_match_no_cb(&wanted).await.map_err(fault)?;
        let ours = Arc::clone(&presence);
        connection.start_receive(
            MatchRule::new_signal(BUS, OWNER_CHANGED).with_strict_sender(BUS),
            Box::new(move |message, _| {
                if let Ok((name, old, new)) = message.read3::<String, String, String>()
                    && name == SERVICE
                {
                    if !old.is_empty() {
                        ours.went.store(true, Ordering::Relaxed);
                        heard.all_gone();
                        agent.cancel();
                    }
                    if !new.is_empty() {
                        ours.came.notify_one();
                    }
                }
                true
            }),
        );
        Ok(presence)
    }

    /// Whether BlueZ went since this was asked the last time; it may be back.
    pub(super) fn has_gone(&self) -> bool {
        self.went.swap(false, Ordering::Relaxed)
    }

    /// Registers the agent with each BlueZ that comes, for ever.
    pub(super) async fn renew(
        self: Arc<Self>,
        connection: Arc<SyncConnection>,
        capability: &'static str,
    ) {
        loop {
            self.came.notified().await;
            loop {
                match register(&connection, capability).await {
                    Ok(()) => {
                        break tracing::info!("BlueZ has started again: the agent is registered");
                    }
                    // It went again: the next one is told, too.
                    Err(RadioFault::Missing) => break,
                    Err(fault) => tracing::warn!(?fault, "the agent cannot be registered yet"),
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Makes our agent the one that BlueZ asks.
pub(super) async fn register(
    connection: &Arc<SyncConnection>,
    capability: &str,
) -> Result<(), RadioFault> {
    let manager = Proxy::new(SERVICE, "/org/bluez", TIMEOUT, Arc::clone(connection));
    let path = dbus::Path::from(agent::PATH);
    let registered: Result<(), dbus::Error> = manager
        .method_call(MANAGER, "RegisterAgent", (path.clone(), capability))
        .await;
    match registered {
        Err(error) if error.name() == Some("org.bluez.Error.AlreadyExists") => {}
        other => other.map_err(fault)?,
    }
    let made_default: Result<(), dbus::Error> = manager
        .method_call(MANAGER, "RequestDefaultAgent", (path,))
        .await;
    made_default.map_err(fault)
}

//! What btleplug does not do on Linux, over the D-Bus stack that it links: pairing, with an agent of our own
//! (`org.bluez.AgentManager1`), the bond's state, its removal, links whose end is heard in its place, an honest list of
//! characteristics, and subscriptions that stand before a link does.
//!
//! The agent is the default agent, because BlueZ also pairs by itself when a protected value is read.

mod agent;
mod characteristics;
mod link;
mod presence;

use crate::fault::RadioFault;
use crate::links::Links;
use crate::prompt::PairingPrompt;
use crate::radio::{DeviceHandle, Fanout};
use agent::Agent;
use characteristics::Values;
use dbus::channel::MatchingReceiver as _;
use dbus::message::MatchRule;
use dbus::nonblock::stdintf::org_freedesktop_dbus::Properties as _;
use dbus::nonblock::{Proxy, SyncConnection};
use dbus_crossroads::Crossroads;
use link::Heard;
use presence::Presence;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const SERVICE: &str = "org.bluez";
const DEVICE: &str = "org.bluez.Device1";
const TIMEOUT: Duration = Duration::from_secs(10);
/// A person looks for six digits: the machine's own deadline comes first.
const PAIR_TIMEOUT: Duration = Duration::from_secs(90);

/// Our connection to BlueZ. Dropping it ends the agent.
pub(crate) struct Bluez {
    connection: Arc<SyncConnection>,
    agent: Agent,
    heard: Arc<Heard>,
    presence: Arc<Presence>,
    tasks: [JoinHandle<()>; 2],
}

impl Bluez {
    /// Connects to the system bus, listens to what becomes of links, and registers the agent.
    ///
    /// # Errors
    /// [`RadioFault::Missing`] when there is no bus or no BlueZ.
    pub(crate) async fn open(
        prompt: Arc<dyn PairingPrompt>,
        events: Fanout,
        links: Arc<Links>,
    ) -> Result<Self, RadioFault> {
        let (resource, connection) =
            dbus_tokio::connection::new_system_sync().map_err(|_| RadioFault::Missing)?;
        let task = tokio::spawn(async move {
            let lost = resource.await;
            tracing::warn!(%lost, "the connection to the system bus ended");
        });
        let capability = prompt.capability();
        let values = Values::new(events.clone());
        let agent = Agent::new(prompt, events);
        let mut crossroads = Crossroads::new();
        let spawn = Box::new(|future| {
            tokio::spawn(future);
        });
        let sender: Arc<dyn dbus::channel::Sender + Send + Sync> = connection.clone();
        crossroads.set_async_support(Some((sender, spawn)));
        let interface = crossroads.register("org.bluez.Agent1", agent::interface);
        crossroads.insert(agent::PATH, &[interface], agent.clone());
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |message, connection| {
                // A message that is no call of ours is nobody's loss.
                let _ = crossroads.handle_message(message, connection);
                true
            }),
        );
        let heard = Heard::listen(&connection, links, values).await?;
        let presence = Presence::listen(&connection, agent.clone(), Arc::clone(&heard)).await?;
        presence::register(&connection, capability).await?;
        let renewing = Arc::clone(&presence).renew(Arc::clone(&connection), capability);
        Ok(Self {
            connection,
            agent,
            heard,
            presence,
            tasks: [task, tokio::spawn(renewing)],
        })
    }

    /// Whether BlueZ went since this was asked the last time, with all that it knew of us; it may be back.
    pub(crate) fn has_gone(&self) -> bool {
        self.presence.has_gone()
    }

    /// From now on this device may pair.
    pub(crate) fn expect(&self, id: &str, device: &DeviceHandle) {
        self.agent.expect(path(id), device);
    }

    /// From now on it may not: nobody pairs behind our back.
    pub(crate) fn unexpect(&self, id: &str) {
        self.agent.unexpect(&path(id));
    }

    /// Pairs and bonds.
    pub(crate) async fn pair(&self, id: &str, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.expect(id, device);
        self.agent.begin();
        match self.call_to_pair(id, PAIR_TIMEOUT).await {
            Ok(()) => Ok(()),
            Err(error) if error.name() == Some("org.bluez.Error.AlreadyExists") => Ok(()),
            Err(error) => Err(match fault(error) {
                // BlueZ has one word for wrong digits and for a device that does not want to.
                RadioFault::PasskeyWrong if !self.agent.has_asked() => RadioFault::PairingRefused,
                other => other,
            }),
        }
    }

    /// Whether a bond exists on this side.
    pub(crate) async fn is_paired(&self, id: &str) -> Result<bool, RadioFault> {
        let proxy = self.proxy(&path(id), TIMEOUT);
        let paired: Result<bool, dbus::Error> = proxy.get(DEVICE, "Paired").await;
        paired.map_err(fault)
    }

    /// Removes the device and its bond.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), RadioFault> {
        let device = path(id);
        let adapter = device
            .rsplit_once('/')
            .map_or("/org/bluez", |(adapter, _)| adapter);
        let object = dbus::Path::new(device.clone()).map_err(|_| RadioFault::NotFound)?;
        self.heard.values.removed(&device);
        let removed: Result<(), dbus::Error> = self
            .proxy(adapter, TIMEOUT)
            .method_call("org.bluez.Adapter1", "RemoveDevice", (object,))
            .await;
        removed.map_err(fault)
    }

    fn proxy(&self, path: &str, timeout: Duration) -> Proxy<'static, Arc<SyncConnection>> {
        Proxy::new(
            SERVICE,
            path.to_owned(),
            timeout,
            Arc::clone(&self.connection),
        )
    }
}

impl Drop for Bluez {
    fn drop(&mut self) {
        // BlueZ forgets an agent whose connection is gone.
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The object path of what btleplug calls `hci0/dev_…`.
fn path(id: &str) -> String {
    format!("/org/bluez/{id}")
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn fault(error: dbus::Error) -> RadioFault {
    let name = error.name().unwrap_or_default();
    RadioFault::from_text(&format!("{name}: {}", error.message().unwrap_or_default()))
}

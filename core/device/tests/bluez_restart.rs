//! BlueZ ends and starts again beside our radio, on a real bus of its own: `dbus-daemon`, and a stand-in for BlueZ's agent
//! manager. What the real one does stands in the journey *Radio*.

#![cfg(all(feature = "btleplug", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod bus;

use dbus::channel::MatchingReceiver as _;
use dbus::message::MatchRule;
use dbus::nonblock::SyncConnection;
use dbus_crossroads::Crossroads;
use std::sync::Arc;
use std::time::Duration;
use teleward_device::{BtleplugRadio, SilentPrompt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Of a machine with other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// REQ-DEVICE-175: when BlueZ starts anew, our agent is registered with it, and made the one that it asks.
#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_registered_with_each_bluez_that_comes() {
    if bus::runs_elsewhere("the_agent_is_registered_with_each_bluez_that_comes") {
        return;
    }
    let first = Bluez::start().await;
    let _radio = BtleplugRadio::new(Arc::new(SilentPrompt)).await.unwrap();
    first.asked().await.end().await;
    let second = Bluez::start().await;
    second.asked().await;
}

/// What stands in for BlueZ: it has the name, no adapter, and tells what is asked of its agent manager.
struct Bluez {
    connection: Arc<SyncConnection>,
    task: JoinHandle<()>,
    asked: UnboundedReceiver<(&'static str, String)>,
}

impl Bluez {
    async fn start() -> Self {
        let (resource, connection) = dbus_tokio::connection::new_system_sync().unwrap();
        let task = tokio::spawn(async move {
            let _ended = resource.await;
        });
        let (tell, asked) = unbounded_channel();
        let mut crossroads = Crossroads::new();
        crossroads.set_object_manager_support(Some(Arc::<SyncConnection>::clone(&connection)));
        let objects = crossroads.object_manager();
        crossroads.insert("/", &[objects], ());
        let manager = agent_manager(&mut crossroads, &tell);
        crossroads.insert("/org/bluez", &[manager], ());
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |message, connection| {
                crossroads.handle_message(message, connection).is_ok()
            }),
        );
        let name = connection.request_name("org.bluez", false, true, true);
        name.await.unwrap();
        Self {
            connection,
            task,
            asked,
        }
    }

    /// Waits until the agent is registered and the default one.
    async fn asked(mut self) -> Self {
        for wanted in ["RegisterAgent", "RequestDefaultAgent"] {
            let asked = timeout(PATIENCE, self.asked.recv()).await;
            let asked = asked.expect("the agent manager is asked in time");
            assert_eq!(asked, Some((wanted, "/org/teleward/agent".to_owned())));
        }
        self
    }

    /// It leaves the bus.
    async fn end(self) {
        self.connection.release_name("org.bluez").await.unwrap();
        self.task.abort();
    }
}

fn agent_manager(
    crossroads: &mut Crossroads,
    tell: &UnboundedSender<(&'static str, String)>,
) -> dbus_crossroads::IfaceToken<()> {
    crossroads.register("org.bluez.AgentManager1", |builder| {
        let told = tell.clone();
        builder.method(
            "RegisterAgent",
            ("agent", "capability"),
            (),
            move |_, _, (agent, _): (dbus::Path<'static>, String)| {
                // A test that is over hears nothing more.
                let _over = told.send(("RegisterAgent", agent.to_string()));
                Ok(())
            },
        );
        let told = tell.clone();
        builder.method(
            "RequestDefaultAgent",
            ("agent",),
            (),
            move |_, _, (agent,): (dbus::Path<'static>,)| {
                let _over = told.send(("RequestDefaultAgent", agent.to_string()));
                Ok(())
            },
        );
    })
}

//! What btleplug does not do on Linux, over the D-Bus stack that it links: pairing, with an agent of our own
//! (`org.bluez.AgentManager1`), the bond's state, its removal, and an honest list of characteristics.
//!
//! The agent is the default agent, because BlueZ also pairs by itself when a protected value is read. It answers only
//! for devices to which this process has just connected; everything else is refused.

use crate::fault::RadioFault;
use crate::prompt::{PairingPrompt, PasskeyQuestion};
use crate::radio::{Attribute, DeviceHandle, Fanout, RadioEvent};
use crate::uuid::Uuid;
use dbus::arg::{PropMap, prop_cast};
use dbus::channel::MatchingReceiver as _;
use dbus::message::MatchRule;
use dbus::nonblock::stdintf::org_freedesktop_dbus::{ObjectManager as _, Properties as _};
use dbus::nonblock::{Proxy, SyncConnection};
use dbus_crossroads::{Context, Crossroads, IfaceBuilder, MethodErr};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

const SERVICE: &str = "org.bluez";
const AGENT: &str = "/org/teleward/agent";
const TIMEOUT: Duration = Duration::from_secs(10);
/// A person looks for six digits: the machine's own deadline comes first.
const PAIR_TIMEOUT: Duration = Duration::from_secs(90);

/// Our connection to BlueZ. Dropping it ends the agent.
pub(crate) struct Bluez {
    connection: Arc<SyncConnection>,
    agent: Agent,
    task: JoinHandle<()>,
}

/// What the agent's methods share.
#[derive(Clone)]
struct Agent {
    prompt: Arc<dyn PairingPrompt>,
    /// Object paths of devices that may pair, and what the radio calls them.
    expected: Arc<Mutex<HashMap<String, DeviceHandle>>>,
    events: Fanout,
    /// Whether digits were asked for or shown since the last call to pair began.
    asked: Arc<AtomicBool>,
}

impl Bluez {
    /// Connects to the system bus and registers the agent.
    ///
    /// # Errors
    /// [`RadioFault::Missing`] when there is no bus or no BlueZ.
    pub(crate) async fn open(
        prompt: Arc<dyn PairingPrompt>,
        events: Fanout,
    ) -> Result<Self, RadioFault> {
        let (resource, connection) =
            dbus_tokio::connection::new_system_sync().map_err(|_| RadioFault::Missing)?;
        let task = tokio::spawn(async move {
            let lost = resource.await;
            tracing::warn!(%lost, "the connection to the system bus ended");
        });
        let capability = prompt.capability();
        let agent = Agent {
            prompt,
            expected: Arc::default(),
            events,
            asked: Arc::default(),
        };
        let mut crossroads = Crossroads::new();
        let spawn = Box::new(|future| {
            tokio::spawn(future);
        });
        let sender: Arc<dyn dbus::channel::Sender + Send + Sync> = connection.clone();
        crossroads.set_async_support(Some((sender, spawn)));
        let interface = crossroads.register("org.bluez.Agent1", interface);
        crossroads.insert(AGENT, &[interface], agent.clone());
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |message, connection| {
                // A message that is no call of ours is nobody's loss.
                let _ = crossroads.handle_message(message, connection);
                true
            }),
        );
        let bluez = Self {
            connection,
            agent,
            task,
        };
        let manager = bluez.proxy("/org/bluez", TIMEOUT);
        let name = "org.bluez.AgentManager1";
        let path = dbus::Path::from(AGENT);
        let registered: Result<(), dbus::Error> = manager
            .method_call(name, "RegisterAgent", (path.clone(), capability))
            .await;
        registered.map_err(fault)?;
        let made_default: Result<(), dbus::Error> = manager
            .method_call(name, "RequestDefaultAgent", (path,))
            .await;
        made_default.map_err(fault)?;
        Ok(bluez)
    }

    /// From now on this device may pair.
    pub(crate) fn expect(&self, id: &str, device: &DeviceHandle) {
        let mut expected = self
            .agent
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        expected.insert(path(id), device.clone());
    }

    /// From now on it may not: nobody pairs behind our back.
    pub(crate) fn unexpect(&self, id: &str) {
        let mut expected = self
            .agent
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        expected.remove(&path(id));
    }

    /// Pairs and bonds.
    pub(crate) async fn pair(&self, id: &str, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.expect(id, device);
        self.agent.asked.store(false, Ordering::Relaxed);
        let proxy = self.proxy(&path(id), PAIR_TIMEOUT);
        let paired: Result<(), dbus::Error> =
            proxy.method_call("org.bluez.Device1", "Pair", ()).await;
        match paired {
            Ok(()) => Ok(()),
            Err(error) if error.name() == Some("org.bluez.Error.AlreadyExists") => Ok(()),
            Err(error) => Err(match fault(error) {
                // BlueZ has one word for wrong digits and for a device that does not want to.
                RadioFault::PasskeyWrong if !self.agent.asked.load(Ordering::Relaxed) => {
                    RadioFault::PairingRefused
                }
                other => other,
            }),
        }
    }

    /// Whether a bond exists on this side.
    pub(crate) async fn is_paired(&self, id: &str) -> Result<bool, RadioFault> {
        let proxy = self.proxy(&path(id), TIMEOUT);
        let paired: Result<bool, dbus::Error> = proxy.get("org.bluez.Device1", "Paired").await;
        paired.map_err(fault)
    }

    /// Removes the device and its bond.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), RadioFault> {
        let device = path(id);
        let adapter = device
            .rsplit_once('/')
            .map_or("/org/bluez", |(adapter, _)| adapter);
        let object = dbus::Path::new(device.clone()).map_err(|_| RadioFault::NotFound)?;
        let removed: Result<(), dbus::Error> = self
            .proxy(adapter, TIMEOUT)
            .method_call("org.bluez.Adapter1", "RemoveDevice", (object,))
            .await;
        removed.map_err(fault)
    }

    /// All characteristics of a connected device, duplicates and all.
    pub(crate) async fn attributes(&self, id: &str) -> Result<Vec<Attribute>, RadioFault> {
        let objects = self
            .proxy("/", TIMEOUT)
            .get_managed_objects()
            .await
            .map_err(fault)?;
        let below = format!("{}/", path(id));
        let uuid = |interfaces: &HashMap<String, PropMap>, name: &str| -> Option<Uuid> {
            prop_cast::<String>(interfaces.get(name)?, "UUID")?
                .parse()
                .ok()
        };
        let mut services: HashMap<String, Uuid> = HashMap::new();
        for (object, interfaces) in &objects {
            if let Some(service) = uuid(interfaces, "org.bluez.GattService1") {
                services.insert(object.to_string(), service);
            }
        }
        let name = "org.bluez.GattCharacteristic1";
        Ok(objects
            .iter()
            .filter(|(object, _)| object.starts_with(&below))
            .filter_map(|(_, interfaces)| {
                let characteristic = uuid(interfaces, name)?;
                let parent = prop_cast::<dbus::Path<'static>>(interfaces.get(name)?, "Service")?;
                let service = *services.get(&parent.to_string())?;
                Some(Attribute {
                    service,
                    characteristic,
                })
            })
            .collect())
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
        self.task.abort();
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

/// `org.bluez.Agent1`.
fn interface(builder: &mut IfaceBuilder<Agent>) {
    type Path = dbus::Path<'static>;
    builder.method("Release", (), (), |_, _, (): ()| Ok(()));
    builder.method("Cancel", (), (), |_, agent: &mut Agent, (): ()| {
        agent.prompt.cancel();
        Ok(())
    });
    builder.method_with_cr_async(
        "RequestPasskey",
        ("device",),
        ("passkey",),
        |context, cr, (device,): (Path,)| {
            let question = Agent::question(&context, cr, &device, PasskeyQuestion::Type);
            answer(context, question, |digits| (digits,))
        },
    );
    builder.method_with_cr_async(
        "RequestPinCode",
        ("device",),
        ("pincode",),
        |context, cr, (device,): (Path,)| {
            let question = Agent::question(&context, cr, &device, PasskeyQuestion::Type);
            answer(context, question, |digits| (format!("{digits:06}"),))
        },
    );
    builder.method_with_cr_async(
        "RequestConfirmation",
        ("device", "passkey"),
        (),
        |context, cr, (device, digits): (Path, u32)| {
            let compare = |device| PasskeyQuestion::Compare(device, digits);
            let question = Agent::question(&context, cr, &device, compare);
            answer(context, question, |_| ())
        },
    );
    builder.method_with_cr_async(
        "DisplayPasskey",
        ("device", "passkey", "entered"),
        (),
        |context, cr, (device, digits, entered): (Path, u32, u16)| {
            let show = |device| PasskeyQuestion::Show(device, digits);
            let question = Agent::question(&context, cr, &device, show);
            show_once(context, question, entered == 0)
        },
    );
    builder.method_with_cr_async(
        "DisplayPinCode",
        ("device", "pincode"),
        (),
        |context, cr, (device, digits): (Path, String)| {
            let digits = digits.parse().unwrap_or(0);
            let show = |device| PasskeyQuestion::Show(device, digits);
            let question = Agent::question(&context, cr, &device, show);
            show_once(context, question, true)
        },
    );
    // "Just Works" with nothing to compare, and the use of services by a device that is bonded.
    builder.method(
        "RequestAuthorization",
        ("device",),
        (),
        |_, agent: &mut Agent, (device,): (Path,)| agent.allow(&device),
    );
    builder.method(
        "AuthorizeService",
        ("device", "uuid"),
        (),
        |_, agent: &mut Agent, (device, _): (Path, String)| agent.allow(&device),
    );
}

type Question = Option<(Arc<dyn PairingPrompt>, PasskeyQuestion)>;

impl Agent {
    /// The device's handle, when we expect it; the session is told that a person may need time.
    fn expected(&self, device: &dbus::Path<'_>) -> Option<DeviceHandle> {
        let expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = expected.get(&device.to_string()).cloned()?;
        self.events.send(&RadioEvent::Pairing(handle.clone()));
        Some(handle)
    }

    fn allow(&self, device: &dbus::Path<'_>) -> Result<(), MethodErr> {
        self.expected(device).map(drop).ok_or_else(refused)
    }

    fn question(
        context: &Context,
        crossroads: &mut Crossroads,
        device: &dbus::Path<'_>,
        ask: impl FnOnce(DeviceHandle) -> PasskeyQuestion,
    ) -> Question {
        let agent: &mut Self = crossroads.data_mut(context.path())?;
        let handle = agent.expected(device)?;
        agent.asked.store(true, Ordering::Relaxed);
        Some((Arc::clone(&agent.prompt), ask(handle)))
    }
}

async fn answer<T: dbus::arg::AppendAll>(
    mut context: Context,
    question: Question,
    reply: impl FnOnce(u32) -> T,
) -> std::marker::PhantomData<T> {
    let digits = match question {
        Some((prompt, question)) => prompt.ask(question).await,
        None => None,
    };
    context.reply(digits.map(reply).ok_or_else(refused))
}

/// Nothing to answer: BlueZ waits for no person here, the digits stay on the screen.
async fn show_once(
    mut context: Context,
    question: Question,
    first: bool,
) -> std::marker::PhantomData<()> {
    match question {
        None => context.reply(Err(refused())),
        Some((prompt, question)) => {
            if first {
                tokio::spawn(async move { prompt.ask(question).await });
            }
            context.reply(Ok(()))
        }
    }
}

fn refused() -> MethodErr {
    MethodErr::from((
        "org.bluez.Error.Rejected",
        "this device is not being paired",
    ))
}

//! The pairing agent (`org.bluez.Agent1`): BlueZ asks it, it asks the person.
//!
//! It answers only for devices to which this process has just connected; everything else is refused.

use crate::prompt::{PairingPrompt, PasskeyQuestion};
use crate::radio::{DeviceHandle, Fanout, RadioEvent};
use dbus_crossroads::{Context, Crossroads, IfaceBuilder, MethodErr};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where it lives on the bus.
pub(super) const PATH: &str = "/org/teleward/agent";

/// What the agent's methods share.
#[derive(Clone)]
pub(super) struct Agent {
    prompt: Arc<dyn PairingPrompt>,
    /// Object paths of devices that may pair, and what the radio calls them.
    expected: Arc<Mutex<HashMap<String, DeviceHandle>>>,
    events: Fanout,
    /// Whether digits were asked for or shown since the last call to pair began.
    asked: Arc<AtomicBool>,
}

/// `org.bluez.Agent1`.
pub(super) fn interface(builder: &mut IfaceBuilder<Agent>) {
    type Path = dbus::Path<'static>;
    builder.method("Release", (), (), |_, _, (): ()| Ok(()));
    builder.method("Cancel", (), (), |_, agent: &mut Agent, (): ()| {
        agent.cancel();
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
    pub(super) fn new(prompt: Arc<dyn PairingPrompt>, events: Fanout) -> Self {
        Self {
            prompt,
            expected: Arc::default(),
            events,
            asked: Arc::default(),
        }
    }

    /// From now on the device with this object path may pair.
    pub(super) fn expect(&self, path: String, device: &DeviceHandle) {
        self.lock().insert(path, device.clone());
    }

    /// From now on it may not: nobody pairs behind our back.
    pub(super) fn unexpect(&self, path: &str) {
        self.lock().remove(path);
    }

    /// Nobody waits for an answer any more.
    pub(super) fn cancel(&self) {
        self.prompt.cancel();
    }

    /// A call to pair begins: nothing was asked or shown in it yet.
    pub(super) fn begin(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }

    /// Whether digits were asked for or shown since then.
    pub(super) fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, DeviceHandle>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device's handle, when we expect it; the session is told that a person may need time.
    fn expected(&self, device: &dbus::Path<'_>) -> Option<DeviceHandle> {
        let handle = self.lock().get(&device.to_string()).cloned()?;
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

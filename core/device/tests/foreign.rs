//! A radio that a shell drives: what becomes of calls that are given up, never answered, answered wrongly, from within or
//! not at all.

use anyhow::{Context as _, Result, ensure};
use reading::{DeviceFacts, Moment};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use teleward_device::{
    Attribute, DeviceHandle, ForeignRadio, Pace, Plan, Radio, RadioAnswer, RadioCall, RadioEvent,
    RadioFault, RadioPort, RadioState, ReasonCode, Uuid, run_session,
};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);
const MODEL: Attribute = Attribute {
    service: Uuid::short(0x180a),
    characteristic: Uuid::short(0x2a24),
};

type Does = Box<dyn Fn(u64, &RadioCall) -> Result<(), RadioFault> + Send + Sync>;

/// A shell that does this for each call, and tells a test of it.
struct Shell {
    does: Does,
    started: Mutex<Sender<(u64, RadioCall)>>,
}

impl RadioPort for Shell {
    fn start(&self, call: u64, what: RadioCall) -> Result<(), RadioFault> {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let told = started.send((call, what.clone()));
        drop(started);
        // A test that is over listens no more.
        told.map_err(|_| RadioFault::Other)?;
        (self.does)(call, &what)
    }
}

fn driven(
    does: impl Fn(u64, &RadioCall) -> Result<(), RadioFault> + Send + Sync + 'static,
) -> Result<(ForeignRadio, Receiver<(u64, RadioCall)>)> {
    let (to, started) = channel();
    let shell = Shell {
        does: Box::new(does),
        started: Mutex::new(to),
    };
    Ok((ForeignRadio::new(Arc::new(shell), 1_000)?, started))
}

/// A shell that answers each call at once, from within it.
fn ready(what: &RadioCall) -> Result<RadioAnswer, RadioFault> {
    Ok(match what {
        RadioCall::State => RadioAnswer::State(RadioState::On),
        RadioCall::Discover(_) => RadioAnswer::Attributes(vec![MODEL]),
        RadioCall::Read(..) => RadioAnswer::Bytes(b"VC-1".to_vec()),
        RadioCall::IsBonded(_) | RadioCall::IsConnected(_) => RadioAnswer::Flag(true),
        _ => RadioAnswer::Done,
    })
}

/// A radio whose shell does something with the radio itself, from within each call.
fn with_radio(
    does: impl Fn(&ForeignRadio, u64, &RadioCall) -> Result<(), RadioFault> + Send + Sync + 'static,
) -> Result<(ForeignRadio, Receiver<(u64, RadioCall)>)> {
    let itself: Arc<OnceLock<ForeignRadio>> = Arc::default();
    let known = Arc::clone(&itself);
    let (radio, started) = driven(move |call, what| match known.get() {
        Some(radio) => does(radio, call, what),
        None => Err(RadioFault::Other),
    })?;
    let _first = itself.set(radio.clone());
    Ok((radio, started))
}

fn cuff() -> DeviceHandle {
    DeviceHandle("cuff".to_owned())
}

/// What the shell was asked next.
fn next(started: &Receiver<(u64, RadioCall)>) -> Result<(u64, RadioCall)> {
    started.recv_timeout(SOON).context("nothing was asked")
}

/// REQ-DEVICE-181: an answer to a call that was given up, to one of an earlier process, or given twice, changes nothing;
/// nothing of such a call is kept.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_waits_for_is_ignored() -> Result<()> {
    let (radio, started) = driven(|_, _| Ok(()))?;
    let given_up = timeout(Duration::ZERO, radio.connect(&cuff())).await;
    ensure!(given_up.is_err() && radio.open_calls() == 0);
    let waits = radio.clone();
    let second = tokio::spawn(async move { waits.is_bonded(&cuff()).await });
    let (call, _) = loop {
        let next = next(&started)?;
        if matches!(next.1, RadioCall::IsBonded(_)) {
            break next;
        }
    };
    for late in [call - 1, 17, u64::MAX] {
        radio.answer(late, Ok(RadioAnswer::Flag(false)));
    }
    ensure!(radio.open_calls() == 1, "the call is still waited for");
    radio.answer(call, Ok(RadioAnswer::Flag(true)));
    radio.answer(call, Ok(RadioAnswer::Flag(false)));
    ensure!(timeout(SOON, second).await?? == Ok(true));
    ensure!(radio.open_calls() == 0);
    // The link that was given up is none.
    let read = radio.read(&cuff(), MODEL).await;
    ensure!(read == Err(RadioFault::NotConnected));
    Ok(())
}

/// REQ-DEVICE-182: a session ends by its own deadline when the shell never answers, and no call is left open.
#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_never_connects_ends_by_the_sessions_deadline() -> Result<()> {
    let (radio, started) = with_radio(|radio, call, what| {
        if !matches!(what, RadioCall::Connect(_)) {
            radio.answer(call, ready(what));
        }
        Ok(())
    })?;
    let pace = Pace {
        connect_ms: 100,
        retry_pause_ms: 10,
        disconnect_ms: 5_000,
        drain_ms: 10,
        cool_down_ms: 10,
        ..Pace::default()
    };
    let plan = Plan {
        seen: true,
        pace,
        ..Plan::collect(cuff(), true, DeviceFacts::default(), 0, [1; 16])
    };
    let (out, _events) = tokio::sync::mpsc::unbounded_channel();
    let session = run_session(
        Arc::new(radio.clone()),
        plan,
        Moment::from_ms(0),
        out,
        std::future::pending(),
    );
    let report = timeout(SOON, session).await.context("it did not end")?;
    ensure!(report.reason == ReasonCode::ConnectFailed, "{report:?}");
    ensure!(radio.open_calls() == 0, "a call is left open");
    // Each attempt that was given up is ended at the shell as well.
    let asked: Vec<RadioCall> = started.try_iter().map(|(_, what)| what).collect();
    let count = |wanted: &RadioCall| asked.iter().filter(|what| *what == wanted).count();
    ensure!(count(&RadioCall::Connect(cuff())) > 0);
    ensure!(count(&RadioCall::Connect(cuff())) <= count(&RadioCall::Disconnect(cuff())));
    Ok(())
}

/// REQ-DEVICE-182: a call outside a session ends after its patience, and a radio that does not say has no state to use.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_ends_after_its_patience() -> Result<()> {
    let (radio, _started) = driven(|_, _| Ok(()))?;
    let begun = tokio::time::Instant::now();
    ensure!(radio.state().await == RadioState::Missing);
    ensure!(radio.is_bonded(&cuff()).await == Err(RadioFault::Timeout));
    ensure!(radio.start_scan(&[]).await == Err(RadioFault::Timeout));
    ensure!(radio.forget(&cuff()).await == Err(RadioFault::Timeout));
    let longest = [
        RadioCall::State,
        RadioCall::IsBonded(cuff()),
        RadioCall::StartScan(Vec::new()),
        RadioCall::Forget(cuff()),
    ];
    let patience: Duration = longest.iter().map(RadioCall::patience).sum();
    ensure!(begun.elapsed() < patience + Duration::from_secs(1));
    ensure!(radio.open_calls() == 0);
    Ok(())
}

/// REQ-DEVICE-183: a shell may answer and tell from within its call, and so come back to the radio; nothing deadlocks.
#[tokio::test(flavor = "multi_thread")]
async fn a_shell_may_answer_from_within_its_call() -> Result<()> {
    let (radio, _started) = with_radio(|radio, call, what| {
        radio.tell(RadioEvent::State(RadioState::On));
        radio.answer(call, ready(what));
        if matches!(what, RadioCall::Read(..)) {
            radio.tell(RadioEvent::Disconnected(cuff()));
        }
        Ok(())
    })?;
    let mut events = radio.events();
    let whole = async {
        ensure!(radio.state().await == RadioState::On);
        radio.start_scan(&[Uuid::BLOOD_PRESSURE]).await?;
        radio.stop_scan().await?;
        radio.connect(&cuff()).await?;
        ensure!(radio.discover(&cuff()).await? == [MODEL]);
        ensure!(radio.read(&cuff(), MODEL).await? == b"VC-1");
        let end = RadioEvent::Disconnected(cuff());
        while events.next().await.context("the radio is gone")? != end {}
        ensure!(radio.read(&cuff(), MODEL).await == Err(RadioFault::NotConnected));
        Ok(())
    };
    timeout(SOON, whole).await.context("it does not go on")?
}

/// REQ-DEVICE-183: a shell that throws ends the call with what it said, in the few kinds that there are; an answer of
/// another kind than was asked for is a fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_throws_ends_the_call() -> Result<()> {
    let (radio, _started) = with_radio(|radio, call, what| match what {
        RadioCall::Connect(_) => {
            radio.answer(call, Ok(RadioAnswer::Done));
            Ok(())
        }
        RadioCall::Read(..) => Err(RadioFault::from_text("onCharacteristicRead status: 5")),
        RadioCall::Discover(_) => {
            radio.answer(call, Ok(RadioAnswer::Flag(true)));
            Ok(())
        }
        RadioCall::State => Err(RadioFault::Denied),
        _ => Err(RadioFault::from_text("java.lang.IllegalStateException")),
    })?;
    ensure!(radio.state().await == RadioState::Denied);
    radio.connect(&cuff()).await?;
    ensure!(radio.read(&cuff(), MODEL).await == Err(RadioFault::NeedsPairing));
    ensure!(radio.discover(&cuff()).await == Err(RadioFault::Other));
    ensure!(radio.is_bonded(&cuff()).await == Err(RadioFault::Other));
    ensure!(radio.open_calls() == 0);
    Ok(())
}

/// REQ-DEVICE-183: a shell that blocks in a call holds up its own radio and nothing else; a radio that is dropped waits
/// for nobody.
#[tokio::test]
async fn a_shell_that_blocks_holds_up_nothing_else() -> Result<()> {
    let (release, blocked) = channel::<()>();
    let blocked = Mutex::new(blocked);
    let (radio, started) = driven(move |_, _| {
        let blocked = blocked.lock().unwrap_or_else(PoisonError::into_inner);
        // Until the test lets go.
        blocked.recv().map_err(|_| RadioFault::Other)
    })?;
    let first = timeout(Duration::from_millis(50), radio.connect(&cuff())).await;
    ensure!(first.is_err(), "it was answered: {first:?}");
    ensure!(matches!(next(&started)?.1, RadioCall::Connect(_)));
    // This one never reaches the shell: it is given up before its turn. The end of the attempt does, whoever has gone.
    ensure!(
        timeout(Duration::from_millis(50), radio.pair(&cuff()))
            .await
            .is_err()
    );
    ensure!(
        timeout(Duration::from_millis(50), radio.disconnect(&cuff()))
            .await
            .is_err()
    );
    ensure!(radio.open_calls() == 0);
    release.send(())?;
    ensure!(matches!(next(&started)?.1, RadioCall::Disconnect(_)));
    drop(radio);
    drop(release);
    // The thread has ended, and with it the shell and its end of this channel.
    ensure!(
        started
            .recv_timeout(SOON)
            .is_err_and(|end| end == std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
    Ok(())
}

/// REQ-DEVICE-184: the end of a link ends what was asked over it, is told once, and no value is told after it; a radio that
/// is switched off ends all of them.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_link_ends_what_was_asked_over_it() -> Result<()> {
    let (radio, started) = with_radio(|radio, call, what| {
        if matches!(what, RadioCall::Connect(device) if *device == cuff()) {
            radio.answer(call, Ok(RadioAnswer::Done));
        }
        Ok(())
    })?;
    let value = || RadioEvent::Value {
        device: cuff(),
        attribute: MODEL,
        bytes: vec![1],
    };
    let mut events = radio.events();
    for end in [
        RadioEvent::Disconnected(cuff()),
        RadioEvent::State(RadioState::Off),
    ] {
        radio.tell(value());
        ensure!(events.try_next().is_none(), "a value without a link");
        radio.connect(&cuff()).await?;
        let (reads, connects) = (radio.clone(), radio.clone());
        let read = tokio::spawn(async move { reads.read(&cuff(), MODEL).await });
        let other = DeviceHandle("other".to_owned());
        let connect = tokio::spawn(async move { connects.connect(&other).await });
        for _ in 0..3 {
            next(&started)?;
        }
        radio.tell(value());
        radio.tell(end.clone());
        radio.tell(RadioEvent::Disconnected(cuff()));
        radio.tell(value());
        let fault = match end {
            RadioEvent::State(_) => {
                // Nobody connects with a radio that is off.
                ensure!(timeout(SOON, connect).await?? == Err(RadioFault::Off));
                RadioFault::Off
            }
            _ => {
                connect.abort();
                ensure!(connect.await.is_err_and(|end| end.is_cancelled()));
                RadioFault::NotConnected
            }
        };
        ensure!(timeout(SOON, read).await?? == Err(fault));
        ensure!(events.try_next() == Some(value()));
        ensure!(events.try_next() == Some(RadioEvent::Disconnected(cuff())));
        if matches!(end, RadioEvent::State(_)) {
            ensure!(events.try_next() == Some(end));
        }
        ensure!(
            events.try_next().is_none(),
            "something was told after the end"
        );
    }
    Ok(())
}

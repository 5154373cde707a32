//! The calls that wait for an answer. Whoever takes a call out of here decides how it ends: its answer, the end of its
//! link, or the caller who has given it up.

use super::{RadioAnswer, RadioCall};
use crate::fault::RadioFault;
use crate::links::Links;
use crate::radio::DeviceHandle;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

type Outcome = Result<RadioAnswer, RadioFault>;

/// What a call has to do with a link.
enum Over {
    Nothing,
    /// It makes one.
    Makes(DeviceHandle),
    /// It ends one.
    Ends(DeviceHandle),
    /// It needs one.
    Needs(DeviceHandle),
}

impl Over {
    /// Pairing is not over when a link is: platforms make the link anew for it.
    fn of(what: &RadioCall) -> Self {
        match what {
            RadioCall::Connect(device) => Self::Makes(device.clone()),
            RadioCall::Disconnect(device) => Self::Ends(device.clone()),
            RadioCall::Discover(device)
            | RadioCall::Subscribe(device, _)
            | RadioCall::Read(device, _)
            | RadioCall::Write(device, ..) => Self::Needs(device.clone()),
            RadioCall::State
            | RadioCall::StartScan(_)
            | RadioCall::StopScan
            | RadioCall::Pair(_)
            | RadioCall::IsBonded(_)
            | RadioCall::IsConnected(_)
            | RadioCall::Forget(_) => Self::Nothing,
        }
    }
}

struct Open {
    over: Over,
    to: oneshot::Sender<Outcome>,
}

impl Open {
    /// The caller may have gone this moment: then nobody is to be told.
    fn end(self, outcome: Outcome) {
        let _gone = self.to.send(outcome);
    }
}

pub(super) struct OpenCalls {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Open>>,
}

/// A call that is waited for; dropped, it is given up.
pub(super) struct Waiting<'a> {
    pub(super) call: u64,
    pub(super) answer: oneshot::Receiver<Outcome>,
    calls: &'a OpenCalls,
    links: &'a Links,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let open = self.calls.lock().remove(&self.call);
        if let Some(Open {
            over: Over::Makes(device),
            ..
        }) = open
        {
            self.links.failed(&device);
        }
    }
}

impl OpenCalls {
    pub(super) fn new(first: u64) -> Self {
        Self {
            next: AtomicU64::new(first),
            open: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a call. From here on the end of a link that it makes is told.
    pub(super) fn open<'a>(&'a self, what: &RadioCall, links: &'a Links) -> Waiting<'a> {
        let call = self.next.fetch_add(1, Ordering::Relaxed);
        let (to, answer) = oneshot::channel();
        let over = Over::of(what);
        if let Over::Makes(device) = &over
            && !links.is_known(device)
        {
            links.begin(device);
        }
        self.lock().insert(call, Open { over, to });
        Waiting {
            call,
            answer,
            calls: self,
            links,
        }
    }

    pub(super) fn is_open(&self, call: u64) -> bool {
        self.lock().contains_key(&call)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn answer(&self, call: u64, outcome: Outcome, links: &Links) {
        let Some(open) = self.lock().remove(&call) else {
            tracing::debug!("an answer that nobody waits for");
            return;
        };
        let outcome = match (&open.over, outcome) {
            (Over::Makes(device), Ok(_)) if !links.came_up(device) => Err(RadioFault::BrokeOff),
            (Over::Makes(device), Err(fault)) => {
                links.failed(device);
                Err(fault)
            }
            (Over::Ends(device), Ok(answer)) => {
                self.end_link(device, links);
                Ok(answer)
            }
            (_, outcome) => outcome,
        };
        open.end(outcome);
    }

    /// A link is gone: that is told, and what was asked over it ends. An attempt that failed says so itself: only a link
    /// that was up has an end.
    pub(super) fn end_link(&self, device: &DeviceHandle, links: &Links) {
        let ended =
            self.take(|over| matches!(over, Over::Makes(of) | Over::Needs(of) if of == device));
        if ended.iter().any(|open| matches!(open.over, Over::Makes(_))) {
            links.failed(device);
        }
        links.ended(device);
        end(ended, RadioFault::NotConnected);
    }

    /// All links are gone, and every attempt to make one.
    pub(super) fn end_all(&self, fault: RadioFault, links: &Links) {
        let ended = self.take(|over| matches!(over, Over::Makes(_) | Over::Needs(_)));
        for open in &ended {
            if let Over::Makes(device) = &open.over {
                links.failed(device);
            }
        }
        for device in links.known() {
            links.ended(&device);
        }
        end(ended, fault);
    }

    fn take(&self, wanted: impl Fn(&Over) -> bool) -> Vec<Open> {
        let mut all = self.lock();
        let taken = all.extract_if(|_, open| wanted(&open.over));
        taken.map(|(_, open)| open).collect()
    }
}

fn end(calls: Vec<Open>, fault: RadioFault) {
    calls.into_iter().for_each(|open| open.end(Err(fault)));
}

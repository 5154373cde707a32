//! Where device sessions run: apart from what writes and seals.
#![allow(clippy::unwrap_used, reason = "a test's own functions")]

use async_trait::async_trait;
use device::{
    Attribute, DeviceHandle, Radio, RadioEvents, RadioFault, RadioState, Script, ScriptedRadio,
    Uuid,
};
use reading::Moment;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use teleward_companion::{Companion, Config, Ports, RequestState, Revision, Topic, View};
use vault::MemoryVault;
use wire::Time;

const CUFF: &str = r#"{"utc_offset_min": 0, "devices": [{
    "device": "cuff-1", "name": "Virtual Cuff", "address": "c4c4c4c4c4c4", "services": ["1810"],
    "values": {"180a/2a29": "4163746d65", "180a/2a24": "4250", "180a/2a25": "303132333435"},
    "frames": [{"bytes": "1480005200610042000000"}]}]}"#;

/// A scripted radio that notes on which threads it is called.
struct Noting {
    radio: ScriptedRadio,
    threads: Mutex<BTreeSet<String>>,
}

impl Noting {
    fn note(&self) {
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        self.threads.lock().unwrap().insert(name);
    }
}

#[async_trait]
impl Radio for Noting {
    async fn state(&self) -> RadioState {
        self.note();
        self.radio.state().await
    }

    fn events(&self) -> RadioEvents {
        self.radio.events()
    }

    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault> {
        self.note();
        self.radio.start_scan(services).await
    }

    async fn stop_scan(&self) -> Result<(), RadioFault> {
        self.note();
        self.radio.stop_scan().await
    }

    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.note();
        self.radio.connect(device).await
    }

    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault> {
        self.note();
        self.radio.discover(device).await
    }

    async fn subscribe(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        self.note();
        self.radio.subscribe(device, attribute).await
    }

    async fn read(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<Vec<u8>, RadioFault> {
        self.note();
        self.radio.read(device, attribute).await
    }

    async fn write(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault> {
        self.note();
        self.radio.write(device, attribute, bytes).await
    }

    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.note();
        self.radio.pair(device).await
    }

    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.radio.is_bonded(device).await
    }

    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.radio.is_connected(device).await
    }

    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.note();
        self.radio.disconnect(device).await
    }

    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.radio.forget(device).await
    }
}

/// REQ-DEVICE-151: a device's session runs apart from the thread that writes and seals, whose work takes long on a slow
/// disk; else a device is left without an answer until all that came before is kept.
#[tokio::test]
async fn a_session_does_not_wait_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let started = Moment::from_ms(Time::system().ms());
    let radio = Arc::new(Noting {
        radio: ScriptedRadio::new(Script::parse(CUFF).unwrap(), started).unwrap(),
        threads: Mutex::default(),
    });
    let companion = open(folder.path(), Arc::clone(&radio) as Arc<dyn Radio>);
    let request = companion.pair(Duration::from_secs(5)).await.unwrap();
    let mut revision = Revision(0);
    loop {
        revision = companion.next_change(revision).await.unwrap().revision;
        let View::Requests(requests) = companion.view(Topic::Requests).await.unwrap() else {
            unreachable!()
        };
        let found = requests.into_iter().find(|one| one.id == request);
        match found.unwrap().state {
            RequestState::Running => {}
            state => {
                assert!(matches!(state, RequestState::Done { .. }), "{state:?}");
                break;
            }
        }
    }
    companion.close().await;
    let threads = radio.threads.lock().unwrap().clone();
    assert_eq!(threads, BTreeSet::from(["teleward-sessions".to_owned()]));
}

fn open(folder: &Path, radio: Arc<dyn Radio>) -> Companion {
    let pace = device::Pace {
        quiet_ms: 100,
        cool_down_ms: 50,
        ..device::Pace::default()
    };
    let config = Config {
        zone: Some("UTC".to_owned()),
        device_pace: pace,
        ..Config::new(folder)
    };
    let ports = Ports {
        key_vault: Arc::new(MemoryVault::new()),
        radio: Some(radio),
    };
    Companion::open(config, ports).unwrap()
}

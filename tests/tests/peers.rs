//! Journey *Peers*: phone, relay and station of different versions work together, and are updated in any order.
//!
//! The older programs lie in the folder that `TELEWARD_PEER` names; `cargo xtask test peers` builds them from the commit
//! that `tests/golden/upgrade/peer` names.

use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use teleward_tests::house::{House, Part, Versions};
use teleward_tests::phone::Phone;

const PATIENCE: Duration = Duration::from_secs(60);

/// Which of the three are older.
#[derive(Debug, Clone, Copy)]
struct Older {
    phone: bool,
    relay: bool,
    station: bool,
}

impl Older {
    const ALL: Self = Self {
        phone: true,
        relay: true,
        station: true,
    };

    fn but(self, part: Part) -> Self {
        match part {
            Part::Phone => Self {
                phone: false,
                ..self
            },
            Part::Relay => Self {
                relay: false,
                ..self
            },
            Part::Station => Self {
                station: false,
                ..self
            },
        }
    }
}

struct World {
    folder: PathBuf,
    house: House,
    phone: Phone,
    patient: String,
    taken: u32,
}

impl World {
    fn versions(folder: &Path, older: Older) -> Versions {
        Versions {
            relay: older.relay.then(|| folder.to_path_buf()),
            station: older.station.then(|| folder.to_path_buf()),
        }
    }

    async fn start(folder: &Path, older: Older) -> anyhow::Result<Self> {
        let house = House::start_of(Self::versions(folder, older)).await?;
        let console = house.console().await?;
        let patient = console.new_patient("Ada Byrne", "P-1").await?;
        let invite = console.invite(&patient).await?;
        let mut phone = Phone::new(house.folder("phone")?, false)?;
        phone.change_version(older.phone.then(|| folder.to_path_buf()));
        phone.start(&[])?;
        phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
        phone.joined(PATIENCE)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            house,
            phone,
            patient,
            taken: 0,
        })
    }

    /// A reading, acknowledged and at the console; every one so far is there once.
    async fn takes_a_reading(&mut self, when: &str) -> anyhow::Result<()> {
        self.taken += 1;
        let n = self.taken;
        let reading = json!({
            "do": "reading", "draft": format!("{n:032x}"), "systolic": format!("{}", 120 + n), "diastolic": "80",
        });
        self.phone.keep(&reading, PATIENCE)?;
        self.phone.acknowledged(PATIENCE)?;
        let console = self.house.console().await?;
        let there = console.readings(&self.patient).await?.len();
        anyhow::ensure!(
            there == n as usize,
            "{when}: {there} readings at the clinic, not {n}"
        );
        Ok(())
    }

    async fn update(&mut self, part: Part, older: Older) -> anyhow::Result<()> {
        if part == Part::Phone {
            self.phone.kill()?;
            self.phone.change_version(None);
            return self.phone.start(&[]);
        }
        self.house
            .change_version(Self::versions(&self.folder, older));
        self.house.restart(part, &[]).await
    }
}

/// REQ-UPGRADE-011: parts of the version before and of today carry a reading through, whichever is the older one; and a
/// house of the version before is updated part by part, in every order, without losing or doubling a reading.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs programs of an older version: cargo xtask test peers"]
async fn versions_work_together_and_are_updated_in_any_order() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::var_os("TELEWARD_PEER").ok_or_else(|| {
        anyhow::anyhow!("TELEWARD_PEER names no folder: run `cargo xtask test peers`")
    })?);
    let orders = [
        [Part::Phone, Part::Relay, Part::Station],
        [Part::Phone, Part::Station, Part::Relay],
        [Part::Relay, Part::Phone, Part::Station],
        [Part::Relay, Part::Station, Part::Phone],
        [Part::Station, Part::Phone, Part::Relay],
        [Part::Station, Part::Relay, Part::Phone],
    ];
    for order in orders {
        let mut older = Older::ALL;
        let mut world = World::start(&folder, older).await?;
        world.takes_a_reading(&format!("{older:?}")).await?;
        for part in order {
            older = older.but(part);
            world.update(part, older).await?;
            world
                .takes_a_reading(&format!("{order:?}, then {older:?}"))
                .await?;
        }
    }
    Ok(())
}

/// REQ-UPGRADE-012: a phone of today joins a clinic of the version before, and one of the version before joins today's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs programs of an older version: cargo xtask test peers"]
async fn a_phone_of_another_version_joins() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::var_os("TELEWARD_PEER").unwrap_or_default());
    for older in [
        Older::ALL.but(Part::Phone),
        Older::ALL.but(Part::Relay).but(Part::Station),
    ] {
        let mut world = World::start(&folder, older).await?;
        world.takes_a_reading(&format!("{older:?}")).await?;
    }
    Ok(())
}

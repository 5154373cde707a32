//! What our real radio does when it is called.

use super::{BtleplugRadio, fault};
use crate::fault::RadioFault;
use crate::radio::{Attribute, DeviceHandle, Radio, RadioEvents, RadioState};
use crate::uuid::Uuid;
use async_trait::async_trait;
use btleplug::api::{Central as _, Peripheral as _, ScanFilter, WriteType};

#[async_trait]
impl Radio for BtleplugRadio {
    async fn state(&self) -> RadioState {
        self.0.look().await;
        self.0.lock().state
    }

    fn events(&self) -> RadioEvents {
        self.0.events.listen()
    }

    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault> {
        let adapter = self.0.adapter()?;
        self.0.lock().scanning = Some(services.to_vec());
        let services = services
            .iter()
            .map(|uuid| uuid::Uuid::from_u128(uuid.0))
            .collect();
        let started = adapter.start_scan(ScanFilter { services }).await;
        if started.is_err() {
            self.0.lock().scanning = None;
        }
        started.map_err(fault)
    }

    async fn stop_scan(&self) -> Result<(), RadioFault> {
        let adapter = self.0.adapter()?;
        self.0.lock().scanning = None;
        adapter.stop_scan().await.map_err(fault)
    }

    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        // A device that is known outlives its adapter.
        self.0.adapter()?;
        let peripheral = self.0.peripheral(device).await?;
        let connected = self.0.make_link(device, &peripheral).await;
        // Android reports a failed MTU exchange as a failed connection, with the link up.
        let half_up = cfg!(target_os = "android")
            && connected.is_err()
            && peripheral.is_connected().await.unwrap_or(false);
        if connected.is_err() && !half_up {
            self.0.links.failed(device);
            return connected;
        }
        if self.0.links.came_up(device) {
            Ok(())
        } else {
            Err(RadioFault::BrokeOff)
        }
    }

    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault> {
        self.0.links.require(device)?;
        let peripheral = self.0.peripheral(device).await?;
        peripheral.discover_services().await.map_err(fault)?;
        #[cfg(target_os = "linux")]
        return self.0.bluez.attributes(&peripheral.id().to_string()).await;
        #[cfg(not(target_os = "linux"))]
        Ok(peripheral
            .services()
            .iter()
            .flat_map(|service| {
                service.characteristics.iter().map(|one| Attribute {
                    service: Uuid(service.uuid.as_u128()),
                    characteristic: Uuid(one.uuid.as_u128()),
                })
            })
            .collect())
    }

    async fn subscribe(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        #[cfg(target_os = "linux")]
        {
            self.0.links.require(device)?;
            let peripheral = self.0.peripheral(device).await?;
            let id = peripheral.id().to_string();
            self.0.bluez.subscribe(&id, device, attribute).await
        }
        #[cfg(not(target_os = "linux"))]
        {
            let (peripheral, characteristic) = self.0.characteristic(device, attribute).await?;
            peripheral.subscribe(&characteristic).await.map_err(fault)
        }
    }

    async fn read(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<Vec<u8>, RadioFault> {
        let (peripheral, characteristic) = self.0.characteristic(device, attribute).await?;
        peripheral.read(&characteristic).await.map_err(fault)
    }

    async fn write(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault> {
        let (peripheral, characteristic) = self.0.characteristic(device, attribute).await?;
        let written = peripheral
            .write(&characteristic, bytes, WriteType::WithResponse)
            .await;
        written.map_err(fault)
    }

    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        let peripheral = self.0.peripheral(device).await?;
        #[cfg(target_os = "linux")]
        return self
            .0
            .bluez
            .pair(&peripheral.id().to_string(), device)
            .await;
        #[cfg(not(target_os = "linux"))]
        {
            drop(peripheral);
            Err(RadioFault::NotSupported)
        }
    }

    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        let peripheral = self.0.peripheral(device).await?;
        #[cfg(target_os = "linux")]
        return self.0.bluez.is_paired(&peripheral.id().to_string()).await;
        #[cfg(not(target_os = "linux"))]
        {
            drop(peripheral);
            Err(RadioFault::NotSupported)
        }
    }

    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        let peripheral = self.0.peripheral(device).await?;
        peripheral.is_connected().await.map_err(fault)
    }

    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        let peripheral = self.0.peripheral(device).await?;
        #[cfg(target_os = "linux")]
        self.0.bluez.unexpect(&peripheral.id().to_string());
        peripheral.disconnect().await.map_err(fault)?;
        // BlueZ answers before it says that the link is gone.
        #[cfg(target_os = "linux")]
        self.0.bluez.hear_out(&peripheral.id().to_string()).await?;
        Ok(())
    }

    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        let peripheral = self.0.peripheral(device).await?;
        #[cfg(target_os = "linux")]
        return self.0.bluez.remove(&peripheral.id().to_string()).await;
        #[cfg(not(target_os = "linux"))]
        {
            drop(peripheral);
            Err(RadioFault::NotSupported)
        }
    }
}

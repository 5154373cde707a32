"""A virtual blood pressure cuff (Blood Pressure Service 1.1.1, Device Information, Current Time, Battery), steered by the test.

bumble supplies two controllers joined by a virtual air link: one is the hub's adapter, whose HCI is a serial port of
the guest's kernel, the other is the cuff's own. The measurement and everything else need an encrypted link, so a
central must pair over real SMP (LE Secure Connections, Just Works).
"""

import asyncio
import struct
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from bumble import att, core, gatt, hci, ll
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Descriptor, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.link import LocalLink
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport

CUFF = "C4:C4:C4:C4:C4:C4"
HUB = "F0:F0:F0:F0:F0:F0"
ENCRYPTED = Characteristic.READ_REQUIRES_ENCRYPTION
ENCRYPTED_WRITE = Characteristic.WRITE_REQUIRES_ENCRYPTION
NOT_A_NUMBER = 0x07FF
# bumble reports each advertisement, and a made-up scan response, whatever filter the host sets: at ten a second the
# reports queue up in a slow guest before the answer to a command, and after two seconds Linux gives the adapter up.
ADVERTISE_MS = 400


class Air(LocalLink):
    """bumble 0.0.236 stamps data with the sender's random address even where the connection was made from the public
    one, as BlueZ does; this link uses the address that the connection was made from."""

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        if transport != core.PhysicalTransport.LE:
            return super().send_acl_data(sender_controller, destination_address, transport, data)
        connection = sender_controller.le_connections.get(destination_address)
        source = connection.self_address if connection else sender_controller.random_address
        destination = self.find_le_controller(destination_address)
        if destination is not None:
            asyncio.get_running_loop().call_soon(destination.on_link_acl_data, source, transport, data)

    def send_ll_control_pdu(self, sender_address, receiver_address, packet):
        # A peer that just went away hears nothing.
        if self.find_le_controller(receiver_address):
            super().send_ll_control_pdu(sender_address, receiver_address, packet)


class Adapter(Controller):
    """The hub's adapter. bumble's controller keeps its state over a reset and never ends a cancelled connection
    attempt; a real one does (Core 5.4, Vol 4 Part E, 7.3.2 and 7.8.13)."""

    # A controller of Core 4.2 without privacy: for the features left out here Linux waits for the *enhanced* connection
    # event, which bumble never sends, and then gives the connection up.
    le_features = (
        hci.LeFeatureMask.LE_ENCRYPTION
        | hci.LeFeatureMask.CONNECTION_PARAMETERS_REQUEST_PROCEDURE
        | hci.LeFeatureMask.EXTENDED_REJECT_INDICATION
        | hci.LeFeatureMask.PERIPHERAL_INITIATED_FEATURE_EXCHANGE
        | hci.LeFeatureMask.LE_PING
    )

    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        # While it is looked for devices.
        self.looking = asyncio.Event()

    def on_hci_le_set_scan_enable_command(self, command):
        if command.le_scan_enable:
            self.looking.set()
        else:
            self.looking.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_reset_command(self, command):
        self.le_scan_enable = False
        self.looking.clear()
        self.pending_le_connection = None
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        self.le_connections.clear()
        return super().on_hci_reset_command(command)

    def on_hci_le_create_connection_cancel_command(self, command):
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return super().on_hci_le_create_connection_cancel_command(command)


class Delegate(PairingDelegate):
    """Accepts a pairing while the cuff is in pairing mode."""

    def __init__(self, cuff: "Cuff") -> None:
        super().__init__(PairingDelegate.NO_OUTPUT_NO_INPUT)
        self.cuff = cuff

    async def accept(self) -> bool:
        return self.cuff.pairing_mode


@dataclass
class Faults:
    """What goes wrong while the cuff sends its records; each is over once it happened."""

    drop_before_first: bool = False
    """The link breaks when the hub has subscribed and asks for the clock, before anything was sent."""
    drop_after_sending: int = 0
    """The link breaks when so many indications were confirmed and the hub asks for the clock, before the cuff has noted
    the last confirmation. The hub then waits for an answer that never comes, however slow the machine is."""
    twice: bool = False
    """Each record is indicated twice."""


@dataclass
class Told:
    """What the cuff saw of the hub."""

    connections: int = 0
    encrypted: int = 0
    indicated: list[bytes] = field(default_factory=list)
    indicated_at: list[float] = field(default_factory=list)
    confirmed: list[bytes] = field(default_factory=list)
    clock_set: list[bytes] = field(default_factory=list)


class Cuff:
    """The cuff. Records wait in its memory until a hub confirms them."""

    def __init__(self) -> None:
        self.air = Air()
        self.memory: list[bytes] = []
        self.faults = Faults()
        self.told = Told()
        self.pairing_mode = False
        self.visible = False
        self.clock_error = timedelta(0)
        self.subscribed: set[int] = set()
        self.sending: set[asyncio.Task] = set()
        self.quiet = asyncio.Event()
        self.quiet.set()
        # While `hold` is not set, a hub that has subscribed (`reached`) gets nothing.
        self.hold = asyncio.Event()
        self.hold.set()
        self.reached = asyncio.Event()
        self.clock_read = asyncio.Event()
        self.drop_at_clock = False

    async def plug(self, transport: str) -> None:
        """Joins the adapter to the guest's serial port and switches the cuff on, invisible."""
        self.wire = await open_transport(transport)
        self.adapter = Adapter("hub", host_source=self.wire.source, host_sink=self.wire.sink, link=self.air, public_address=HUB)
        host = Host()
        self.controller = Controller("cuff", link=self.air, public_address=CUFF)
        host.controller = self.controller
        self.device = Device(name="Virtual Cuff", address=Address(CUFF), host=host)
        self.device.keystore = MemoryKeyStore()
        self.device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True, mitm=False, bonding=True, delegate=Delegate(self)
        )
        self.device.add_services(self.services())
        self.device.on("connection", self.on_connection)
        await self.device.power_on()

    # What the test does with it

    async def show(self, seconds: float | None = None) -> None:
        """Advertises until a hub has taken all it holds, also after a broken link; with `seconds`, no longer than that."""
        self.visible = True
        await self.advertise()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, lambda: self.keep(asyncio.ensure_future(self.hide())))

    async def advertise(self) -> None:
        flags = bytes([AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED])
        await self.device.start_advertising(
            advertising_data=bytes(
                AdvertisingData([
                    (AdvertisingData.Type.FLAGS, flags),
                    (AdvertisingData.Type.COMPLETE_LOCAL_NAME, b"Virtual Cuff"),
                    (AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, struct.pack("<H", 0x1810)),
                ])
            ),
            advertising_interval_min=ADVERTISE_MS,
            advertising_interval_max=ADVERTISE_MS,
        )

    async def hide(self) -> None:
        self.visible = False
        await self.device.stop_advertising()

    def drop_link(self) -> None:
        """The radio link is gone: both controllers say so, as after a supervision timeout."""
        reason = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
        for controller in (self.controller, self.adapter):
            for connection in list(controller.le_connections.values()):
                controller.on_le_disconnected(connection, reason)

    async def looked_for(self) -> None:
        """Waits until the hub's adapter scans."""
        await self.adapter.looking.wait()

    def unplug(self) -> None:
        """The adapter loses its power: it says nothing more to its host, and the cuff loses the link."""
        self.adapter.le_scan_enable = False
        self.adapter.looking.clear()
        self.adapter.pending_le_connection = None
        self.adapter.le_connections.clear()
        self.drop_link()

    async def forget_bonds(self) -> None:
        self.device.keystore = MemoryKeyStore()

    async def hung_up(self) -> None:
        """Waits until no hub is connected."""
        await self.quiet.wait()

    def measure(self, systolic: float, diastolic: float, mean: float, pulse: float) -> bytes:
        """Takes a measurement with the cuff's own clock and keeps it in memory."""
        return self.store(systolic, diastolic, mean, pulse)

    def fail(self) -> bytes:
        """A measurement that failed, as a cuff reports it: each value is the special NaN."""
        return self.store(*[None] * 4)

    def store(self, *values: float | None) -> bytes:
        words = [NOT_A_NUMBER if value is None else sfloat(value) for value in values]
        frame = struct.pack("<BHHH", 0x16, *words[:3]) + date_time(self.now()) + struct.pack("<HH", words[3], 0)
        self.memory.append(frame)
        return frame

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self.clock_error

    # What it offers

    def services(self) -> list[Service]:
        read = Characteristic.Properties.READ
        self.measurement = Characteristic(UUID.from_16_bits(0x2A35), Characteristic.Properties.INDICATE, ENCRYPTED, b"")
        configuration = Descriptor(
            gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
            Descriptor.READABLE | Descriptor.WRITEABLE | ENCRYPTED_WRITE,
            self.device.gatt_server.make_descriptor_value(self.measurement),
        )
        self.measurement.descriptors = (configuration,)
        self.measurement.on(Characteristic.EVENT_SUBSCRIPTION, self.on_subscription)
        feature = Characteristic(UUID.from_16_bits(0x2A49), read, ENCRYPTED, b"\x00\x00")
        clock = Characteristic(
            UUID.from_16_bits(0x2A2B),
            read | Characteristic.Properties.WRITE,
            ENCRYPTED | Characteristic.WRITEABLE | ENCRYPTED_WRITE,
            CharacteristicValue(read=self.read_clock, write=self.write_clock),
        )
        texts = {0x2A29: b"Teleward Test", 0x2A24: b"VC-1", 0x2A25: b"0123456789", 0x2A26: b"1.0"}
        information = [Characteristic(UUID.from_16_bits(uuid), read, ENCRYPTED, text) for uuid, text in texts.items()]
        battery = Characteristic(UUID.from_16_bits(0x2A19), read, ENCRYPTED, b"\x57")
        return [
            Service(UUID.from_16_bits(0x1810), [self.measurement, feature]),
            Service(UUID.from_16_bits(0x180A), information),
            Service(UUID.from_16_bits(0x1805), [clock]),
            Service(UUID.from_16_bits(0x180F), [battery]),
        ]

    def read_clock(self, _connection) -> bytes:
        self.clock_read.set()
        if self.faults.drop_before_first or self.drop_at_clock:
            self.faults = Faults()
            self.drop_at_clock = False
            # Next, and so before the answer has crossed the air.
            asyncio.get_running_loop().call_soon(self.drop_link)
        now = self.now()
        return date_time(now) + bytes([now.isoweekday(), now.microsecond * 256 // 1_000_000, 0])

    def write_clock(self, _connection, value: bytes) -> None:
        year, month, day, hour, minute, second = struct.unpack("<HBBBBB", value[:7])
        self.told.clock_set.append(value)
        told = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
        self.clock_error = told - datetime.now(timezone.utc)

    # What it does when a hub comes

    def on_connection(self, connection: Connection) -> None:
        self.told.connections += 1
        self.quiet.clear()
        self.reached.clear()
        self.clock_read.clear()
        connection.on("connection_encryption_change", lambda: self.on_encryption(connection))
        connection.on("disconnection", lambda _reason: self.on_disconnection(connection))

    def on_disconnection(self, connection: Connection) -> None:
        self.quiet.set()
        if self.visible and (self.memory or not connection.encryption):
            self.keep(asyncio.ensure_future(self.advertise()))

    def on_encryption(self, connection: Connection) -> None:
        self.told.encrypted += bool(connection.encryption)

    def on_subscription(self, connection: Connection, _notify: bool, indicate: bool) -> None:
        if indicate:
            self.keep(asyncio.ensure_future(self.send(connection)))

    def keep(self, task: asyncio.Task) -> None:
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    async def send(self, connection: Connection) -> None:
        """Sends what is in memory, one by one; a record leaves the memory when it was confirmed."""
        self.reached.set()
        await self.hold.wait()
        if self.faults.drop_before_first:
            # `read_clock` breaks the link.
            return
        sent = 0
        for frame in list(self.memory):
            if connection not in self.device.connections.values():
                return
            for _ in range(2 if self.faults.twice else 1):
                sent += 1
                self.told.indicated.append(frame)
                self.told.indicated_at.append(time.monotonic())
                try:
                    await self.device.indicate_subscriber(connection, self.measurement, frame)
                except (asyncio.CancelledError, core.BaseError, TimeoutError, att.ATT_Error):
                    return
                if sent == self.faults.drop_after_sending:
                    if self.clock_read.is_set():
                        self.faults = Faults()
                        self.drop_link()
                    else:
                        self.drop_at_clock = True
                    return
            self.told.confirmed.append(frame)
            self.memory.remove(frame)
        self.faults = Faults()


def date_time(at: datetime) -> bytes:
    """GSS Date Time: no zone."""
    return struct.pack("<HBBBBB", at.year, at.month, at.day, at.hour, at.minute, at.second)


def sfloat(value: float) -> int:
    """IEEE 11073 SFLOAT; one decimal where the value has one."""
    if value == int(value):
        return int(value) & 0x0FFF
    return (0xF << 12) | (round(value * 10) & 0x0FFF)

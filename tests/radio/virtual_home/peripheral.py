"""What every virtual device has: advertising, pairing, Device Information, Battery, Current Time, and faults on demand.

A device is one file that names its service and what it offers (`services`), and that is either a sender (here: it sends
what it holds to whoever subscribes) or a keeper of records (`keeper`: it is asked for them). All needs an encrypted
link, so a central must pair over real SMP (LE Secure Connections): Just Works, or with a passkey that the device shows.
"""

import asyncio
import struct
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from bumble import att, core, gatt
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Descriptor, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from .air import Air
from .values import date_time

ENCRYPTED = Characteristic.READ_REQUIRES_ENCRYPTION
ENCRYPTED_WRITE = Characteristic.WRITE_REQUIRES_ENCRYPTION
READ = Characteristic.Properties.READ
WRITE = Characteristic.Properties.WRITE
NOTIFY = Characteristic.Properties.NOTIFY
INDICATE = Characteristic.Properties.INDICATE
# bumble reports each advertisement, and a made-up scan response, whatever filter the host sets: at ten a second the
# reports queue up in a slow guest before the answer to a command, and after two seconds Linux gives the adapter up.
ADVERTISE_MS = 400
GONE = (asyncio.CancelledError, core.BaseError, TimeoutError, att.ATT_Error, ValueError)
"""How bumble says that the link went away in the middle of something."""


class Delegate(PairingDelegate):
    """Accepts a pairing while the device is in pairing mode; shows its passkey if it has one."""

    def __init__(self, device: "Peripheral") -> None:
        shows = PairingDelegate.DISPLAY_OUTPUT_ONLY if device.passkey is not None else PairingDelegate.NO_OUTPUT_NO_INPUT
        super().__init__(shows)
        self.device = device

    async def accept(self) -> bool:
        return self.device.pairing_mode

    async def generate_passkey(self) -> int:
        return self.device.passkey


@dataclass
class Told:
    """What the device saw of the hub."""

    connections: int = 0
    encrypted: int = 0
    sent: list[bytes] = field(default_factory=list)
    """Every indication and notification with a measurement, in the order in which it left."""
    sent_at: list[float] = field(default_factory=list)
    confirmed: list[bytes] = field(default_factory=list)
    """Indications that the hub's host has confirmed."""
    unasked: list[bytes] = field(default_factory=list)
    """What left before the hub had subscribed in this link."""
    clock_set: list[bytes] = field(default_factory=list)


class Peripheral:
    """One device."""

    NAME = ""
    MODEL = ""
    SERVICE = 0

    def __init__(self, air: Air, address: str, serial: str = "0123456789") -> None:
        self.air = air
        self.address = address
        self.serial = serial
        self.told = Told()
        self.pairing_mode = False
        self.passkey: int | None = None
        self.visible = False
        self.clock_error = timedelta(0)
        self.tasks: set[asyncio.Task] = set()
        self.quiet = asyncio.Event()
        self.quiet.set()
        self.shown_at = 0.0
        self.changing = asyncio.Lock()

    async def switch_on(self) -> None:
        """Joins the air, invisible."""
        host = Host()
        self.controller = Controller(self.NAME, link=self.air, public_address=self.address)
        host.controller = self.controller
        self.device = Device(name=self.NAME, address=Address(self.address), host=host)
        self.device.keystore = MemoryKeyStore()
        self.device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True, mitm=self.passkey is not None, bonding=True, delegate=Delegate(self)
        )
        self.device.add_services([*self.services(), *self.usual_services()])
        self.device.on("connection", self.on_connection)
        await self.device.power_on()

    # What the test does with it

    async def show(self, seconds: float | None = None) -> None:
        """Advertises until a hub has taken all it holds, also after a broken link; with `seconds`, no longer than that."""
        self.visible = True
        self.shown_at = time.monotonic()
        await self.advertise()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, lambda: self.keep(self.hide()))

    async def advertise(self) -> None:
        flags = bytes([AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED])
        async with self.changing:
            await self.device.start_advertising(
                advertising_data=bytes(
                    AdvertisingData([
                        (AdvertisingData.Type.FLAGS, flags),
                        (AdvertisingData.Type.COMPLETE_LOCAL_NAME, self.NAME.encode()),
                        (AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, struct.pack("<H", self.SERVICE)),
                    ])
                ),
                advertising_interval_min=ADVERTISE_MS,
                advertising_interval_max=ADVERTISE_MS,
            )

    async def hide(self) -> None:
        self.visible = False
        async with self.changing:
            await self.device.stop_advertising()

    def drop_link(self) -> None:
        """The radio link is gone."""
        self.air.break_links(self.controller)

    async def forget_bonds(self) -> None:
        self.device.keystore = MemoryKeyStore()

    async def hung_up(self) -> None:
        """Waits until no hub is connected."""
        await self.quiet.wait()

    def now(self) -> datetime:
        """The time by its own clock."""
        return datetime.now(timezone.utc) + self.clock_error

    def has_more(self) -> bool:
        """Whether it holds what no hub has taken, and so shows itself again after a link."""
        return False

    # What it offers

    def services(self) -> list[Service]:
        """Its own services."""
        raise NotImplementedError

    def usual_services(self) -> list[Service]:
        clock = Characteristic(
            UUID.from_16_bits(0x2A2B),
            READ | WRITE,
            ENCRYPTED | Characteristic.WRITEABLE | ENCRYPTED_WRITE,
            CharacteristicValue(read=self.read_clock, write=self.write_clock),
        )
        texts = {0x2A29: "Teleward Test", 0x2A24: self.MODEL, 0x2A25: self.serial, 0x2A26: "1.0"}
        information = [readable(uuid, text.encode()) for uuid, text in texts.items()]
        return [
            Service(UUID.from_16_bits(0x180A), information),
            Service(UUID.from_16_bits(0x1805), [clock]),
            Service(UUID.from_16_bits(0x180F), [readable(0x2A19, b"\x57")]),
        ]

    def sending(self, uuid: int, how: Characteristic.Properties, begun=None) -> Characteristic:
        """A characteristic that is subscribed to on an encrypted link; `begun` is called with the connection then."""
        characteristic = Characteristic(UUID.from_16_bits(uuid), how, ENCRYPTED, b"")
        configuration = Descriptor(
            gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
            Descriptor.READABLE | Descriptor.WRITEABLE | ENCRYPTED_WRITE,
            self.device.gatt_server.make_descriptor_value(characteristic),
        )
        characteristic.descriptors = (configuration,)

        def subscribed(connection: Connection, notify: bool, indicate: bool) -> None:
            if begun is not None and (notify or indicate):
                begun(connection)

        characteristic.on(Characteristic.EVENT_SUBSCRIPTION, subscribed)
        return characteristic

    def commands_by(self, uuid: int, commanded) -> Characteristic:
        """A control point: written with a command, which it answers by an indication."""
        point = self.sending(uuid, INDICATE)
        point.properties |= WRITE
        point.permissions |= Characteristic.WRITEABLE | ENCRYPTED_WRITE
        point.value = CharacteristicValue(write=commanded)
        return point

    def read_clock(self, _connection) -> bytes:
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
        connection.on("connection_encryption_change", lambda: self.on_encryption(connection))
        connection.on("disconnection", lambda _reason: self.on_disconnection(connection))

    def on_disconnection(self, connection: Connection) -> None:
        self.quiet.set()
        if self.visible and (self.has_more() or not connection.encryption):
            self.keep(self.advertise())

    def on_encryption(self, connection: Connection) -> None:
        self.told.encrypted += bool(connection.encryption)

    def is_linked(self, connection: Connection) -> bool:
        return connection in self.device.connections.values()

    async def transmit(
        self, connection: Connection, characteristic: Characteristic, how, value: bytes, unasked: bool = False
    ) -> bool:
        """Sends a measurement, also `unasked`; true when it has crossed the air, and an indication was confirmed."""
        if not self.is_linked(connection):
            return False
        self.told.sent.append(value)
        self.told.sent_at.append(time.monotonic())
        self.air.log.append(value)
        try:
            if how == INDICATE:
                await self.device.indicate_subscriber(connection, characteristic, value, force=unasked)
                self.told.confirmed.append(value)
            else:
                await self.device.notify_subscriber(connection, characteristic, value)
                await connection.drain()
        except GONE:
            return False
        await self.air.event()
        return True

    def keep(self, doing) -> None:
        """Does something beside what is going on."""
        task = asyncio.ensure_future(doing)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


@dataclass
class Faults:
    """What goes wrong while a sender sends; each is over once it happened."""

    drop_before_first: bool = False
    """The link breaks when the hub has subscribed and asks for the clock, before anything was sent."""
    drop_after_sending: int = 0
    """The link breaks when so many indications were confirmed and the hub asks for the clock, before the device has noted
    the last confirmation. The hub then waits for an answer that never comes, however slow the machine is."""
    twice: bool = False
    """Each record is indicated twice."""


class Sender(Peripheral):
    """A device that sends what it holds to whoever subscribes. A record leaves its memory once it was confirmed.

    One that `keeps_subscription` has it with the bond, as the standard asks for (Core 5.4, Vol 3 Part G, 3.3.3.3), and does
    not wait for the hub to write it again: it sends as soon as the link is encrypted.
    """

    MEASUREMENT = 0
    HOW = INDICATE

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.memory: list[bytes] = []
        self.faults = Faults()
        # While `hold` is not set, a hub that has subscribed (`reached`) gets nothing.
        self.hold = asyncio.Event()
        self.hold.set()
        self.reached = asyncio.Event()
        self.clock_read = asyncio.Event()
        self.drop_at_clock = False
        self.keeps_subscription = False
        # It ends the link as soon as it has sent all, whatever the hub is about to ask.
        self.hangs_up = False
        self.has_subscriber = False
        # The links over which it was asked to send, and over which it does.
        self.asked_over: Connection | None = None
        self.sends_over: Connection | None = None

    def has_more(self) -> bool:
        return bool(self.memory)

    def services(self) -> list[Service]:
        self.measurement = self.sending(self.MEASUREMENT, self.HOW, self.on_subscription)
        return [Service(UUID.from_16_bits(self.SERVICE), [self.measurement, *self.features()])]

    def features(self) -> list[Characteristic]:
        """What its service has beside the measurement."""
        return []

    def on_connection(self, connection: Connection) -> None:
        self.reached.clear()
        self.clock_read.clear()
        super().on_connection(connection)

    def read_clock(self, connection) -> bytes:
        self.clock_read.set()
        if self.faults.drop_before_first or self.drop_at_clock:
            self.faults = Faults()
            self.drop_at_clock = False
            # Next, and so before the answer has crossed the air.
            asyncio.get_running_loop().call_soon(self.drop_link)
        return super().read_clock(connection)

    def on_subscription(self, connection: Connection) -> None:
        self.has_subscriber = True
        self.asked_over = connection
        self.reached.set()
        self.keep(self.send(connection))

    def on_encryption(self, connection: Connection) -> None:
        super().on_encryption(connection)
        if connection.encryption and self.keeps_subscription and self.has_subscriber:
            self.keep(self.send(connection))

    async def forget_bonds(self) -> None:
        await super().forget_bonds()
        self.has_subscriber = False

    async def send(self, connection: Connection) -> None:
        """Sends what is in memory, unless it does so already."""
        if self.sends_over is connection:
            return
        self.sends_over = connection
        try:
            await self.send_all(connection)
        finally:
            if self.sends_over is connection:
                self.sends_over = None

    async def send_all(self, connection: Connection) -> None:
        await self.hold.wait()
        if self.faults.drop_before_first:
            # `read_clock` breaks the link.
            return
        sent = 0
        for frame in list(self.memory):
            for _ in range(2 if self.faults.twice else 1):
                sent += 1
                unasked = self.asked_over is not connection
                if unasked:
                    self.told.unasked.append(frame)
                if not await self.transmit(connection, self.measurement, self.HOW, frame, unasked):
                    return
                if sent == self.faults.drop_after_sending:
                    if self.clock_read.is_set():
                        self.faults = Faults()
                        self.drop_link()
                    else:
                        self.drop_at_clock = True
                    return
            self.memory.remove(frame)
        self.faults = Faults()
        if sent and self.hangs_up:
            self.drop_link()


def readable(uuid: int, value: bytes) -> Characteristic:
    return Characteristic(UUID.from_16_bits(uuid), READ, ENCRYPTED, value)

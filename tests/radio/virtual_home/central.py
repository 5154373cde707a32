"""A central of another hand (bumble's): proves the virtual devices without the product, and is the bench's peer.

It does what a plain program for such a device does: connect, pair, discover, subscribe, and ask the Record Access Control
Point for everything. Its host and controller are within this process, on the same air as the devices.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from bumble.core import UUID
from bumble.device import Device, Peer
from bumble.hci import Address
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from .air import HUB, Adapter, Air
from .keeper import COMBINED_RESPONSE, COUNTED, RESPONSE
from .peripheral import Peripheral

TO_ANSWER = 60


class Keyboard(PairingDelegate):
    """A person who types digits, if there are any to type."""

    def __init__(self, digits: int | None) -> None:
        types = PairingDelegate.KEYBOARD_INPUT_ONLY if digits is not None else PairingDelegate.NO_OUTPUT_NO_INPUT
        super().__init__(types)
        self.digits = digits

    async def get_number(self) -> int | None:
        return self.digits


class Central:
    def __init__(self, air: Air) -> None:
        self.air = air
        self.digits: int | None = None

    async def switch_on(self) -> None:
        host = Host()
        # The same controller as the hub's, so that the peer of a bench has the same.
        self.controller = Adapter("central", link=self.air, public_address=HUB)
        host.controller = self.controller
        self.device = Device(name="central", address=Address("F1:F1:F1:F1:F1:F1"), host=host)
        self.device.keystore = MemoryKeyStore()
        self.device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True, mitm=self.digits is not None, bonding=True, delegate=Keyboard(self.digits)
        )
        await self.device.power_on()

    @contextlib.asynccontextmanager
    async def link(self, device: Peripheral, digits: int | None = None) -> AsyncIterator["Link"]:
        """A link with a device that shows itself: encrypted, and paired where it is not yet."""
        self.digits = digits
        link = Link(await self.device.connect(Address(device.address), timeout=TO_ANSWER))
        try:
            if await self.device.keystore.get(str(Address(device.address))) is None:
                await link.connection.pair()
            else:
                await link.connection.encrypt()
            await link.discover()
            yield link
        finally:
            await link.end()


class Link:
    def __init__(self, connection) -> None:
        self.connection = connection
        self.peer = Peer(connection)
        self.lost = asyncio.Event()
        self.came: list[tuple[int, bytes]] = []
        self.came_at: list[float] = []
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()
        connection.on("disconnection", lambda _reason: self.lost.set())

    async def discover(self) -> None:
        await self.peer.discover_services()
        await self.peer.discover_characteristics()

    def find(self, uuid: int):
        found = self.peer.get_characteristics_by_uuid(UUID.from_16_bits(uuid))
        if len(found) != 1:
            raise AssertionError(f"{len(found)} characteristics {uuid:04x}")
        return found[0]

    async def read(self, uuid: int) -> bytes:
        return bytes(await self.find(uuid).read_value())

    async def write(self, uuid: int, value: bytes) -> None:
        await self.find(uuid).write_value(value, with_response=True)

    async def subscribe(self, uuid: int) -> None:
        """Values of a characteristic are kept as they come."""

        def take(value: bytes) -> None:
            self.came.append((uuid, bytes(value)))
            self.came_at.append(time.monotonic())

        await self.find(uuid).subscribe(take)

    async def subscribe_to_answers(self, uuid: int = 0x2A52) -> None:
        await self.find(uuid).subscribe(lambda value: self.answers.put_nowait(bytes(value)))

    async def ask(self, request: bytes, uuid: int = 0x2A52) -> bytes | None:
        """A control point's answer; nothing when the link breaks before it."""
        await self.write(uuid, request)
        return await self.answer()

    async def answer(self) -> bytes | None:
        answer, lost = asyncio.ensure_future(self.answers.get()), asyncio.ensure_future(self.lost.wait())
        async with asyncio.timeout(TO_ANSWER):
            await asyncio.wait([answer, lost], return_when=asyncio.FIRST_COMPLETED)
        lost.cancel()
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

    async def has(self, count: int) -> None:
        """Waits until so many values have come."""
        async with asyncio.timeout(TO_ANSWER):
            while len(self.came) < count:
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        if not self.lost.is_set():
            await self.connection.disconnect()
            await self.lost.wait()


def counted(answer: bytes) -> int:
    """The number in an answer to a count, or to a combined report."""
    if answer[0] not in (COUNTED, COMBINED_RESPONSE):
        raise AssertionError(f"no count: {answer.hex()}")
    return int.from_bytes(answer[2:], "little")


def code(answer: bytes) -> tuple[int, int]:
    """Which request an answer is for, and its code."""
    if answer[0] != RESPONSE:
        raise AssertionError(f"no response: {answer.hex()}")
    return answer[2], answer[3]

"""The home that the cases happen in, and the table of cases."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .air import Adapter, Air
from .clinic import TO_ARRIVE, Clinic
from .cuff import Cuff
from .guest import Guest
from .hub import PATIENCE, Hub
from .keeper import Keeper
from .peripheral import Peripheral

PAIRING_SECONDS = "20"
# A session whose link breaks, on a machine with other work: it connects, and asks anew for all that it has not got.
TO_BREAK = 60
Device = TypeVar("Device", bound=Peripheral)


@dataclass
class Home:
    """All parts of the test."""

    guest: Guest
    hub: Hub
    air: Air
    adapter: Adapter
    cuff: Cuff
    clinic: Clinic
    devices: dict[Peripheral, str] = field(default_factory=dict)
    """What is paired, with the hub's id of it."""
    brought: dict[str, Peripheral] = field(default_factory=dict)
    """What was switched on beside the cuff, by its address."""
    expected: list[dict] = field(default_factory=list)

    def expect(self, kind: str, **values: str | int | None) -> None:
        """The station must hold this reading in the end; a number is given with the digits that the device shows."""
        told = {name: value if value is None else str(value) for name, value in values.items()}
        self.expected.append({"kind": kind, **told})

    def measure(self, systolic: int, diastolic: int, mean: int, pulse: int) -> None:
        """The cuff measures, and the station must hold it in the end."""
        self.cuff.measure(systolic, diastolic, mean, pulse)
        self.expect("blood_pressure", systolic=systolic, diastolic=diastolic, mean_arterial=mean, pulse_rate=pulse)

    async def sessions(
        self, *reasons: str, seconds: float | None = None, device: Peripheral | None = None, patience: float = PATIENCE
    ) -> None:
        """A device (the cuff) shows itself, and the hub's sessions with it end with these reason codes."""
        device = device or self.cuff
        since = self.hub.mark()
        await device.show(seconds)
        ended = await self.hub.endings(since, len(reasons), patience, self.devices[device])
        same(list(reasons), ended, "the reasons")
        await device.hide()

    async def broken_sessions(self, device: Keeper, times: int) -> None:
        """A device with a memory shows itself, and breaks so many links before it is left in peace. Whether the last
        packet before a break is still taken, and so by which of two words the session ends, is the race of a real link."""
        since = self.hub.mark()
        await device.show()
        patience = PATIENCE + times * TO_BREAK
        *broken, last = await self.hub.endings(since, times + 1, patience, self.devices[device])
        same(set(), set(broken) - {"closed_early", "link_lost"}, "other reasons of the sessions whose link broke")
        same("done", last, "the last reason")
        await device.hide()

    async def bring(self, kind: type[Device], number: int = 1) -> Device:
        """A device of this kind, by its number; switched on and not paired when it is new."""
        address = f"C4:C4:C4:{kind.SERVICE >> 8:02X}:{kind.SERVICE & 0xFF:02X}:{number:02X}"
        if address not in self.brought:
            device = kind(self.air, address, f"000{number}{kind.MODEL}")
            await device.switch_on()
            self.brought[address] = device
        return self.brought[address]

    async def paired(self, kind: type[Device], number: int = 1) -> Device:
        """A device of this kind that is paired."""
        device = await self.bring(kind, number)
        if device not in self.devices:
            await self.pair(device, device.passkey)
            await device.hide()
        return device

    async def pair(self, device: Peripheral | None = None, digits: int | None = None) -> dict:
        """A device (the cuff) is put into pairing mode, and the hub pairs with it, with the digits that a person types if
        the device wants some; gives it back as the hub has it."""
        device = device or self.cuff
        since = self.hub.mark()
        device.pairing_mode = True
        await device.show()
        paired, _ = await asyncio.gather(
            self.hub.ask("pair", "--seconds", PAIRING_SECONDS), self.type([] if digits is None else [digits], since)
        )
        self.devices[device] = paired["id"]
        # The answer may overtake what the hub in service says of the same session.
        same("done", await self.hub.ending(since, device=paired["id"]), "the reason")
        await device.hung_up()
        device.pairing_mode = False
        return paired

    async def type(self, tries: list[int], since: int) -> None:
        """A person types these digits, each time that some are asked for."""
        for digits in tries:
            await self.hub.wait(lambda line: line["event"] == "digits" and line["wanted"], "digits are asked for", since)
            since = self.hub.mark()
            await self.hub.ask("digits", f"{digits:06}")

    async def settle(self) -> None:
        """What a case that failed left showing must not meet the next one."""
        for device in (self.cuff, *self.brought.values()):
            if device.visible:
                await device.hide()
            device.pairing_mode = False

    async def arrived(self, patience: float = TO_ARRIVE) -> None:
        """Waits until the station holds what it must hold; what it holds more is an error."""
        await self.clinic.readings_are(self.expected, patience)

    def sent(self) -> list[bytes]:
        """What all devices have indicated and notified, in order."""
        return self.air.log

    def confirmed(self) -> int:
        """How many of it the hub's host has confirmed."""
        return sum(len(device.told.confirmed) for device in self.devices)

    async def status_of(self, device: Peripheral) -> dict:
        """A device as the hub shows it."""
        devices = (await self.hub.ask("status"))["devices"]
        return next(shown for shown in devices if shown["id"] == self.devices[device])


Case = Callable[[Home], Awaitable[None]]


@dataclass
class Entry:
    """One case of the table."""

    words: str
    function: Case
    long: bool
    """Whether it is in the longer matrix only, which the required set leaves out."""


CASES: dict[str, Entry] = {}


def case(name: str, words: str, long: bool = False) -> Callable[[Case], Case]:
    def keep(function: Case) -> Case:
        CASES[name] = Entry(words, function, long)
        return function

    return keep


def same(wanted: object, found: object, what: str) -> None:
    if wanted != found:
        raise AssertionError(f"{what}: wanted {wanted!r}, found {found!r}")

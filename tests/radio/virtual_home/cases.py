"""The cases, in the order in which they happen in one home in one boot.

Each is one function: what the cuff does, the reason code with which the hub's session ends, and which frames the
station must hold afterwards. The readings of all cases are compared once more at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from . import capture
from .clinic import Clinic
from .cuff import CUFF, Cuff, Faults
from .guest import Guest
from .hub import Hub

PAIRING_SECONDS = "20"
FORGET = (
    "dbus-send --system --print-reply --dest=org.bluez /org/bluez/hci0 org.bluez.Adapter1.RemoveDevice "
    f"objpath:/org/bluez/hci0/dev_{CUFF.replace(':', '_')}"
)


@dataclass
class Home:
    """All parts of the test."""

    guest: Guest
    hub: Hub
    cuff: Cuff
    clinic: Clinic
    expected: list[dict] = field(default_factory=list)

    def measure(self, systolic: int, diastolic: int, mean: int, pulse: int) -> None:
        """The cuff measures, and the station must hold it in the end."""
        self.cuff.measure(systolic, diastolic, mean, pulse)
        values = {"systolic": systolic, "diastolic": diastolic, "mean_arterial": mean, "pulse_rate": pulse}
        self.expected.append({name: str(value) for name, value in values.items()})

    async def sessions(self, *reasons: str, seconds: float | None = None) -> None:
        """The cuff shows itself, and the hub's sessions with it end with these reason codes."""
        since = self.hub.mark()
        await self.cuff.show(seconds)
        same(list(reasons), await self.hub.endings(since, len(reasons)), "the reasons")
        await self.cuff.hide()

    async def pair(self) -> dict:
        """The cuff is put into pairing mode, and the hub pairs with it; gives back the device as the hub has it."""
        since = self.hub.mark()
        self.cuff.pairing_mode = True
        await self.cuff.show()
        device = await self.hub.ask("pair", "--seconds", PAIRING_SECONDS)
        # The answer may overtake what the hub in service says of the same session.
        same("done", await self.hub.ending(since), "the reason")
        await self.cuff.hung_up()
        self.cuff.pairing_mode = False
        return device

    async def arrived(self) -> None:
        """Waits until the station holds what it must hold; what it holds more is an error."""
        await self.clinic.readings_are(self.expected)


Case = Callable[[Home], Awaitable[None]]
CASES: dict[str, tuple[str, Case]] = {}


def case(name: str, words: str) -> Callable[[Case], Case]:
    def keep(function: Case) -> Case:
        CASES[name] = (words, function)
        return function

    return keep


def same(wanted: object, found: object, what: str) -> None:
    if wanted != found:
        raise AssertionError(f"{what}: wanted {wanted!r}, found {found!r}")


# REQ-RADIO-001
@case("refused", "a cuff that is not in pairing mode refuses: pairing_refused")
async def refused(home: Home) -> None:
    home.cuff.pairing_mode = False
    await home.cuff.show()
    code, out = await home.hub.try_ask("pair", "--seconds", PAIRING_SECONDS)
    await home.cuff.hide()
    same(True, code != 0, "the command's failure")
    same(True, "pairing_refused" in out, f"the reason code pairing_refused in: {out}")
    same(0, home.cuff.told.encrypted, "encrypted links")


# REQ-RADIO-001
@case("pairing", "pairs over SMP by our own agent")
async def pairing(home: Home) -> None:
    device = await home.pair()
    same(True, home.cuff.told.encrypted > 0, "the cuff saw an encrypted link")
    same("Teleward Test", device["maker"], "the maker that was read")
    same("6789", device["serial_tail"], "the serial number's tail")


# REQ-RADIO-002
@case("reading", "a reading reaches the station: done")
async def reading(home: Home) -> None:
    home.measure(128, 82, 97, 66)
    await home.sessions("done")
    await home.arrived()
    device = (await home.hub.ask("status"))["devices"][0]
    same(87, device["battery_percent"], "the battery in percent")
    stored = await home.clinic.readings()
    same("device", stored[0]["source"], "where the reading came from")
    same(True, stored[0]["effective_sure"], "a sure time")
    await home.hub.wait(
        lambda line: line["event"] == "reading" and line["stage"] == stored_words(), "the hub shows it as stored"
    )


def stored_words() -> str:
    return "at the clinic"


# REQ-RADIO-003
@case("clock", "a cuff whose clock is two hours behind: the time is corrected, then the clock is set")
async def clock(home: Home) -> None:
    home.cuff.clock_error = timedelta(hours=-2)
    home.cuff.told.clock_set.clear()
    home.measure(131, 84, 99, 71)
    now = home.cuff.now() - home.cuff.clock_error
    await home.sessions("done")
    await home.arrived()
    effective = await home.clinic.effective({"systolic": "131", "diastolic": "84"})
    same(True, abs(effective - now) < timedelta(seconds=30), f"measured at {now}, shown as {effective}: near")
    same(1, len(home.cuff.told.clock_set), "times the clock was set")
    same(True, abs(home.cuff.clock_error) < timedelta(seconds=30), f"the cuff's clock is right, now {home.cuff.clock_error}")


# REQ-RADIO-004
@case("failed", "a failed measurement is told as such, never as a number")
async def failed(home: Home) -> None:
    home.cuff.fail()
    home.expected.append({"systolic": None, "diastolic": None, "mean_arterial": None, "pulse_rate": None})
    await home.sessions("done")
    await home.arrived()


# REQ-RADIO-005
@case("twice", "a record that is indicated twice is one reading")
async def twice(home: Home) -> None:
    home.cuff.faults = Faults(twice=True)
    home.measure(126, 79, 94, 64)
    await home.sessions("done")
    same(2, home.cuff.told.indicated.count(home.cuff.told.indicated[-1]), "indications")
    await home.arrived()


# REQ-RADIO-006
@case("drop_before", "the link drops before a reading came: link_lost; the next session has it")
async def drop_before(home: Home) -> None:
    home.cuff.faults = Faults(drop_before_first=True)
    home.measure(134, 86, 102, 73)
    await home.sessions("link_lost", "done")
    await home.arrived()


# REQ-RADIO-006
@case("drop_between", "the link drops in the middle of two readings: closed_early; what was sent again is not doubled")
async def drop_between(home: Home) -> None:
    home.cuff.faults = Faults(drop_after_sending=1)
    home.measure(122, 77, 92, 61)
    await asyncio.sleep(1.1)  # records of one second would have the same time
    home.measure(124, 78, 93, 62)
    sent = len(home.cuff.told.indicated)
    await home.sessions("closed_early", "done")
    first, again, second = home.cuff.told.indicated[sent:]
    same((True, False), (first == again, first == second), "the first record was sent again, then the second")
    await home.arrived()


# REQ-RADIO-007
@case("brief", "a cuff that shows itself for three seconds only is caught")
async def brief(home: Home) -> None:
    home.measure(119, 76, 90, 58)
    await home.cuff.looked_for()
    await home.sessions("done", seconds=3)
    await home.arrived()


# REQ-RADIO-008
@case("bond", "the cuff lost its bond: bond_lost, nothing is lost; paired anew, it goes on")
async def bond(home: Home) -> None:
    await home.cuff.forget_bonds()
    home.measure(137, 88, 104, 75)
    await home.sessions("bond_lost")
    await home.guest.run(FORGET)
    await home.pair()
    if home.cuff.memory:
        await home.sessions("done")
    await home.arrived()


# REQ-RADIO-009
@case("adapter", "the adapter goes away in a session and comes back: radio_gone; the hub goes on by itself")
async def adapter(home: Home) -> None:
    home.measure(129, 83, 98, 67)
    home.cuff.hold.clear()
    home.cuff.reached.clear()
    since = home.hub.mark()
    await home.cuff.show()
    await home.cuff.reached.wait()
    home.cuff.unplug()
    await home.guest.adapter("off")
    same("radio_gone", await home.hub.ending(since), "the reason")
    home.cuff.hold.set()
    await home.guest.adapter("on")
    await home.guest.powered()
    await home.sessions("done")
    await home.arrived()


# REQ-RADIO-010
@case("kept", "the hub ends and starts again: what it knows stays, nothing is sent twice")
async def kept(home: Home) -> None:
    await home.hub.stop()
    home.measure(125, 80, 95, 63)
    await home.hub.serve()
    await home.sessions("done")
    await home.arrived()


# REQ-RADIO-011
@case("air", "what was taken crossed the kernel's HCI, confirmed, on an encrypted link")
async def air(home: Home) -> None:
    await home.guest.run("killall btmon; while pidof btmon; do sleep 0.1; done")
    content = await home.guest.fetch("/tmp/hci.snoop")
    told = home.cuff.told
    same([], capture.complaints(content, told.indicated, len(told.confirmed)), "complaints about the capture")
    # The checker itself: with less in the capture, or more in the air, it complains.
    plain = capture.without(content, capture.is_encryption)
    sent = capture.without(content, lambda record: record.kind == capture.ACL_RECEIVED)
    for what, less, indicated in [
        ("without its encryption", plain, told.indicated),
        ("without what came in", sent, told.indicated),
        ("that lacks a frame", content, [*told.indicated, told.indicated[0]]),
    ]:
        same(True, capture.complaints(less, indicated, len(told.confirmed)) != [], f"complaints about a capture {what}")


# REQ-RADIO-010
@case("once", "in the end the station holds each reading once, and no finding")
async def once(home: Home) -> None:
    await home.arrived()
    same([], home.cuff.memory, "records that the cuff still holds")
    same([], await home.clinic.findings(), "findings at the station")
    queue = (await home.hub.ask("status"))["queue"]
    same((0, 0), (queue["waiting"], queue["stuck"]), "what waits at the hub")

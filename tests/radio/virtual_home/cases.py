"""The cases of the cuff.

Each is one function: what the device does, the reason code with which the hub's session ends, and which readings the
station must hold afterwards. They happen in one home in one boot, in the order of `CASES`.
"""

import asyncio
from datetime import timedelta

from .home import PAIRING_SECONDS, Home, case, same
from .peripheral import Faults, Peripheral


def forget(device: Peripheral) -> str:
    """The command with which a person removes a device in the system's settings."""
    path = f"/org/bluez/hci0/dev_{device.address.replace(':', '_')}"
    return (
        "dbus-send --system --print-reply --dest=org.bluez /org/bluez/hci0 org.bluez.Adapter1.RemoveDevice "
        f"objpath:{path}"
    )


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
    home.expect("blood_pressure", systolic=None, diastolic=None, mean_arterial=None, pulse_rate=None)
    await home.sessions("done")
    await home.arrived()


# REQ-RADIO-005
@case("twice", "a record that is indicated twice is one reading")
async def twice(home: Home) -> None:
    home.cuff.faults = Faults(twice=True)
    home.measure(126, 79, 94, 64)
    await home.sessions("done")
    same(2, home.cuff.told.sent.count(home.cuff.told.sent[-1]), "indications")
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
    sent = len(home.cuff.told.sent)
    await home.sessions("closed_early", "done")
    first, again, second = home.cuff.told.sent[sent:]
    same((True, False), (first == again, first == second), "the first record was sent again, then the second")
    await home.arrived()


# REQ-RADIO-007
@case("brief", "a cuff that shows itself for three seconds only is caught")
async def brief(home: Home) -> None:
    home.measure(119, 76, 90, 58)
    await home.adapter.looked_for()
    await home.sessions("done", seconds=3)
    await home.arrived()


# REQ-RADIO-008
@case("bond", "the cuff lost its bond: bond_lost, nothing is lost; paired anew, it goes on")
async def bond(home: Home) -> None:
    await home.cuff.forget_bonds()
    home.measure(137, 88, 104, 75)
    await home.sessions("bond_lost")
    await home.guest.run(forget(home.cuff))
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
    home.adapter.unplug()
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

"""The cases of the other families: each pairs its device when it comes first."""

import asyncio
from datetime import datetime, timedelta, timezone

from .home import PAIRING_SECONDS, Home, case, same
from .meter import BEFORE_A_MEAL, Meter
from .oximeter import Oximeter
from .scale import Scale
from .thermometer import Thermometer


# REQ-RADIO-023
@case("scale", "a scale is paired with a weighing in it, which arrives in the same session")
async def scale(home: Home) -> None:
    device = await home.bring(Scale)
    device.weigh(71_345)
    home.expect("weight", weight="71.345")
    await home.paired(Scale)
    await home.arrived()


# REQ-RADIO-023
@case("thermometer", "a thermometer's measurement arrives with the digits that it shows")
async def thermometer(home: Home) -> None:
    device = await home.bring(Thermometer)
    device.take("37.40")
    home.expect("temperature", temperature="37.40")
    await home.paired(Thermometer)
    await home.arrived()


# REQ-RADIO-023
@case("oximeter", "an oximeter is asked for its memory, and again for all of it when one more is there", long=True)
async def oximeter(home: Home) -> None:
    device = await home.bring(Oximeter)
    now = device.now()
    for n in range(3):
        device.check(97 - n, 60 + n, now - timedelta(minutes=10 - n))
        home.expect("spo2", spo2=97 - n, pulse_rate=60 + n)
    await home.paired(Oximeter)
    await home.arrived()
    device.check(95, 71)
    home.expect("spo2", spo2=95, pulse_rate=71)
    await home.sessions("done", device=device)
    await home.arrived()


# REQ-RADIO-029
@case("passkey", "a meter shows six digits: wrong ones twice are told as such, with the right ones it is paired", long=True)
async def passkey(home: Home) -> None:
    device = await home.bring(Meter)
    device.passkey = 48_291
    device.pairing_mode = True
    since = home.hub.mark()
    await device.show()
    (code, out), _ = await asyncio.gather(
        home.hub.try_ask("pair", "--seconds", PAIRING_SECONDS), home.type([48_290, 48_290], since)
    )
    await device.hide()
    same(True, code != 0 and "passkey_wrong" in out, f"the reason code passkey_wrong in: {out}")
    same(0, device.told.encrypted, "encrypted links")
    await home.pair(device, digits=48_291)
    await device.hide()
    same(True, device.told.encrypted > 0, "the meter saw an encrypted link")
    said = await home.guest.run("cat /tmp/hub.log")
    same((False, False), ("48291" in str(home.hub.lines), "48291" in said), "the digits in what the hub says")


# REQ-RADIO-024, REQ-DEVICE-153
@case("meter", "200 records, and the link is lost three times in the middle: each record once at the station", long=True)
async def meter(home: Home) -> None:
    device = await home.paired(Meter)
    for value in device.fill(199):
        home.expect("glucose", glucose=value)
    device.measure(111, meal=BEFORE_A_MEAL)
    home.expect("glucose", glucose=111)
    device.faults.drop_after = [1, 120, 50]
    before, drops = home.clinic.envelopes(), device.asked.drops
    await home.broken_sessions(device, 3)
    same(drops + 3, device.asked.drops, "links that the meter broke")
    await home.arrived()
    # The station's acknowledgements are envelopes, too.
    same(True, home.clinic.envelopes() - before < 100, f"{home.clinic.envelopes() - before} envelopes: far fewer than records")


# REQ-RADIO-025
@case("busy", "a meter that is busy twice is waited for, and nothing is lost", long=True)
async def busy(home: Home) -> None:
    device = await home.paired(Meter)
    device.measure(123)
    home.expect("glucose", glucose=123)
    device.faults.busy = 2
    await home.sessions("done", device=device)
    same(2, device.asked.busy, "times it was busy")
    await home.arrived()


# REQ-RADIO-026
@case("meter_clock", "a meter whose clock is wrong: records first, then the clock is set, and both are told", long=True)
async def meter_clock(home: Home) -> None:
    device = await home.paired(Meter)
    device.clock_error = timedelta(hours=-2)
    device.told.clock_set.clear()
    now = datetime.now(timezone.utc)
    device.measure(134)
    home.expect("glucose", glucose=134)
    await home.sessions("done", device=device)
    await home.arrived()
    effective = await home.clinic.effective({"glucose": "134"})
    same(True, abs(effective - now) < timedelta(seconds=30), f"measured at {now}, shown as {effective}: near")
    same(1, len(device.told.clock_set), "times the clock was set")
    shown = await home.status_of(device)
    same(True, abs(shown["clock_behind_ms"] - 7_200_000) < 30_000, f"two hours behind: {shown['clock_behind_ms']} ms")
    same(True, "clock_set" in [notice["code"] for notice in shown["notices"]], f"the notice clock_set in {shown['notices']}")


# REQ-RADIO-027
@case("two_meters", "two meters of one model at once, each with the same record: two readings", long=True)
async def two_meters(home: Home) -> None:
    first, second = await home.paired(Meter), await home.paired(Meter, 2)
    second.next_number = first.next_number
    now = first.now().replace(microsecond=0)
    for device in (first, second):
        device.measure(145, now)
        home.expect("glucose", glucose=145)
    same(first.memory[-1].packets, second.memory[-1].packets, "the records of both")
    since = home.hub.mark()
    await asyncio.gather(first.show(), second.show())
    for device in (first, second):
        same("done", await home.hub.ending(since, device=home.devices[device]), "the reason")
        await device.hide()
    await home.arrived()

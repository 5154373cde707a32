"""How long a full memory takes off a virtual meter: by the hub in the guest, and by a bumble central on the same kind of
link.

Both ask for everything in one report, over the same air at the same pace (`air.INTERVAL_S`), from the same meter. The
peer runs on the host, without emulation: where the air sets the pace, that is no advantage; without a pace it is, and
then there is no goal. Times are the meter's own: from the request for the report to the confirmation of its end.
"""

import asyncio
import time
from importlib.metadata import version

from .air import INTERVAL_S, Air
from .central import Central, code
from .door import Door
from .home import Home
from .keeper import ALL, COUNT, REPORT, SUCCESS
from .meter import Meter

TO_TAKE = 1800
GOAL = 0.9


async def transfer(home: Home, door: Door, count: int) -> list[dict]:
    meter = await home.paired(Meter)
    lines = []
    for pace, goal in ((INTERVAL_S, GOAL), (0.0, None)):
        how = f"at {1 / pace:.0f} packets a second" if pace else "as fast as it goes"
        home.air.interval_s = pace
        theirs = await by_peer(count, pace)
        ours = await by_hub(home, meter, door, count)
        peer = f"bumble {version('bumble')}, python3 -m virtual_home's central.py: pair, subscribe, count, report all (host, not emulated)"
        lines.append({
            "measure": f"{count} records off a virtual meter {how}, hub in the guest",
            "value": round(count / ours["transfer"], 1), "unit": "records/s", "better": "higher",
            "peer": peer, "peer_value": round(count / theirs, 1), "goal": goal,
        })  # fmt: skip
        lines += [
            {"measure": f"the same, {what}", "value": round(ours[part], 2), "unit": unit, "better": "lower"}
            for part, what, unit in [
                ("sealed", "from the end of the transfer to the last sealed upload at the relay's door (guest)", "s"),
                ("host", "from there until the station holds all (host)", "s"),
                ("peak", "peak memory of the hub while doing it (guest)", "MiB"),
                ("grown", "of that, beyond what it had before (guest)", "MiB"),
            ]
        ]
    return lines


async def by_hub(home: Home, meter: Meter, door: Door, count: int) -> dict[str, float]:
    for value in meter.fill(count):
        home.expect("glucose", glucose=value)
    before = await memory_mib(home, "VmRSS")
    # The peak counts from here.
    await home.guest.run("echo 5 > /proc/$(pidof teleward)/clear_refs")
    done = len(meter.transfers)
    since = home.hub.mark()
    await meter.show()
    ending = await home.hub.ending(since, patience=TO_TAKE, device=home.devices[meter])
    if ending != "done":
        raise AssertionError(f"the transfer ended with {ending}")
    await meter.hide()
    await home.clinic.readings_are(home.expected, patience=TO_TAKE)
    held_at = time.monotonic()
    # The whole report is the longest of this session's; what follows asks for the newest one only.
    began, ended = max(meter.transfers[done:], key=lambda one: one[1] - one[0])
    door_at = max(at for at in door.uploads if at > began)
    peak = await memory_mib(home, "VmHWM")
    return {
        "transfer": ended - began,
        "sealed": max(door_at - ended, 0.0),
        "host": held_at - door_at,
        "peak": peak,
        "grown": peak - before,
    }


async def by_peer(count: int, pace: float) -> float:
    air = Air(interval_s=pace)
    meter, central = Meter(air, "C4:C4:C4:18:08:99"), Central(air)
    await meter.switch_on()
    await central.switch_on()
    meter.pairing_mode = True
    meter.fill(count)
    await meter.show()
    async with central.link(meter) as link:
        for uuid in (meter.RECORDS, *meter.MORE):
            await link.subscribe(uuid)
        await link.subscribe_to_answers()
        await link.ask(bytes([COUNT, ALL]))
        async with asyncio.timeout(TO_TAKE):
            answer = code(await link.ask(bytes([REPORT, ALL])))
        if answer != (REPORT, SUCCESS) or len(link.came) != count:
            raise AssertionError(f"the peer has {len(link.came)} of {count} records, and the answer {answer}")
    await meter.hung_up()
    began, ended = meter.transfers[-1]
    return ended - began


async def memory_mib(home: Home, what: str) -> float:
    out = await home.guest.run(f"grep {what} /proc/$(pidof teleward)/status")
    return int(out.split()[1]) / 1024

"""The longer matrix, which the required set leaves out: a full memory, and each fault of a keeper in the guest, too."""

from .home import Home, case, same
from .meter import Meter
from .oximeter import Oximeter

FULL = 1000
# Of a guest in software emulation, beside a dozen compilers.
TO_TAKE = 900


# REQ-RADIO-028
@case("full", "a full memory of 1,000 records, none lost", long=True)
async def full(home: Home) -> None:
    device = await home.paired(Meter)
    for value in device.fill(FULL):
        home.expect("glucose", glucose=value)
    await home.sessions("done", device=device, patience=TO_TAKE)
    await home.arrived(TO_TAKE)


# REQ-RADIO-028
@case("swapped", "the meter lost its memory and counts anew: what it measures then is new", long=True)
async def swapped(home: Home) -> None:
    device = await home.paired(Meter)
    device.memory.clear()
    device.next_number = 0
    for value in device.fill(5, first=200):
        home.expect("glucose", glucose=value)
    await home.sessions("done", device=device)
    await home.arrived()


# REQ-RADIO-028
@case("every_packet", "a link that is lost after each packet of a transfer in turn", long=True)
async def every_packet(home: Home) -> None:
    device = await home.paired(Meter)
    for value in device.fill(12, first=80):
        home.expect("glucose", glucose=value)
    drops = device.asked.drops
    device.faults.drop_after = list(range(1, 12))
    await home.broken_sessions(device, 11)
    same(drops + 11, device.asked.drops, "links that the meter broke")
    await home.arrived()


# REQ-RADIO-028
@case("not_completed", "a report that ends half-way is asked for again", long=True)
async def not_completed(home: Home) -> None:
    device = await home.paired(Meter)
    device.fill(20, first=90)
    for kept in range(20):
        home.expect("glucose", glucose=90 + kept)
    device.faults.not_completed = 1
    await home.sessions("done", device=device)
    await home.arrived()


# REQ-RADIO-028
@case("silent", "a meter that falls silent in a transfer is told to abort it, and asked again", long=True)
async def silent(home: Home) -> None:
    device = await home.paired(Meter)
    for value in device.fill(20, first=120):
        home.expect("glucose", glucose=value)
    device.faults.silent_after = [7]
    aborts = device.asked.aborts
    await home.sessions("done", device=device)
    same(aborts + 1, device.asked.aborts, "aborts")
    await home.arrived()


# REQ-RADIO-028
@case("lost_packets", "packets that never came, some of them twice, and a count that is too high: what is there comes", long=True)
async def lost_packets(home: Home) -> None:
    device = await home.paired(Meter)
    for value in device.fill(20, first=150):
        home.expect("glucose", glucose=value)
    device.faults.lose = {3, 4, 15}
    device.faults.miscount = [2]
    device.faults.twice = True
    await home.sessions("done", device=device)
    device.faults.twice = False
    await home.arrived()


# REQ-RADIO-028
@case("spot_checks", "an oximeter's transfer is lost after each of its records in turn", long=True)
async def spot_checks(home: Home) -> None:
    device = await home.paired(Oximeter)
    for n in range(4):
        device.check(90 + n, 80 + n)
        home.expect("spo2", spo2=90 + n, pulse_rate=80 + n)
    device.faults.drop_after = [1, 2, 3]
    await home.broken_sessions(device, 3)
    await home.arrived()

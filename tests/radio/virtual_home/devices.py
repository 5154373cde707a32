"""The virtual devices themselves: each proved by a central of another hand, its frames read by the product's decoders.

No virtual machine: this takes seconds. A device that is wrong here would make a case in the guest prove nothing.
"""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone

from bumble.att import ATT_Error
from bumble.core import ProtocolError
from bumble.hci import Address

from . import keeper
from .air import Air
from .body_scale import BodyScale
from .central import Central, Link, code, counted
from .cgm import Cgm
from .cuff import Cuff
from .guest import program
from .home import same
from .keeper import ABORT, ALL, COMBINED, COUNT, FIRST, FROM, LAST, NULL, RANGE, REPORT, UP_TO
from .meter import BEFORE_A_MEAL, Meter
from .oximeter import Oximeter
from .peripheral import Peripheral
from .scale import Scale
from .sensor import MDC_PULSE, MDC_SPO2, UNIT_PER_MINUTE, UNIT_PERCENT, Sensor
from .strap import Strap
from .thermometer import Thermometer
from .values import crc

ADDRESS = "C4:C4:C4:C4:C4:01"
Check = Callable[[], Awaitable[None]]
CHECKS: dict[str, tuple[str, Check]] = {}


def check(name: str, words: str) -> Callable[[Check], Check]:
    def keep(function: Check) -> Check:
        CHECKS[name] = (words, function)
        return function

    return keep


async def on(kind: type[Peripheral]) -> tuple[Peripheral, Central]:
    """A device in pairing mode that shows itself, and a central."""
    # Without a radio's pace: nothing here is about time.
    air = Air(interval_s=0)
    device, central = kind(air, ADDRESS), Central(air)
    await device.switch_on()
    await central.switch_on()
    device.pairing_mode = True
    await device.show()
    return device, central


@asynccontextmanager
async def records(device, central: Central, *more: int) -> AsyncIterator[Link]:
    """A link on which the records and the answers about them are subscribed to."""
    async with central.link(device) as link:
        for uuid in (device.RECORDS, *more):
            await link.subscribe(uuid)
        await link.subscribe_to_answers()
        yield link


def decoded(uuid: int, *frames: bytes) -> list[dict]:
    """What the product makes of frames."""
    words = [str(program()), "decode", "--characteristic", f"{uuid:04x}", *(frame.hex() for frame in frames)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def holds(found: dict, **wanted: object) -> None:
    shown = {name: found.get(name) for name in wanted}
    same(wanted, shown, f"what is in {found}")


# REQ-RADIO-020
@check("encrypted", "nothing is read or subscribed to before a pairing, and outside pairing mode there is none")
async def encrypted() -> None:
    device, central = await on(Cuff)
    device.pairing_mode = False
    link = Link(await central.device.connect(Address(device.address)))
    await link.discover()
    for doing in (link.read(0x2A25), link.read(0x2A2B), link.subscribe(0x2A35), link.write(0x2A2B, bytes(10))):
        same(True, await fails(doing), "refused without encryption")
    same(True, await fails(link.connection.pair()), "the pairing is refused")
    same((0, []), (device.told.encrypted, device.told.clock_set), "encrypted links, and times the clock was set")
    await link.end()


# REQ-RADIO-021
@check("passkey", "a device with a passkey pairs with whoever types it, and with nobody else")
async def passkey() -> None:
    device, central = await on(Meter)
    device.passkey = 482_913
    same(True, await fails(visit(central, device, 482_914)), "the wrong digits are refused")
    same(0, device.told.encrypted, "encrypted links")
    await device.show()
    await visit(central, device, 482_913)
    same(1, device.told.encrypted, "encrypted links")


async def visit(central: Central, device: Peripheral, digits: int) -> None:
    async with central.link(device, digits) as link:
        await link.read(0x2A25)


# REQ-RADIO-020
@check("senders", "cuff, scale, thermometer, strap and body scale: what they measure is what the product decodes")
async def senders() -> None:
    table = [
        (Cuff, lambda cuff: [cuff.measure(124, 86, 97, 51)], {"systolic": "124", "diastolic": "86", "pulse_rate": "51"}),
        (Scale, lambda scale: [scale.weigh(71_345)], {"weight": "71.345", "unit": "kg"}),
        (Thermometer, lambda thermometer: [thermometer.take("37.40")], {"temperature": "37.40"}),
        (Strap, lambda strap: [strap.beat(61, (980, 1010))], {"heart_rate": "61"}),
        (BodyScale, lambda scale: scale.weigh(231, 402, 38_000, 71_345), {"fat_percent": "23.1", "weight": "71.345"}),
    ]
    for kind, measure, wanted in table:
        device, central = await on(kind)
        frames = measure(device)
        async with central.link(device) as link:
            await link.subscribe(kind.MEASUREMENT)
            await link.has(len(frames))
            same([(kind.MEASUREMENT, frame) for frame in frames], link.came, f"what the {kind.NAME} sent")
            same(b"Teleward Test", await link.read(0x2A29), "its maker")
            same(b"\x57", await link.read(0x2A19), "its battery")
        holds(decoded(kind.MEASUREMENT, *frames)[0], **wanted)
        same([], device.memory, "what it still holds")


# REQ-RADIO-020
@check("clock", "a device's clock is as wrong as the test wants, and right once it was set")
async def clock() -> None:
    device, central = await on(Scale)
    device.clock_error = timedelta(hours=-2)
    async with central.link(device) as link:
        (shown,) = decoded(0x2A2B, await link.read(0x2A2B))
        behind = datetime.now(timezone.utc).replace(tzinfo=None) - datetime.fromisoformat(shown["time"])
        same(True, timedelta(minutes=119) < behind < timedelta(minutes=121), f"two hours behind, and not {behind}")
        await link.write(0x2A2B, bytes.fromhex("ea070b1c0c00000600") + b"\x01")
    away = abs(device.now() - datetime(2026, 11, 28, 12, tzinfo=timezone.utc))
    same(True, away < timedelta(minutes=1), f"set, and {away} away")


# REQ-RADIO-022
@check("requests", "a meter answers every request and operator of the control point, and refuses what there is not")
async def requests() -> None:
    device, central = await on(Meter)
    device.fill(10)
    device.measure(99, meal=BEFORE_A_MEAL)
    low, high = (3).to_bytes(2, "little"), (5).to_bytes(2, "little")
    table = [
        ([ALL], list(range(11))),
        ([FIRST], [0]),
        ([LAST], [10]),
        ([UP_TO, 1, *low], [0, 1, 2, 3]),
        ([FROM, 1, *low], [3, 4, 5, 6, 7, 8, 9, 10]),
        ([RANGE, 1, *low, *high], [3, 4, 5]),
    ]
    async with records(device, central, 0x2A34) as link:
        for which, numbers in table:
            link.came.clear()
            same(len(numbers), counted(await link.ask(bytes([COUNT, *which]))), f"the count of {which}")
            same((REPORT, keeper.SUCCESS), code(await link.ask(bytes([REPORT, *which]))), f"the report of {which}")
            same(10 in numbers, any(uuid == 0x2A34 for uuid, _ in link.came), f"a context among the records of {which}")
            came = [int.from_bytes(value[1:3], "little") for uuid, value in link.came if uuid == 0x2A18]
            same(numbers, came, f"the records of {which}")
        refused = [
            ([REPORT, NULL], keeper.BAD_OPERATOR),
            ([REPORT, 9], keeper.BAD_OPERATOR),
            ([REPORT, RANGE, 1, *high, *low], keeper.BAD_OPERAND),
            ([REPORT, FROM, 2, *low], keeper.OPERAND_NOT_SUPPORTED),
            ([REPORT, FROM, 1, 0], keeper.BAD_OPERAND),
            ([REPORT, FROM, 1, 0xFF, 0xFF], keeper.NO_RECORDS),
            ([COMBINED, ALL], keeper.OP_NOT_SUPPORTED),
        ]
        for request, why in refused:
            same((request[0], why), code(await link.ask(bytes(request))), f"the answer to {request}")
    (measured,) = decoded(0x2A18, device.memory[-1].packets[0][1])
    holds(measured, sequence="10", context_follows=True)
    (context,) = decoded(0x2A34, device.memory[-1].packets[1][1])
    holds(context, sequence="10")


# REQ-RADIO-022
@check("faults", "a keeper is busy, miscounts, stops, falls silent until aborted, loses packets and links as told")
async def faults() -> None:
    device, central = await on(Meter)
    device.fill(20)
    everything = bytes([REPORT, ALL])
    async with records(device, central) as link:
        device.faults.busy = 2
        answers = [code(await link.ask(everything))[1] for _ in range(3)]
        same([keeper.BUSY, keeper.BUSY, keeper.SUCCESS], answers, "the answers of a busy meter")
        device.faults.miscount = [3]
        counts = [counted(await link.ask(bytes([COUNT, ALL]))) for _ in range(2)]
        same([23, 20], counts, "the counts")
        link.came.clear()
        device.faults.lose = {0, 7}
        await link.ask(everything)
        same(18, len(link.came), "records of which two were lost")
        device.faults.not_completed = 1
        same(keeper.NOT_COMPLETED, code(await link.ask(everything))[1], "the end of half a report")
        link.came.clear()
        device.faults.silent_after = [5]
        await link.write(0x2A52, everything)
        await link.has(5)
        same(True, await fails(link.write(0x2A52, everything)), "a second request meanwhile is refused")
        same((ABORT, keeper.SUCCESS), code(await link.ask(bytes([ABORT, NULL]))), "the answer to an abort")
        same(5, len(link.came), "records before the abort")
        link.came.clear()
        device.faults.twice = True
        await link.ask(everything)
        same(40, len(link.came), "records that came twice each")
        device.faults.twice = False
        link.came.clear()
        device.faults.drop_after = [11]
        same(None, await link.ask(everything), "the answer on a link that broke")
        same((11, 1), (len(link.came), device.asked.drops), "records before the link broke")
    async with records(device, central) as link:
        same((REPORT, keeper.SUCCESS), code(await link.ask(everything)), "the report on the next link")
    await device.hung_up()
    same((20, False), (len(link.came), device.has_more()), "records, and whether more is to be taken")


# REQ-RADIO-022
@check("memory", "an oximeter's and a CGM's records, and a thousand of a meter, none lost")
async def memory() -> None:
    oximeter, central = await on(Oximeter)
    spots = [oximeter.check(97 - n, 60 + n) for n in range(3)]
    async with records(oximeter, central) as link:
        same(3, counted(await link.ask(bytes([COUNT, ALL]))), "the count")
        await link.ask(bytes([REPORT, ALL]))
        same([spot.packets[0] for spot in spots], link.came, "the records")
        unknown = code(await link.ask(bytes([COUNT, FROM, 1, 0, 0])))
        same((COUNT, keeper.OPERATOR_NOT_SUPPORTED), unknown, "a range of records without numbers")
    holds(decoded(0x2A5E, link.came[0][1])[0], spo2="97", pulse_rate="60")
    same(len(spots), len(oximeter.told.confirmed), "confirmed indications")

    cgm, central = await on(Cgm)
    for minute in range(0, 50, 5):
        cgm.measure(100 + minute, minute)
    async with records(cgm, central) as link:
        await link.subscribe_to_answers(0x2AAC)
        start = bytes([0x1A])
        same(bytes([0x1C, 0x1A, 1]), (await link.ask(start + crc(start), 0x2AAC))[:3], "the answer to a start")
        same(bytes([0x1C, 0x1A, 3]), (await link.ask(start + bytes(2), 0x2AAC))[:3], "the answer to a wrong checksum")
        await link.ask(bytes([REPORT, FROM, 1, 20, 0]))
        for uuid in (0x2AA8, 0x2AA9, 0x2AAA, 0x2AAB):
            same(True, "error" not in decoded(uuid, await link.read(uuid))[0], f"{uuid:04x} can be decoded")
    same(6, len(link.came), "records from minute 20 on")
    first = decoded(0x2AA7, link.came[0][1])[0]
    same(True, "error" not in first and "120" in json.dumps(first), f"120 mg/dL in {first}")

    meter, central = await on(Meter)
    meter.fill(1000)
    async with records(meter, central) as link:
        await link.ask(bytes([REPORT, ALL]))
        same([kept.packets[0] for kept in meter.memory], link.came, "the records")


# REQ-RADIO-022
@check("sensor", "a Generic Health Sensor sends its stored observations in segments, and counts them in one request")
async def sensor() -> None:
    device, central = await on(Sensor)
    device.observe(MDC_SPO2, "98", UNIT_PERCENT)
    device.observe(MDC_PULSE, "61", UNIT_PER_MINUTE)
    async with records(device, central) as link:
        same(2, counted(await link.ask(bytes([COMBINED, ALL]))), "what the combined report announces")
        same([packet for kept in device.memory for packet in kept.packets], link.came, "the segments")
        same((REPORT, keeper.OP_NOT_SUPPORTED), code(await link.ask(bytes([REPORT, ALL]))), "a plain report")
        await link.subscribe_to_answers(0x2BF4)
        same(bytes([0x80]), await link.ask(bytes([0x01]), 0x2BF4), "the answer to a start of live observations")
        for uuid in (0x2BF2, 0x2BF3):
            same(True, "error" not in decoded(uuid, await link.read(uuid))[0], f"{uuid:04x} can be decoded")
    joined = b"".join(value[1:] for _, value in device.memory[0].packets)
    # Header of one segment that is first and last, and no record number: what a live observation is.
    told = decoded(0x2B8B, bytes([3]) + joined[4:])[0]
    same(True, "error" not in told and "150456" in json.dumps(told), f"oxygen saturation in {told}")


async def fails(doing: Awaitable) -> bool:
    try:
        async with asyncio.timeout(60):
            await doing
    except (ATT_Error, ProtocolError):
        return True
    return False

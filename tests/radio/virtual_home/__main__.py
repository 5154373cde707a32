"""Runs the cases in one boot: one line a case, then a count. Exit code 0: all passed; 1: not all; 2: something is missing."""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable
from pathlib import Path

from . import image
# Their cases come into the table, in this order.
from . import cases, early, families, collected, matrix, daily, restart, bench, closing  # noqa: F401, I001
from .air import Air, plug
from .clinic import Clinic, ClinicError
from .cuff import Cuff
from .devices import CHECKS
from .door import Door
from .guest import Guest, GuestError, program
from .home import CASES, Home
from .hub import Hub
from .measure import measure
from .transfer import transfer

# A later case stands on what the first made; the last two look at what the others left.
FOUNDATION = {"pairing", "air", "once"}
# On a quiet machine a case takes 5 to 20 s; with a dozen compilers beside it, ten times that.
TO_PASS = 1200
CUFF = "C4:C4:C4:C4:C4:C4"


async def home(work: Path, door: Door | None = None) -> Home:
    """Everything up and joined: the guest with its hub in service, relay, station, and a confirmed link. With a door, the
    guest's way to the relay leads through it."""
    product = program()
    air = Air()
    adapter = await plug(air, f"unix-server:{work}/hci")
    cuff = Cuff(air, CUFF)
    await cuff.switch_on()
    guest = Guest(work, work / "hci")
    clinic = Clinic(product, work)
    parts = Home(guest, Hub(guest), air, adapter, cuff, clinic)
    try:
        _, invite = await asyncio.gather(guest.boot(product), clinic.open())
        await guest.powered()
        port = int(clinic.relay.rsplit(":", 1)[1].rstrip("/"))
        await guest.forward(port, await door.open(port) if door else port)
        await parts.hub.serve()
        await asyncio.gather(parts.hub.ask("join", invite), clinic.confirm())
    except BaseException:
        await end(parts)
        raise
    return parts


async def end(parts: Home) -> None:
    await parts.hub.leave()
    await parts.guest.end()
    await parts.clinic.end()


async def passes(name: str, words: str, doing: Awaitable[None]) -> bool:
    """Runs one case or check, and says how it went."""
    start = time.monotonic()

    def say(how: str, why: str = "") -> None:
        print(f"{how} {time.monotonic() - start:5.1f} s  {name}: {words}{why}", flush=True)

    try:
        async with asyncio.timeout(TO_PASS):
            await doing
    except (AssertionError, GuestError, ClinicError, TimeoutError) as error:
        say("FAILED", f"\n  {str(error) or 'it took too long'}")
        return False
    except Exception:  # a fault of the harness must not hide the other cases
        say("FAILED")
        traceback.print_exc()
        return False
    say("passed")
    return True


def count(outcomes: list[bool]) -> int:
    print(f"{sum(outcomes)} passed, {outcomes.count(False)} failed")
    return 0 if all(outcomes) else 1


async def check_devices() -> list[bool]:
    return [await passes(name, words, function()) for name, (words, function) in CHECKS.items()]


async def run(names: list[str], work: Path, keep: bool) -> int:
    """The devices themselves, and then the cases: with a device that is wrong they would prove nothing."""
    checked = await check_devices()
    start = time.monotonic()
    parts = await home(work)
    print(f"ready  {time.monotonic() - start:5.1f} s  the guest is up, the hub has joined", flush=True)
    try:
        outcomes = []
        for name in names:
            outcomes.append(await passes(name, CASES[name].words, CASES[name].function(parts)))
            await parts.settle()
    finally:
        if keep:
            await parts.guest.keep_logs()
        await end(parts)
    return count(checked + outcomes)


async def measured(count: int, records: int, work: Path, keep: bool) -> list[dict]:
    door = Door()
    parts = await home(work, door)
    try:
        lines = await measure(parts, door, count)
        return lines + (await transfer(parts, door, records) if records else [])
    finally:
        if keep:
            await parts.guest.keep_logs()
        await end(parts)
        await door.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/radio/run", description="The journey Radio.")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this case, and what it stands on")
    parser.add_argument("--devices", action="store_true", help="only check the virtual devices themselves, without a guest")
    parser.add_argument("--extra", action="store_true", help="the longer matrix in place of the required cases")
    parser.add_argument("--list", action="store_true", help="say which cases there are")
    parser.add_argument("--keep", action="store_true", help="keep logs and data, and say where")
    parser.add_argument("--measure", type=int, metavar="N", help="no cases: take N readings, and how long each took")
    parser.add_argument("--transfer", type=int, default=0, metavar="M", help="then M records off a meter, beside a peer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the measures go")
    options = parser.parse_args()
    if (options.measure is None) != (options.json is None) or (options.measure is not None and options.measure < 1):
        parser.error("--measure N, at least 1, goes with --json FILE")
    if options.list:
        for name, entry in CASES.items():
            print(f"{name:<13} {entry.words}{' (--extra)' if entry.long else ''}")
        return 0
    if options.devices:
        return count(asyncio.run(check_devices()))
    wanted = set(options.case or [name for name in CASES if CASES[name].long == options.extra]) | FOUNDATION
    names = [name for name in CASES if name in wanted]
    work = Path(tempfile.mkdtemp(prefix="teleward-radio-"))
    os.chmod(work, 0o700)
    try:
        if options.measure:
            measures = asyncio.run(measured(options.measure, options.transfer, work, options.keep))
            options.json.write_text(json.dumps(measures, indent=2, ensure_ascii=False) + "\n")
            return 0
        return asyncio.run(run(names, work, options.keep))
    except image.Missing as error:
        print(f"missing: {error}", file=sys.stderr)
        return 2
    except (AssertionError, GuestError, ClinicError, TimeoutError) as error:
        print(f"FAILED outside a case: {str(error) or 'it took too long'}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"kept in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)


sys.exit(main())

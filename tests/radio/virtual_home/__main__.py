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
from pathlib import Path

from . import image
from . import cases  # noqa: F401  its cases come into the table
from .air import Air, plug
from .clinic import Clinic, ClinicError
from .cuff import Cuff
from .door import Door
from .guest import Guest, GuestError, program
from .home import CASES, Home
from .hub import Hub
from .measure import measure

# A later case stands on what these made.
FOUNDATION = ["pairing"]
# On a quiet machine a case takes 5 to 20 s; with a dozen compilers beside it, ten times that.
TO_PASS = 600
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


async def run(names: list[str], work: Path, keep: bool) -> int:
    start = time.monotonic()
    parts = await home(work)
    print(f"ready  {time.monotonic() - start:5.1f} s  the guest is up, the hub has joined", flush=True)
    passed, failed = 0, 0
    try:
        for name in names:
            words, function = CASES[name]
            start = time.monotonic()
            try:
                async with asyncio.timeout(TO_PASS):
                    await function(parts)
            except (AssertionError, GuestError, ClinicError, TimeoutError) as error:
                failed += 1
                print(f"FAILED {time.monotonic() - start:5.1f} s  {name}: {words}\n  {error or 'it took too long'}", flush=True)
            except Exception:  # a fault of the harness must not hide the other cases
                failed += 1
                print(f"FAILED {time.monotonic() - start:5.1f} s  {name}: {words}", flush=True)
                traceback.print_exc()
            else:
                passed += 1
                print(f"passed {time.monotonic() - start:5.1f} s  {name}: {words}", flush=True)
    finally:
        if keep:
            await parts.guest.keep_logs()
        await end(parts)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


async def measured(count: int, work: Path, keep: bool) -> list[dict]:
    door = Door()
    parts = await home(work, door)
    try:
        return await measure(parts, door, count)
    finally:
        if keep:
            await parts.guest.keep_logs()
        await end(parts)
        await door.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/radio/run", description="The journey Radio.")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this case, and what it stands on")
    parser.add_argument("--list", action="store_true", help="say which cases there are")
    parser.add_argument("--keep", action="store_true", help="keep logs and data, and say where")
    parser.add_argument("--measure", type=int, metavar="N", help="no cases: take N readings, and how long each took")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the measures go")
    options = parser.parse_args()
    if (options.measure is None) != (options.json is None) or (options.measure is not None and options.measure < 1):
        parser.error("--measure N, at least 1, goes with --json FILE")
    if options.list:
        for name, (words, _) in CASES.items():
            print(f"{name:<13} {words}")
        return 0
    wanted = set(options.case or CASES) | set(FOUNDATION)
    names = [name for name in CASES if name in wanted]
    work = Path(tempfile.mkdtemp(prefix="teleward-radio-"))
    os.chmod(work, 0o700)
    try:
        if options.measure:
            measures = asyncio.run(measured(options.measure, work, options.keep))
            options.json.write_text(json.dumps(measures, indent=2, ensure_ascii=False) + "\n")
            return 0
        return asyncio.run(run(names, work, options.keep))
    except image.Missing as error:
        print(f"missing: {error}", file=sys.stderr)
        return 2
    except (AssertionError, GuestError, ClinicError, TimeoutError) as error:
        print(f"FAILED outside a case: {error or 'it took too long'}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"kept in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)


sys.exit(main())

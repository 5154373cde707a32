"""What the cases stand on: who is near the patient, the home with its shell and its clinic, and the list of cases."""

import asyncio
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

from virtual_home.clinic import Clinic

from .shell import Shell

RECORDS = 200
NEAR = 4
# The link to the meter breaks so long after it is up, twice: the whole transfer takes a second and more.
CUTS_MS = [700, 500]
# Whose readings the shared cuff has in memory: one user's, another's, and one of which it does not know whose it is.
NOBODY = 0xFF
USERS = [1, 2, NOBODY]
# The code of the other person on the cuff that keeps its users apart.
OTHERS_CODE = 1111


def radio() -> dict:
    """What is near the patient: a cuff with one reading in memory, 128/82, mean 97, pulse 66 (0x2A35,
    flags 0x14: pulse and status), a glucose meter with 200, a cuff that two people share, and one that gives its readings to
    users with a code only."""
    records = [{"number": n, "packets": [["2a18", glucose(n)]]} for n in range(RECORDS)]
    return {
        "devices": [
            {
                "device": "cuff-1",
                "name": "Virtual Cuff",
                "address": "c4c4c4c4c4c4",
                "values": about("VC-1", "0123456789"),
                "needs_pairing": True,
                "frames": [{"after_ms": 50, "bytes": "1480005200610042000000"}],
            },
            {
                "device": "meter-1",
                "name": "Virtual Meter",
                "services": ["1808"],
                "measurements": [],
                "values": about("VM-1", "meter-1"),
                "stored": {"service": "1808", "records": records},
                "faults": [{"drop_after_ms": ms} for ms in CUTS_MS],
            },
            {
                "device": "shared-1",
                "name": "Shared Cuff",
                "values": about("SC-1", "shared-1"),
                "frames": [{"after_ms": 20, "bytes": of_user(user, minute)} for minute, user in enumerate(USERS)],
            },
            {
                "device": "kept-1",
                "name": "Kept Cuff",
                "values": about("KC-1", "kept-1"),
                "users": {"codes": {"1": OTHERS_CODE}, "room": 2, "closed": True},
                # it names no user: the session says whose it is
                "frames": [{"after_ms": 20, "bytes": dated(30)}],
            },
        ]
    }


def about(model: str, serial: str) -> dict:
    return {"180a/2a29": b"Teleward Test".hex(), "180a/2a24": model.encode().hex(), "180a/2a25": serial.encode().hex()}


def glucose(n: int) -> str:
    """Record n (0x2A18, flags 0x02: kg/L with type and location): an hour later each, from 70 mg/dL on by halves."""
    day, hour = divmod(n, 24)
    time = struct.pack("<HBBBBB", 2026, 11, 1 + day, hour, 0, 0)
    return (struct.pack("<BH", 0x02, n) + time + struct.pack("<H", 0xA000 | (700 + 5 * n)) + b"\x11").hex()


def dated(minute: int) -> str:
    """A frame with a device time, 2026-11-22 08:MM:00: 123/78, mean 93 (flags 0x02)."""
    return "02" + "7b00" + "4e00" + "5d00" + "ea070b1608" + f"{minute:02x}" + "00"


def of_user(user: int, minute: int) -> str:
    """A frame of one of the shared cuff's users (flags 0x1E: time, pulse, user, status): 128/82, mean 97, pulse 66, at
    2026-11-28 10:MM:00."""
    return "1e800052006100" + "ea070b1c0a" + f"{minute:02x}" + "00" + "4200" + f"{user:02x}" + "0000"


@dataclass
class Home:
    shell: Shell
    clinic: Clinic
    invite: str
    ids: dict[str, str] = field(default_factory=dict)

    async def stage(self, name: str, stage: str) -> dict:
        """Waits until a reading is that far; gives it."""

        def found(history: dict) -> dict | None:
            return next(
                (one for one in history["readings"] if one["id"] == self.ids[name] and one["stage"] == stage), None
            )

        return found(await self.shell.until(["history"], found, f"the reading {name} is {stage}"))

    async def link(self) -> dict | None:
        return (await self.shell.ask("view", "STATUS"))["status"]["link"]


CASES = {}


def case(words: str):
    def keep(function):
        CASES[function.__name__] = (words, function)
        return function

    return keep


def same(wanted: object, found: object, what: str) -> None:
    if wanted != found:
        raise AssertionError(f"{what}: wanted {wanted!r}, found {found!r}")


async def pair(home: Home, name: str) -> str:
    """Looks around, chooses the device of this name among those near, pairs with it; gives its id."""
    look = await home.shell.ask("look", "20000")
    near = await home.shell.until(["view", "FOUND"], lambda view: len(view["found"]) == NEAR, "all devices are near")
    found = next(one for one in near["found"] if one["name"] == name)
    same(True, len(found["how_to_pair"]) > 0, f"what to do to pair {name}")
    outcome = await home.shell.request(await home.shell.ask("pair_with", found["id"]))
    same("DONE", outcome["kind"], f"the pairing's outcome {outcome}")
    same("DONE", (await home.shell.request(look))["kind"], "the look's outcome")
    return outcome["result"]


def script(folder: Path) -> Path:
    path = folder / "radio.json"
    path.write_text(json.dumps(radio()))
    return path

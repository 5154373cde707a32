"""The journey: one patient's way with an app, in order; the same for each language.

Each case is one function of the shell, the clinic and what earlier cases left behind.
"""

import asyncio
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

from virtual_home.clinic import Clinic

from .shell import Shell

RECORDS = 200
# The link to the meter breaks so long after it is up, twice: the whole transfer takes a second and more.
CUTS_MS = [700, 500]


def radio(number: int) -> dict:
    """What is near the patient with this number: a cuff with one reading in memory, 128/82, mean 97, pulse 66 (0x2A35,
    flags 0x14: pulse and status), and a glucose meter with 200."""
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
                # each patient's own: one record under two patients is a finding at the clinic
                "values": about("VM-1", f"meter-{number}"),
                "stored": {"service": "1808", "records": records},
                "faults": [{"drop_after_ms": ms} for ms in CUTS_MS],
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


@dataclass
class Home:
    shell: Shell
    clinic: Clinic
    invite: str
    number: int
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


@case("wrong input is refused with what to do, and disturbs nothing")
async def wrong_input(home: Home) -> None:
    refused = await home.shell.refusal("join", "https://nowhere.example/i#nonsense", "Phone")
    same("CorrectInput", refused.kind, "the kind of error")
    refused = await home.shell.refusal("type", "00" * 16, "many", "80", "60")
    same("CorrectInput", refused.kind, "the kind of error")
    same({"readings": []}, {"readings": (await home.shell.ask("history"))["readings"]}, "the journal")


@case("joins with an invite; both sides show the same check words; a person confirms")
async def joins(home: Home) -> None:
    sheet = await home.shell.ask("sheet")
    same(24, len(sheet["words"].split()), "words of the recovery key")
    outcome = await home.shell.request(await home.shell.ask("join", home.invite, "Test phone"))
    same("DONE", outcome["kind"], f"the join's outcome {outcome}")
    here = (await home.link())["check_words"]
    there = await home.clinic.pending()
    same(there["words"], here["words"], "the check words")
    same(there["digits"], here["digits"], "the check digits")
    await home.clinic.confirm()
    view = await home.shell.until(
        ["view", "STATUS"], lambda view: view["status"]["link"]["state"] == "CONFIRMED", "the link is confirmed"
    )
    same("Test clinic", view["status"]["link"]["clinic"], "the clinic's name")
    same(True, view["status"]["link"]["has_recovery"], "a recovery key among the recipients")
    refused = await home.shell.refusal("join", home.invite, "Test phone")
    same("NotPossible", refused.kind, "the kind of error of a second join")


async def pair(home: Home, name: str) -> str:
    """Looks around, chooses the device of this name among those near, pairs with it; gives its id."""
    look = await home.shell.ask("look", "20000")
    near = await home.shell.until(["view", "FOUND"], lambda view: len(view["found"]) == 2, "two devices are near")
    found = next(one for one in near["found"] if one["name"] == name)
    same(True, len(found["how_to_pair"]) > 0, f"what to do to pair {name}")
    outcome = await home.shell.request(await home.shell.ask("pair_with", found["id"]))
    same("DONE", outcome["kind"], f"the pairing's outcome {outcome}")
    same("DONE", (await home.shell.request(look))["kind"], "the look's outcome")
    return outcome["result"]


@case("looks around, chooses the scripted cuff and pairs; its reading is stored at the clinic")
async def measures(home: Home) -> None:
    home.ids["device"] = await pair(home, "Virtual Cuff")
    history = await home.shell.until(["history"], lambda history: history["readings"], "a reading in the journal")
    same(1, len(history["readings"]), "readings")
    reading = history["readings"][0]
    home.ids["measured"] = reading["id"]
    values = {value["name"]: value["value"] for value in reading["values"]}
    same({"systolic": "128", "diastolic": "82", "mean_arterial": "97", "pulse_rate": "66"}, values, "the values")
    await home.stage("measured", "AT_THE_CLINIC")
    there = await home.clinic.readings()
    same([home.ids["measured"]], [reading["id"] for reading in there], "the clinic's readings")


@case("a clinician looks at it, and the phone says so")
async def seen(home: Home) -> None:
    await home.clinic.look([home.ids["measured"]])
    reading = await home.stage("measured", "LOOKED_AT")
    same(True, reading["seen_at"] is not None, "a time of looking")


@case("without a relay a typed reading waits; with it, it is stored")
async def offline(home: Home) -> None:
    await home.clinic.relay_away()
    await home.shell.ask("network", "GONE")
    home.ids["typed"] = await home.shell.ask("type", "11" * 16, "131", "84", "70")
    again = await home.shell.ask("type", "11" * 16, "131", "84", "70")
    same(home.ids["typed"], again, "the same draft twice is one reading")
    await home.stage("typed", "WAITING")
    report = await home.shell.ask("drain", "1500")
    same((0, 1), (report["handed_over"], report["still_waiting"]), "what a bounded run came to")
    same(1, (await home.shell.ask("view", "QUEUE"))["queue"]["waiting"], "readings that wait")
    await home.clinic.relay_back()
    await home.shell.ask("network", "AVAILABLE")
    await home.stage("typed", "AT_THE_CLINIC")


@case("two consumers are told of each change; a wait that is given up loses nothing")
async def consumers(home: Home) -> None:
    await home.shell.ask("cancel")
    home.ids["second"] = await home.shell.ask("type", "22" * 16, "125", "81", "64")
    await home.stage("second", "AT_THE_CLINIC")
    view = {number: lines[-1]["revision"] for number, lines in home.shell.consumers.items()}
    async with asyncio.timeout(20), home.shell.news:
        await home.shell.news.wait_for(
            lambda: home.shell.consumers[1][-1]["revision"] == home.shell.consumers[2][-1]["revision"]
        )
    for number, lines in home.shell.consumers.items():
        revisions = [line["revision"] for line in lines]
        same(sorted(set(revisions)), revisions, f"consumer {number}'s revisions only grow, first {view}")
        topics = {topic for line in lines for topic in line["topics"]}
        same({"STATUS", "DEVICES", "QUEUE", "REQUESTS", "FOUND"}, topics, f"topics told to consumer {number}")


@case("killed and opened again, it knows what it knew and goes on")
async def killed(home: Home) -> None:
    before = (await home.shell.ask("history"))["readings"]
    home.ids["third"] = await home.shell.ask("type", "33" * 16, "119", "77", "61")
    await home.shell.kill()
    await home.shell.start()
    after = {reading["id"] for reading in (await home.shell.ask("history"))["readings"]}
    same({reading["id"] for reading in before} | {home.ids["third"]}, after, "the journal")
    same("CONFIRMED", (await home.link())["state"], "the link")
    await home.stage("third", "AT_THE_CLINIC")


@case("pairs a glucose meter whose link breaks twice in the transfer; its 200 records come, each once")
async def meter(home: Home) -> None:
    device = await pair(home, "Virtual Meter")
    history = await home.shell.until(
        ["history", "glucose"], lambda history: len(history["readings"]) >= RECORDS, f"{RECORDS} records are here"
    )
    values = [value["value"] for reading in history["readings"] for value in reading["values"]]
    wanted = [f"{70 + n / 2:g}" for n in range(RECORDS)]
    same(sorted(wanted, key=float), sorted((f"{float(value):g}" for value in values), key=float), "the values")

    def ended(answer: dict) -> bool:
        return any(trace["device"] == device and trace["reason"] == "done" for trace in answer["traces"])

    traces = (await home.shell.until(["traces"], ended, "a session that took all"))["traces"]
    cut = [trace["reason"] for trace in traces if trace["device"] == device and trace["reason"] != "nothing_new"]
    same(len(CUTS_MS), sum(reason in ("closed_early", "link_lost") for reason in cut), f"links that broke, of {cut}")
    home.ids |= {f"record {n}": reading["id"] for n, reading in enumerate(history["readings"])}
    async with asyncio.timeout(60):
        while len(await home.clinic.readings()) < RECORDS:
            await asyncio.sleep(0.2)


@case("paused, every call says what to do; resumed, it goes on")
async def paused(home: Home) -> None:
    await home.shell.ask("pause")
    same("ReopenFirst", (await home.shell.refusal("view", "STATUS")).kind, "the kind of error")
    await home.shell.ask("resume")
    same("CONFIRMED", (await home.link())["state"], "the link")


@case("a frame from the shell's own radio is a reading; the same record twice is one")
async def submitted(home: Home) -> None:
    # Each patient's own minute: one measurement under two patients is a finding at the clinic.
    frame = dated(home.number)
    first = await home.shell.ask("frame", home.ids["device"], "2a35", frame)
    again = await home.shell.ask("frame", home.ids["device"], "2a35", frame)
    same((True, False), (first["is_new"], again["is_new"]), "new, then known")
    same(first["reading"], again["reading"], "the id")
    home.ids["submitted"] = first["reading"]
    await home.stage("submitted", "AT_THE_CLINIC")
    same("CorrectInput", (await home.shell.refusal("frame", home.ids["device"], "2a35", "12")).kind, "a short frame")


@case("a key store that breaks is an error in words, without its text, and no crash")
async def broken_keys(home: Home) -> None:
    await home.shell.ask("pause")
    await home.shell.ask("vault", "broken")
    try:
        await home.shell.ask("resume")
        await home.shell.ask("history")
    except Exception as error:  # noqa: BLE001 - whatever is said must not hold the shell's text
        same(False, "secret" in str(error), f"the shell's own text in: {error}")
    await home.shell.ask("vault", "well")
    await home.shell.ask("resume")
    await home.shell.ask("history")


# REQ-BINDINGS-040
@case("a second app with a radio of its own pairs a cuff and takes readings through it; what it does wrong disturbs nothing")
async def own_radio(home: Home) -> None:
    refused = await home.shell.refusal("radio_answer", "7")
    same("NotPossible", refused.kind, "the kind of error without a radio of the shell's own")
    shell = await home.shell.beside("own")
    try:
        same("CorrectInput", (await shell.refusal("radio_value", "18 10")).kind, "a value of no characteristic")
        await shell.ask("measure", dated(30))
        look = await shell.ask("look", "20000")
        near = await shell.until(["view", "FOUND"], lambda view: view["found"], "the cuff is near")
        outcome = await shell.request(await shell.ask("pair_with", near["found"][0]["id"]))
        same("DONE", outcome["kind"], f"the pairing's outcome {outcome}")
        same("DONE", (await shell.request(look))["kind"], "the look's outcome")
        await shell.ask("measure", dated(31))
        history = await shell.until(["history"], lambda history: len(history["readings"]) == 2, "two readings")
        for reading in history["readings"]:
            values = {value["name"]: value["value"] for value in reading["values"]}
            same({"systolic": "123", "diastolic": "78", "mean_arterial": "93"}, values, "the values")
        device = (await shell.ask("view", "DEVICES"))["devices"][0]
        same("Teleward Test", device["maker"], "the maker that was read")
        asked = set((await shell.ask("asked"))["asked"])
        wanted = {"state", "start_scan", "stop_scan", "connect", "discover", "subscribe", "pair", "read", "disconnect"}
        same(set(), wanted - asked, "calls that were never made")
        await shell.close()
    finally:
        await shell.stop()


@case("in the end the clinic holds each reading once, and no finding")
async def once(home: Home) -> None:
    there = [reading["id"] for reading in await home.clinic.readings()]
    wanted = [identity for name, identity in home.ids.items() if name != "device"]
    same(5 + RECORDS, len(wanted), "readings taken here")
    same(sorted(wanted), sorted(there), "the clinic's readings")
    same([], [finding for finding in await home.clinic.findings() if finding["state"] == "open"], "findings")
    await home.shell.close()


def script(folder: Path, number: int) -> Path:
    path = folder / "radio.json"
    path.write_text(json.dumps(radio(number)))
    return path

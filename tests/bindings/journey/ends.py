"""The journey's last part: paused and resumed, a radio of the shell's own, a key store that breaks, and what the clinic has."""

from .home import RECORDS, Home, case, dated, same
from .people import AT_THE_CLINIC


@case("paused, every call says what to do; resumed, it goes on")
async def paused(home: Home) -> None:
    await home.shell.ask("pause")
    same("ReopenFirst", (await home.shell.refusal("view", "STATUS")).kind, "the kind of error")
    await home.shell.ask("resume")
    same("CONFIRMED", (await home.link())["state"], "the link")


@case("a frame from the shell's own radio is a reading; the same record twice is one")
async def submitted(home: Home) -> None:
    frame = dated(0)
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
    wanted = [identity for name, identity in home.ids.items() if not name.endswith("device")]
    same(5 + AT_THE_CLINIC + RECORDS, len(wanted), "readings taken here")
    same(sorted(wanted), sorted(there), "the clinic's readings")
    same([], [finding for finding in await home.clinic.findings() if finding["state"] == "open"], "findings")
    await home.shell.close()

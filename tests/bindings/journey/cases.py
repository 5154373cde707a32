"""The journey's first part: one patient's way with an app, in order; the same for each language.

Each case is one function of the shell, the clinic and what earlier cases left behind.
"""

import asyncio

from .home import CUTS_MS, RECORDS, Home, case, pair, same


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

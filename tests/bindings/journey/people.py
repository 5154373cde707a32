"""The journey's second part: several people on one cuff. Whose a reading is is asked, said, taken back, or agreed by a
code; each is looked at on the phone's side and on the station's."""

import asyncio
import json
import urllib.request
from collections.abc import Callable

from .home import NOBODY, OTHERS_CODE, USERS, Home, case, of_user, pair, same

# Readings of these cases that the clinic holds in the end; one more is kept on the phone.
AT_THE_CLINIC = len(USERS) + 3
TO_COME_ABOUT = 60
# Minutes of 2026-11-28, 10 o'clock, that no frame of the script has.
MINE_LATER, THEIRS_LATER, A_GUESTS = 10, 11, 12


async def there(home: Home, name: str, wanted: Callable[[dict], object], what: str) -> dict:
    """Waits until the station has a reading as wanted; gives it."""
    found = None
    try:
        async with asyncio.timeout(TO_COME_ABOUT):
            while True:
                readings = await home.clinic.readings()
                found = next((one for one in readings if one["id"] == home.ids[name]), None)
                if found and wanted(found):
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"the clinic's reading {name} did not become so: {what}; it is {found}") from None


async def here(home: Home, identity: str) -> dict:
    """A reading of the journal."""
    history = await home.shell.ask("history", "blood_pressure")
    return next(one for one in history["readings"] if one["id"] == identity)


def questions(view: dict) -> dict[int | None, dict]:
    """The questions that stand open, by the user that each is about."""
    asked = {request["id"]: request["state"] for request in view["requests"] if request["state"]["kind"] == "ASKED"}
    return {state["question"]["user"]: {"id": number, **state["question"]} for number, state in asked.items()}


async def status_in_fhir(home: Home, name: str) -> str:
    """The status of a reading in the record that other systems get."""

    def ask() -> str:
        path = f"{home.clinic.console}/api/patients/{home.clinic.patient}/observations?limit=500"
        with urllib.request.urlopen(urllib.request.Request(path, headers={"cookie": home.clinic.cookie}), timeout=30) as answer:
            return answer.read().decode()

    lines = [line for line in (await asyncio.to_thread(ask)).splitlines() if home.ids[name] in line]
    same(1, len(lines), f"observations of the reading {name}")
    return json.loads(lines[0])["status"]


# REQ-BINDINGS-060
@case("two people on one cuff: each unknown user is asked about, and the reading is at the clinic with its doubt meanwhile")
async def asked(home: Home) -> None:
    home.ids["shared device"] = await pair(home, "Shared Cuff")
    view = await home.shell.until(
        ["view", "REQUESTS"], lambda view: len(questions(view)) == len(USERS), "each user is asked about"
    )
    for user, question in questions(view).items():
        same(home.ids["shared device"], question["device"], "the question's device")
        same(1, len(question["readings"]), f"readings under the question about user {user}")
        same(True, question["text"].startswith("Your Shared Cuff "), f"the question's text {question['text']!r}")
        name = f"user {user}"
        home.ids[name] = question["readings"][0]
        same("ASKED", (await here(home, home.ids[name]))["whose"], "whose it is on the phone")
        reading = await there(home, name, lambda _: True, "it is there before anybody has answered")
        same(True, "possibly_not_me" in reading["doubts"], f"the doubt among {reading['doubts']}")
        same(None, reading["said"], "what was said of it")
    question = questions(view)[1]["id"]
    same("NotPossible", (await home.shell.refusal("dismiss", str(question))).kind, "a question that is dismissed")
    same("NotPossible", (await home.shell.refusal("answer", "999999", "ME")).kind, "a question that is not there")


# REQ-BINDINGS-061
@case("answered, one user is the patient and the other somebody else: said at the clinic, and held to from then on")
async def answered(home: Home) -> None:
    view = questions(await home.shell.ask("view", "REQUESTS"))
    for user, answer, whose, what in [(1, "ME", "MINE", "me"), (2, "SOMEBODY_ELSE", "SOMEBODY_ELSES", "not_me")]:
        same(1, await home.shell.ask("answer", str(view[user]["id"]), answer), "readings that the answer settled")
        name = f"user {user}"
        same(whose, (await here(home, home.ids[name]))["whose"], f"whose the reading of {name} is")
        reading = await there(home, name, lambda one: one["said"] is not None, "what the patient said is there")
        said = reading["said"]
        same((what, user, "Test phone"), (said["what"], said["user"], said["link_label"]), "what was said, of whom, where")
        same(False, "possibly_not_me" in reading["doubts"], "a doubt that was answered")
    same("NotPossible", (await home.shell.refusal("answer", str(view[1]["id"]), "ME")).kind, "an answer given twice")
    same("final", await status_in_fhir(home, "user 1"), "the patient's own in FHIR")
    same("entered-in-error", await status_in_fhir(home, "user 2"), "the other person's in FHIR")
    device = await shared(home)
    users = [(user["slot"], user["person"]) for user in device["users"]]
    same([(1, "ME"), (2, "SOMEBODY_ELSE")], users, "the users of the device")
    home.ids["mine later"] = await measured(home, 1, MINE_LATER)
    later = await there(home, "mine later", lambda _: True, "the patient's next goes on by itself")
    same(([], None), ([one for one in later["doubts"] if one == "possibly_not_me"], later["said"]), "doubt and trace of it")
    theirs = await measured(home, 2, THEIRS_LATER)
    kept = await here(home, theirs)
    same(("SOMEBODY_ELSES", "KEPT_HERE"), (kept["whose"], kept["stage"]), "the other person's next")
    # a guest's reading comes under the question that names no user: it gets a new number, and the old one counts no more
    before = view[None]["id"]
    home.ids["a guest's"] = await measured(home, NOBODY, A_GUESTS)
    view = questions(await home.shell.ask("view", "REQUESTS"))
    same([None], list(view), "the users that are still asked about")
    same(2, len(view[None]["readings"]), "readings of which the device did not say whose they are")
    same("NotPossible", (await home.shell.refusal("answer", str(before), "ME")).kind, "an answer to the older question")
    same(2, await home.shell.ask("answer", str(view[None]["id"]), "ME"), "readings that the answer settled")
    for name in ("user None", "a guest's"):
        reading = await there(home, name, lambda one: one["said"] is not None, "what the patient said is there")
        same(("me", None), (reading["said"]["what"], reading["said"]["user"]), f"what was said of {name}")
    same(False, theirs in [one["id"] for one in await home.clinic.readings()], "the other person's next is at the clinic")


async def shared(home: Home) -> dict:
    devices = (await home.shell.ask("view", "DEVICES"))["devices"]
    return next(one for one in devices if one["id"] == home.ids["shared device"])


async def measured(home: Home, user: int, minute: int) -> str:
    """A frame of the shared cuff that the shell's own radio has taken; gives the reading."""
    taken = await home.shell.ask("frame", home.ids["shared device"], "2a35", of_user(user, minute))
    same(True, taken["is_new"], "the frame's reading is new")
    return taken["reading"]


# REQ-BINDINGS-062
@case("it was not me: the reading is void at the clinic with its trace, is not its newest, and can be taken back")
async def not_me_and_me(home: Home) -> None:
    identity = home.ids["mine later"]
    await home.shell.ask("not_me", identity)
    same("SOMEBODY_ELSES", (await here(home, identity))["whose"], "whose it is on the phone")
    void = await there(home, "mine later", lambda one: (one["said"] or {}).get("what") == "not_me", "it is void")
    same((None, "Test phone"), (void["said"]["user"], void["said"]["link_label"]), "of which user, said where")
    same({"systolic": "128", "diastolic": "82"}.items() <= void["values"].items(), True, "its numbers are still there")
    same("entered-in-error", await status_in_fhir(home, "mine later"), "in FHIR")
    same(False, await newest(home) == identity, "it is the patient's newest")
    await home.shell.until(
        ["history", "blood_pressure"],
        lambda page: next(one for one in page["readings"] if one["id"] == identity)["said_stored_at"],
        "the phone knows that the clinic has what was said",
    )
    await home.shell.ask("me", identity)
    back = await there(home, "mine later", lambda one: one["said"]["what"] == "me", "it is the patient's again")
    same(True, back["said"]["at"] >= void["said"]["at"], "the later word counts")
    same("MINE", (await here(home, identity))["whose"], "whose it is on the phone")
    same("final", await status_in_fhir(home, "mine later"), "in FHIR")
    for words in (["not_me", "0" * 64], ["not_me", "nonsense"]):
        same(True, (await home.shell.refusal(*words)).kind in ("NotPossible", "CorrectInput"), f"the error of {words}")


async def newest(home: Home) -> str | None:
    patients = (await home.clinic.get("/api/patients"))["patients"]
    latest = next(one for one in patients if one["id"] == home.clinic.patient)["latest"]
    return latest and latest["id"]


# REQ-BINDINGS-063
@case("a cuff that keeps its users apart: a wrong code is told and tried once; as a new user the patient gets the readings")
async def consent(home: Home) -> None:
    device = await pair(home, "Kept Cuff")

    async def noticed(code: str) -> dict:
        def has(view: dict) -> dict | None:
            kept = next(one for one in view["devices"] if one["id"] == device)
            return kept if [notice["code"] for notice in kept["notices"]] == [code] else None

        return has(await home.shell.until(["view", "DEVICES"], has, f"the device's notice is {code}"))

    async def held() -> set[str]:
        return {one["id"] for one in (await home.shell.ask("history", "blood_pressure"))["readings"]}

    await noticed("user_unsaid")
    before = await held()
    refused = await home.shell.refusal("use_user", device, "EXISTING", "1", "12345")
    same("CorrectInput", refused.kind, "a code of five digits")
    await home.shell.ask("use_user", device, "EXISTING", "1", str(OTHERS_CODE + 1))
    kept = await noticed("user_code_rejected")
    same([], kept["users"], "users after a wrong code")
    same(before, await held(), "readings after a wrong code")
    await home.shell.ask("use_user", device, "NEW")

    def registered(view: dict) -> list | None:
        return next(one for one in view["devices"] if one["id"] == device)["users"] or None

    users = registered(await home.shell.until(["view", "DEVICES"], registered, "the patient is a user of the device"))
    same([{"slot": 2, "person": "ME"}], users, "the other person's slot is not the patient's")
    await home.shell.until(
        ["history", "blood_pressure"], lambda page: len(page["readings"]) > len(before), "the device's reading is here"
    )
    (home.ids["agreed"],) = await held() - before
    same("MINE", (await here(home, home.ids["agreed"]))["whose"], "whose it is")
    reading = await there(home, "agreed", lambda _: True, "it is at the clinic")
    same((False, None), ("possibly_not_me" in reading["doubts"], reading["said"]), "doubt and trace of it")

"""What a hub at home meets: two people on one cuff, many readings at once, a machine that sleeps."""

import asyncio

from .clinic import TO_ARRIVE
from .cuff import Cuff
from .home import Home, case, same

THIRTY = 30
TO_REACH = 120


# REQ-RADIO-070
@case("two_users", "two people on one cuff: each is asked about once, and what was the other's is void at the clinic", long=True)
async def two_users(home: Home) -> None:
    device = await home.paired(Cuff, 2)

    def measures(user: int, *values: int) -> None:
        device.measure(*values, user=user)
        names = ["systolic", "diastolic", "mean_arterial", "pulse_rate"]
        home.expect("blood_pressure", **dict(zip(names, values, strict=True)))

    measures(1, 118, 76, 90, 61)
    measures(2, 141, 89, 106, 72)
    measures(1, 119, 77, 91, 62)
    await home.sessions("done", device=device)
    await home.arrived()
    asked = {one["user"]: one for one in (await home.hub.ask("status"))["questions"]}
    same({1: 2, 2: 1}, {user: len(one["readings"]) for user, one in asked.items()}, "readings asked about, by user")
    await home.hub.ask("answer", str(asked[1]["number"]), "me")
    await home.hub.ask("answer", str(asked[2]["number"]), "somebody-else")
    same([], (await home.hub.ask("status"))["questions"], "what is still asked")

    async def said() -> dict[str, str | None]:
        of_two = {"118", "141", "119"}
        readings = [one for one in await home.clinic.readings() if one["values"].get("systolic") in of_two]
        return {one["values"]["systolic"]: one["said"] and one["said"]["what"] for one in readings}

    async with asyncio.timeout(TO_ARRIVE):
        while await said() != {"118": "me", "141": "not_me", "119": "me"}:
            await asyncio.sleep(0.2)
    # From now on nobody is asked, and what the other one measures is not sent.
    device.measure(143, 90, 108, 73, user=2)
    measures(1, 120, 78, 92, 63)
    await home.sessions("done", device=device)
    await home.arrived()
    same([], (await home.hub.ask("status"))["questions"], "what is asked")


# REQ-RADIO-071
@case("burst", "thirty readings that a cuff sends in one go come in one session, in few letters", long=True)
async def burst(home: Home) -> None:
    before = home.clinic.envelopes()
    for n in range(THIRTY):
        home.measure(101 + n, 61 + n, 75 + n, 51 + n)
    await home.sessions("done")
    await home.arrived()
    letters = home.clinic.envelopes() - before
    same(True, letters < THIRTY / 2, f"{letters} envelopes for {THIRTY} readings: far fewer")


# REQ-RADIO-072, REQ-HUB-009
@case("suspend", "the hub's machine sleeps in the middle of a session, and goes on after it woke", long=True)
async def suspend(home: Home) -> None:
    home.measure(124, 79, 94, 64)
    home.cuff.hold.clear()
    since = home.hub.mark()
    await home.cuff.show()
    async with asyncio.timeout(TO_REACH):
        await home.cuff.reached.wait()
    before = home.cuff.told.connections
    try:
        await home.guest.sleep()
    finally:
        home.cuff.hold.set()
    done = lambda reasons: reasons[-1:] == ["done"]  # noqa: E731
    await home.hub.endings_to(since, done, "a session that ends with done", device=home.devices[home.cuff])
    await home.cuff.hide()
    same(True, home.cuff.told.connections > before, "a new link after the sleep")
    await home.arrived()

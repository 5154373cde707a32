"""A cuff that keeps the hub's subscription with its bond: it sends as soon as the link is encrypted, before the hub could
subscribe in this link. BlueZ confirms what it sends whoever listens, so that nobody else has it then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .home import Home, case, same


@asynccontextmanager
async def sending_at_once(home: Home, wanted: int) -> AsyncIterator[None]:
    """Within it the cuff sends as soon as the link is encrypted; so many times in all before it was subscribed to."""
    before = len(home.cuff.told.unasked)
    home.cuff.keeps_subscription = True
    try:
        yield
        same(wanted, len(home.cuff.told.unasked) - before, "indications before the hub had subscribed")
    finally:
        home.cuff.keeps_subscription = False
        home.cuff.hangs_up = False


# REQ-RADIO-066
@case("early", "a bonded cuff sends as soon as the link is encrypted, then also hangs up at once: each reading is there, once")
async def early(home: Home) -> None:
    async with sending_at_once(home, 3):
        home.measure(117, 75, 89, 59)
        await home.sessions("done")
        await home.arrived()
        home.cuff.hangs_up = True
        home.measure(118, 74, 88, 58)
        await home.sessions("closed_early")
        await home.arrived()
        # BlueZ may have dropped the subscription with that link: it was just being written.
        home.measure(120, 77, 91, 62)
        await home.sessions("closed_early")
        await home.arrived()


# REQ-RADIO-067
@case("early_killed", "the same after the hub was killed and started again, with nothing subscribed to")
async def early_killed(home: Home) -> None:
    async with sending_at_once(home, 2):
        await home.hub.kill()
        home.measure(116, 73, 87, 57)
        await home.hub.serve()
        await home.sessions("done")
        await home.arrived()
        await home.hub.kill()
        home.cuff.hangs_up = True
        home.measure(115, 72, 86, 56)
        await home.hub.serve()
        await home.sessions("closed_early")
        await home.arrived()


# REQ-RADIO-068
@case(
    "early_bluez",
    "after BlueZ itself started anew it cannot be subscribed to before the first link: what the cuff sends at once is lost there",
    long=True,
)
async def early_bluez(home: Home) -> None:
    """What BlueZ 5.66 cannot do. A BlueZ that has a bonded device's characteristics before the first link makes this fail."""
    async with sending_at_once(home, 2):
        home.adapter.looking.clear()
        await home.guest.restart_bluez()
        await home.guest.powered()
        await home.adapter.looked_for()
        lost = home.cuff.measure(114, 71, 85, 55)
        home.cuff.reached.clear()
        await home.cuff.show()
        await home.cuff.reached.wait()
        await home.cuff.hung_up()
        await home.cuff.hide()
        same(True, lost in home.cuff.told.confirmed, "whether it was confirmed")
        home.measure(113, 70, 84, 54)
        await home.sessions("done")
        await home.arrived()

"""What is asserted of everything at the end: what crossed the air, and what the station holds."""

from . import capture
from .home import Home, case, same
from .keeper import Keeper
from .peripheral import Sender


# REQ-RADIO-011
@case("air", "what was taken crossed the kernel's HCI, confirmed, on an encrypted link")
async def air(home: Home) -> None:
    await home.guest.run("killall btmon; while pidof btmon; do sleep 0.1; done")
    content = await home.guest.fetch("/tmp/hci.snoop")
    sent, confirmed = home.sent(), home.confirmed()
    same([], capture.complaints(content, sent, confirmed), "complaints about the capture")
    # The checker itself: with less in the capture, or more in the air, it complains.
    plain = capture.without(content, capture.is_encryption)
    outgoing = capture.without(content, lambda record: record.kind == capture.ACL_RECEIVED)
    for what, less, frames in [
        ("without its encryption", plain, sent),
        ("without what came in", outgoing, sent),
        ("that lacks a frame", content, [*sent, sent[0]]),
    ]:
        same(True, capture.complaints(less, frames, confirmed) != [], f"complaints about a capture {what}")


# REQ-RADIO-010
@case("once", "in the end the station holds each reading once, and no finding")
async def once(home: Home) -> None:
    await home.arrived()
    for device in home.devices:
        held = device.memory if isinstance(device, Sender) else []
        same([], held, f"records that the {device.NAME} still holds")
        same(False, isinstance(device, Keeper) and device.has_more(), f"whether the {device.NAME} has what was not taken")
    same([], await home.clinic.findings(), "findings at the station")
    queue = (await home.hub.ask("status"))["queue"]
    same((0, 0), (queue["waiting"], queue["stuck"]), "what waits at the hub")

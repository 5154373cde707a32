"""BlueZ ends and starts again beside the hub."""

from .home import Home, case, same
from .meter import Meter


# REQ-RADIO-064
@case("bluez_restart", "BlueZ ends and starts again: readings still come, and a device still pairs by our agent", long=True)
async def bluez_restart(home: Home) -> None:
    await home.adapter.looked_for()
    since = home.hub.mark()
    await home.guest.restart_bluez()
    await home.guest.powered()
    home.measure(121, 78, 92, 60)
    await home.cuff.show()
    done = lambda reasons: reasons[-1:] == ["done"]  # noqa: E731
    *before, _ = await home.hub.endings_to(since, done, "a session that ends with done", device=home.devices[home.cuff])
    await home.cuff.hide()
    same({"radio_gone"}, set(before), "the reasons before it")
    await home.arrived()
    # Without an agent there is nobody who could ask for the digits.
    device = await home.bring(Meter, 3)
    device.passkey = 271_828
    encrypted = device.told.encrypted
    await home.pair(device, digits=device.passkey)
    await device.hide()
    same(True, device.told.encrypted > encrypted, "the meter saw an encrypted link")

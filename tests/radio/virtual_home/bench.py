"""The set of checks that every radio must pass, held against the real one: `core/device/examples/radio_conformance.rs` runs in
the guest in the hub's place, and says what is to happen at the other end of the air."""

import json
import subprocess
from pathlib import Path

from . import image
from .cuff import Cuff
from .guest import program
from .home import Home, case, same
from .peripheral import INDICATE, readable
from .scale import Scale

PROGRAM = "/tmp/radio_conformance"
POWERED = (
    "dbus-send --system --print-reply --dest=org.bluez /org/bluez/hci0 org.freedesktop.DBus.Properties.Set "
    "string:org.bluez.Adapter1 string:Powered variant:boolean:"
)


class BenchCuff(Cuff):
    """A cuff that sends when it is told to, shows itself whenever it has no link, and has a characteristic twice."""

    subscriber = None

    def features(self):
        return [readable(0x2A49, b"\x00\x00"), readable(0x2A49, b"\x00\x00")]

    def has_more(self) -> bool:
        return True

    async def send(self, connection) -> None:
        self.subscriber = connection

    async def send_now(self, values: list[bytes]) -> None:
        for value in values:
            if not await self.transmit(self.subscriber, self.measurement, INDICATE, value):
                raise AssertionError("a value did not reach the radio")


# REQ-DEVICE-180
@case("every_radio", "the real radio does what every radio must do", long=True)
async def every_radio(home: Home) -> None:
    cuff, scale = await home.bring(BenchCuff, 2), await home.bring(Scale, 2)
    local = program().parent / "examples" / "radio_conformance"
    if not local.exists():
        raise image.Missing(f"{local} is not here: cargo build --workspace --all-targets")
    await upload(home, local)
    await home.hub.stop()
    wrong, told = [], 0
    reader, writer = await home.guest.open(f"{PROGRAM} {cuff.address} {scale.address} 2>/tmp/conformance.log")
    try:
        while text := (await reader.readline()).decode():
            if not text.startswith("{"):
                break
            line = json.loads(text)
            if "check" in line:
                told += 1
                if line["wrong"]:
                    wrong.append(f"{line['check']} ({line['words']}): {line['wrong']}")
            elif line["do"] != "end":
                await do(home, cuff, scale, line)
                writer.write(b"done\n")
                await writer.drain()
    finally:
        writer.close()
        await adapter_on(home)
        await cuff.hide()
        await scale.hide()
    await home.hub.serve()
    same("exit 0", text.strip(), f"the program's end; {await home.guest.run('cat /tmp/conformance.log')}")
    same([], wrong, f"what went wrong in {told} checks")
    same(True, told > 0, "checks")


async def do(home: Home, cuff: BenchCuff, scale: Scale, line: dict) -> None:
    match line:
        case {"do": "begin"}:
            cuff.drop_link()
            await cuff.hung_up()
            await cuff.forget_bonds()
            cuff.pairing_mode = True
            for device in (cuff, scale):
                if not device.visible:
                    await device.show()
        case {"do": "send", "values": values}:
            await cuff.send_now([bytes.fromhex(value) for value in values])
        case {"do": "hang_up"}:
            cuff.drop_link()
        case {"do": "turn", "state": "off"}:
            await home.guest.run(POWERED + "false")
        case {"do": "turn", "state": "missing"}:
            home.adapter.unplug()
            await home.guest.adapter("off")
        case {"do": "turn", "state": "on"}:
            await adapter_on(home)
        case other:
            raise AssertionError(f"the program wants what nobody knows: {other}")


async def adapter_on(home: Home) -> None:
    """The adapter is there and on, whatever it was before."""
    code, _ = await home.guest.try_run(POWERED + "true")
    if code != 0:
        await home.guest.adapter("on")
        await home.guest.powered()


async def upload(home: Home, local: Path) -> None:
    """Brings the program into the guest, without debugging symbols."""
    stripped = home.guest.work / "radio_conformance"
    subprocess.run(["strip", "-o", str(stripped), str(local)], check=True)
    reader, writer = await home.guest.open(f"cat > {PROGRAM} && chmod +x {PROGRAM}")
    writer.write(stripped.read_bytes())
    writer.write_eof()
    said = (await reader.read()).decode()
    writer.close()
    same("exit 0", said.strip(), "bringing the program into the guest")

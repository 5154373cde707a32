"""The home that the cases happen in, and the table of cases."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .air import Adapter, Air
from .clinic import Clinic
from .cuff import Cuff
from .guest import Guest
from .hub import Hub
from .peripheral import Peripheral

PAIRING_SECONDS = "20"


@dataclass
class Home:
    """All parts of the test."""

    guest: Guest
    hub: Hub
    air: Air
    adapter: Adapter
    cuff: Cuff
    clinic: Clinic
    devices: dict[Peripheral, str] = field(default_factory=dict)
    """What is paired, with the hub's id of it."""
    expected: list[dict] = field(default_factory=list)

    def expect(self, kind: str, **values: str | int | None) -> None:
        """The station must hold this reading in the end; a number is given with the digits that the device shows."""
        told = {name: value if value is None else str(value) for name, value in values.items()}
        self.expected.append({"kind": kind, **told})

    def measure(self, systolic: int, diastolic: int, mean: int, pulse: int) -> None:
        """The cuff measures, and the station must hold it in the end."""
        self.cuff.measure(systolic, diastolic, mean, pulse)
        self.expect("blood_pressure", systolic=systolic, diastolic=diastolic, mean_arterial=mean, pulse_rate=pulse)

    async def sessions(self, *reasons: str, seconds: float | None = None, device: Peripheral | None = None) -> None:
        """A device (the cuff) shows itself, and the hub's sessions with it end with these reason codes."""
        device = device or self.cuff
        since = self.hub.mark()
        await device.show(seconds)
        same(list(reasons), await self.hub.endings(since, len(reasons), device=self.devices[device]), "the reasons")
        await device.hide()

    async def pair(self, device: Peripheral | None = None) -> dict:
        """A device (the cuff) is put into pairing mode, and the hub pairs with it; gives it back as the hub has it."""
        device = device or self.cuff
        since = self.hub.mark()
        device.pairing_mode = True
        await device.show()
        paired = await self.hub.ask("pair", "--seconds", PAIRING_SECONDS)
        self.devices[device] = paired["id"]
        # The answer may overtake what the hub in service says of the same session.
        same("done", await self.hub.ending(since, device=paired["id"]), "the reason")
        await device.hung_up()
        device.pairing_mode = False
        return paired

    async def arrived(self) -> None:
        """Waits until the station holds what it must hold; what it holds more is an error."""
        await self.clinic.readings_are(self.expected)

    async def status_of(self, device: Peripheral) -> dict:
        """A device as the hub shows it."""
        devices = (await self.hub.ask("status"))["devices"]
        return next(shown for shown in devices if shown["id"] == self.devices[device])


Case = Callable[[Home], Awaitable[None]]
CASES: dict[str, tuple[str, Case]] = {}


def case(name: str, words: str) -> Callable[[Case], Case]:
    def keep(function: Case) -> Case:
        CASES[name] = (words, function)
        return function

    return keep


def same(wanted: object, found: object, what: str) -> None:
    if wanted != found:
        raise AssertionError(f"{what}: wanted {wanted!r}, found {found!r}")

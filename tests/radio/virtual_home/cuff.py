"""A virtual blood pressure cuff (Blood Pressure Service 1.1.1)."""

from .peripheral import Sender, readable
from .values import date_time, sfloat


class Cuff(Sender):
    NAME = "Virtual Cuff"
    MODEL = "VC-1"
    SERVICE = 0x1810
    MEASUREMENT = 0x2A35

    def features(self):
        return [readable(0x2A49, b"\x00\x00")]

    def measure(self, systolic: int, diastolic: int, mean: int, pulse: int) -> bytes:
        """Takes a measurement with the cuff's own clock and keeps it in memory."""
        return self.store(*map(str, [systolic, diastolic, mean, pulse]))

    def fail(self) -> bytes:
        """A measurement that failed, as a cuff reports it: each value is the special NaN."""
        return self.store(*[None] * 4)

    def store(self, *values: str | None) -> bytes:
        pressures = b"".join(map(sfloat, values[:3]))
        # mmHg, with time, pulse and status.
        frame = b"\x16" + pressures + date_time(self.now()) + sfloat(values[3]) + b"\x00\x00"
        self.memory.append(frame)
        return frame

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

    def measure(self, systolic: int, diastolic: int, mean: int, pulse: int, user: int | None = None) -> bytes:
        """Takes a measurement with the cuff's own clock and keeps it in memory, as one of its user's if it has several."""
        return self.store(*map(str, [systolic, diastolic, mean, pulse]), user=user)

    def fail(self) -> bytes:
        """A measurement that failed, as a cuff reports it: each value is the special NaN."""
        return self.store(*[None] * 4)

    def store(self, *values: str | None, user: int | None = None) -> bytes:
        pressures = b"".join(map(sfloat, values[:3]))
        # mmHg, with time, pulse, status and perhaps a user.
        flags, slot = (0x16, b"") if user is None else (0x1E, bytes([user]))
        frame = bytes([flags]) + pressures + date_time(self.now()) + sfloat(values[3]) + slot + b"\x00\x00"
        self.memory.append(frame)
        return frame

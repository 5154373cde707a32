"""A virtual glucose meter with a memory (Glucose Service 1.0.1): measurement, context, Record Access."""

import struct
from datetime import datetime, timedelta

from .keeper import Keeper, Kept
from .peripheral import readable
from .values import date_time, sfloat_of

CAPILLARY_PLASMA_FINGER = 0x12
BEFORE_A_MEAL = 1
"""2A34's meal."""


class Meter(Keeper):
    NAME = "Virtual Meter"
    MODEL = "VG-1"
    SERVICE = 0x1808
    RECORDS = 0x2A18
    MORE = (0x2A34,)

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.next_number = 0

    def features(self):
        return [readable(0x2A51, b"\x00\x00")]

    def measure(self, mg_per_dl: int, at: datetime | None = None, meal: int | None = None) -> Kept:
        """A measurement, in kg/L as meters send it; with a meal, a context follows it."""
        number = self.next_number
        self.next_number = (number + 1) % 0x10000
        # Concentration with type and location; context follows.
        flags = 0x02 | (0x10 if meal is not None else 0)
        frame = bytes([flags]) + struct.pack("<H", number) + date_time(at or self.now())
        frame += sfloat_of(mg_per_dl, -5) + bytes([CAPILLARY_PLASMA_FINGER])
        packets = [(0x2A18, frame)]
        if meal is not None:
            packets.append((0x2A34, bytes([0x02]) + struct.pack("<H", number) + bytes([meal])))
        kept = Kept(number, packets)
        self.add(kept)
        return kept

    def fill(self, count: int, first: int = 70) -> list[int]:
        """So many measurements, five minutes apart, the last of them now; gives their values."""
        values = [first + n % 180 for n in range(count)]
        begun = self.now() - timedelta(minutes=5) * count
        for n, value in enumerate(values):
            self.measure(value, begun + timedelta(minutes=5) * (n + 1))
        return values

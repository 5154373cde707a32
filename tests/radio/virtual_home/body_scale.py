"""A virtual scale for body composition (Body Composition Service 1.0): one packet a weighing, or two."""

import struct

from .peripheral import Sender, readable
from .values import date_time

TIME, MUSCLE_PERCENT, WATER, WEIGHT, MULTIPLE = 1 << 1, 1 << 4, 1 << 8, 1 << 10, 1 << 12


class BodyScale(Sender):
    NAME = "Virtual Body Scale"
    MODEL = "VB-1"
    SERVICE = 0x181B
    MEASUREMENT = 0x2A9C

    def features(self):
        # Time stamps, muscle percentage, water mass, weight; weight to 0.005 kg.
        return [readable(0x2A9B, struct.pack("<I", 1 | 1 << 3 | 1 << 7 | 1 << 9 | 7 << 11))]

    def weigh(self, fat: int, muscle: int, water: int, grams: int, packets: int = 1) -> list[bytes]:
        """Fat and muscle in tenths of a per cent, water and weight in grams (steps of 5)."""
        fat_word, muscle_word = struct.pack("<H", fat), struct.pack("<H", muscle)
        masses = struct.pack("<HH", water // 5, grams // 5)
        now = date_time(self.now())
        if packets == 1:
            frames = [struct.pack("<H", TIME | MUSCLE_PERCENT | WATER | WEIGHT) + fat_word + now + muscle_word + masses]
        else:
            # Both with the share of fat; time in the first only.
            first = struct.pack("<H", MULTIPLE | TIME | MUSCLE_PERCENT) + fat_word + now + muscle_word
            frames = [first, struct.pack("<H", MULTIPLE | WATER | WEIGHT) + fat_word + masses]
        self.memory += frames
        return frames

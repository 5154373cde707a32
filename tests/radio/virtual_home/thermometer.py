"""A virtual thermometer (Health Thermometer Service 1.0), for the ear."""

from .peripheral import Sender, readable
from .values import date_time, float32

EAR = 3


class Thermometer(Sender):
    NAME = "Virtual Thermometer"
    MODEL = "VT-1"
    SERVICE = 0x1809
    MEASUREMENT = 0x2A1C

    def features(self):
        return [readable(0x2A1D, bytes([EAR]))]

    def take(self, celsius: str) -> bytes:
        """A measurement in degrees Celsius, digits as shown."""
        # Celsius, with time and site.
        frame = b"\x06" + float32(celsius) + date_time(self.now()) + bytes([EAR])
        self.memory.append(frame)
        return frame

"""How long a reading takes from the cuff's indication to the clinician's screen, guest and host parts apart.

One session a reading, as in life. All times are the host's: the cuff, the relay's door, the station's word to its
consoles, and a console's question are all on its side. The guest runs in software emulation, several times slower than a
small computer does.
"""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from .home import Home
from .clinic import Clinic
from .door import Door

TO_ARRIVE = 90
PARTS = {
    "first": "cuff's first advertisement to its sealed reading at the relay's door (guest, emulated)",
    "guest": "cuff's indication to upload at the relay's door (guest, emulated)",
    "host": "upload at the relay's door to the station's word to its consoles (host)",
    "console": "the station's word to the reading on the console (host)",
    "all": "cuff's indication to the reading on the console",
}


async def measure(home: Home, door: Door, count: int) -> list[dict]:
    """Pairs, takes so many readings, and gives p50 and p95 of each part in milliseconds."""
    await home.pair()
    times: dict[str, list[float]] = {part: [] for part in PARTS}
    async with contextlib.aclosing(changes(home.clinic)) as told:
        await anext(told)  # everything should be read once
        for n in range(count):
            for part, seconds in (await one(home, door, told, n)).items():
                times[part].append(seconds * 1000)
    return [
        {"measure": f"{words}, {name}", "value": round(rank(times[part], share), 1), "unit": "ms"}
        for part, words in PARTS.items()
        for name, share in [("p50", 0.5), ("p95", 0.95)]
    ]


async def one(home: Home, door: Door, told: AsyncIterator[float], n: int) -> dict[str, float]:
    # Else the time would count the pause of a hub that is not looking yet, too.
    await home.adapter.looked_for()
    since = home.hub.mark()
    values = [110 + n % 80, 60 + n % 40, 80 + n % 40, 50 + n // 80]
    home.measure(*values)
    sent = len(home.cuff.told.sent)
    await home.cuff.show()
    async with asyncio.timeout(TO_ARRIVE):
        while True:
            told_at = await anext(told)
            if len(await home.clinic.readings()) == len(home.expected):
                break
    shown_at = time.monotonic()
    indicated_at = home.cuff.told.sent_at[sent]
    door_at = max(at for at in door.uploads if indicated_at < at < told_at)
    # The next session begins when this one has ended.
    await home.hub.ending(since)
    await home.cuff.hide()
    return {
        "first": door_at - home.cuff.shown_at,
        "guest": door_at - indicated_at,
        "host": told_at - door_at,
        "console": shown_at - told_at,
        "all": shown_at - indicated_at,
    }


async def changes(clinic: Clinic) -> AsyncIterator[float]:
    """When the station told its consoles that readings changed (server-sent events)."""
    address = urlsplit(clinic.console)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(f"GET /api/changes HTTP/1.1\r\nhost: {address.netloc}\r\ncookie: {clinic.cookie}\r\n\r\n".encode())
        await writer.drain()
        while line := await reader.readline():
            if line.startswith(b"data:") and "readings" in json.loads(line[5:])["topics"]:
                yield time.monotonic()
    finally:
        writer.close()


def rank(values: list[float], share: float) -> float:
    """The nearest rank: a value that was measured."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]

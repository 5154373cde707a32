"""`teleward hub` in the guest: one in service all the time, and commands beside it.

What the hub in service prints is kept, line by line, so that a test can wait for what comes after a moment it chose.
"""

import asyncio
import json
import shlex
from collections.abc import Callable

from .guest import Guest, GuestError, exit_code

FOLDER = "/root/hub"
# Of the test alone: what the product promises are its own deadlines.
PATIENCE = 180
# Sessions that found nothing to do, or made room for a pairing, say nothing about the case at hand.
IDLE_ENDINGS = {"not_found", "nothing_new", "cancelled"}


class Hub:
    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.lines: list[dict] = []
        self.news = asyncio.Condition()
        self.service: asyncio.Task | None = None
        self.ended: str | None = None

    async def ask(self, *words: str, patience: float = PATIENCE) -> dict:
        """A hub command's answer."""
        code, out = await self.try_ask(*words, patience=patience)
        if code != 0:
            raise GuestError(f"teleward hub {words[0]} ended with {code}: {out.strip()}")
        return json.loads(out[out.index("{") :])

    async def try_ask(self, *words: str, patience: float = PATIENCE) -> tuple[int, str]:
        """A hub command's exit code and output."""
        return await self.guest.try_run(command(*words), patience)

    async def serve(self) -> None:
        """Puts the hub in service."""
        self.ended = None
        self.service = asyncio.create_task(self.listen())
        await self.wait(lambda line: line["event"] == "in_service", "the hub is in service")

    async def listen(self) -> None:
        said = []
        async for text in self.guest.stream(command("run") + " 2>/tmp/hub.log"):
            said.append(text)
            if text.startswith("{"):
                async with self.news:
                    self.lines.append(json.loads(text))
                    self.news.notify_all()
        async with self.news:
            self.ended = f"the hub ended: {exit_code('teleward hub run', said[-1:])} {await self.log()}"
            self.news.notify_all()

    async def stop(self) -> None:
        """Ends the hub in service as a system does, and waits for it."""
        await self.guest.run("killall -TERM teleward")
        if self.service:
            await self.service
            self.service = None

    async def kill(self) -> None:
        """Ends the hub in service as a power cut does: it is asked for nothing."""
        await self.guest.run("killall -9 teleward")
        if self.service:
            await self.service
            self.service = None

    async def leave(self) -> None:
        """Stops listening to a guest that is about to end."""
        if self.service:
            self.service.cancel()
            await asyncio.gather(self.service, return_exceptions=True)

    async def log(self) -> str:
        """What the hub in service said on its error output."""
        return (await self.guest.try_run("tail -20 /tmp/hub.log; tail -5 /tmp/bluetoothd.log"))[1]

    def mark(self) -> int:
        """This moment, as a place in what the hub said."""
        return len(self.lines)

    async def wait(self, wanted: Callable[[dict], bool], what: str, since: int = 0, patience: float = PATIENCE) -> dict:
        """The first wanted line after a moment."""
        at = since
        try:
            async with asyncio.timeout(patience), self.news:
                while True:
                    while at < len(self.lines):
                        line = self.lines[at]
                        at += 1
                        if wanted(line):
                            return line
                    if self.ended:
                        raise GuestError(self.ended)
                    await self.news.wait()
        except TimeoutError:
            heard = "\n    ".join(json.dumps(line) for line in self.lines[since:])
            raise GuestError(f"not in {patience:.0f} s: {what}; the hub said\n    {heard}\n{await self.log()}") from None

    async def ending(self, since: int, patience: float = PATIENCE, device: str | None = None) -> str:
        """The reason code with which the next session ends that had anything to do."""
        return (await self.endings(since, 1, patience, device))[0]

    async def endings(self, since: int, count: int, patience: float = PATIENCE, device: str | None = None) -> list[str]:
        """The reason codes with which the next sessions end that had anything to do, of one device or of all."""
        return await self.endings_to(since, lambda reasons: len(reasons) == count, f"{count} sessions' ends", patience, device)

    async def endings_to(
        self, since: int, enough: Callable[[list[str]], bool], what: str, patience: float = PATIENCE, device: str | None = None
    ) -> list[str]:
        """The same, of as many sessions as are enough."""

        def is_about(line: dict) -> bool:
            return line["event"] == "device" and device in (None, line["id"])

        # A device that is new has had no session's end yet.
        known = {None} | {line["last_ended"] for line in self.lines[:since] if is_about(line)}
        reasons: list[str] = []

        def ended(line: dict) -> bool:
            if not is_about(line) or line["last_ended"] in known:
                return False
            known.add(line["last_ended"])
            if line["last_ending"] not in IDLE_ENDINGS:
                reasons.append(line["last_ending"])
            return enough(reasons)

        await self.wait(ended, what, since, patience)
        return reasons


def command(*words: str) -> str:
    return shlex.join(["teleward", "hub", words[0], "--dir", FOLDER, "--json", *words[1:]])

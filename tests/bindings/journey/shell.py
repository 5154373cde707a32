"""One shell as a child process: words in, answers out; changes are kept per consumer."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

TO_ANSWER = 60
TO_COME_ABOUT = 60


class ShellError(Exception):
    """The shell did not do what was asked; the text says what."""


class Refused(ShellError):
    """The companion refused with an error of its own kind."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind = kind
        self.reason = reason


class Shell:
    def __init__(self, words: list[str], environment: dict[str, str], folder: Path, radio: Path | str) -> None:
        self.program = words
        self.words = [*words, str(folder), str(radio)]
        self.environment = environment
        self.folder = folder
        self.log = folder / "shell.log"

    async def beside(self, radio: str) -> "Shell":
        """A second shell of this language with a folder of its own, started."""
        folder = self.folder / "beside"
        folder.mkdir()
        shell = Shell(self.program, self.environment, folder, radio)
        await shell.start()
        return shell

    async def start(self) -> None:
        self.replies: asyncio.Queue[dict] = asyncio.Queue()
        self.consumers: dict[int, list[dict]] = {1: [], 2: []}
        self.news = asyncio.Condition()
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=self.environment, limit=1 << 24,
            )  # fmt: skip
        self.reader = asyncio.create_task(self.read())
        self.answer(await self.reply())

    async def read(self) -> None:
        while text := await self.process.stdout.readline():
            line = json.loads(text)
            if "consumer" in line:
                async with self.news:
                    self.consumers[line["consumer"]].append(line)
                    self.news.notify_all()
            else:
                await self.replies.put(line)
        await self.replies.put({"ended": True})
        async with self.news:
            self.news.notify_all()

    async def reply(self) -> dict:
        async with asyncio.timeout(TO_ANSWER):
            line = await self.replies.get()
        if "ended" in line:
            raise ShellError(f"the shell ended: {self.log.read_text(errors='replace')[-3000:]}")
        return line

    @staticmethod
    def answer(line: dict) -> object:
        if "error" in line:
            raise Refused(line["error"], line["reason"])
        return line.get("reply")

    async def ask(self, *words: str) -> object:
        """What the companion answers; its refusals are raised."""
        self.process.stdin.write("\t".join(words).encode() + b"\n")
        await self.process.stdin.drain()
        return self.answer(await self.reply())

    async def refusal(self, *words: str) -> Refused:
        """The refusal that these words must meet."""
        try:
            answer = await self.ask(*words)
        except Refused as refused:
            return refused
        raise ShellError(f"{words[0]} should have been refused, and it answered {answer}")

    async def until(self, words: list[str], wanted: Callable[[dict], object], what: str) -> dict:
        """Asks, and asks again at each change told to the first consumer, until the answer is the wanted one."""
        try:
            async with asyncio.timeout(TO_COME_ABOUT):
                while True:
                    heard = len(self.consumers[1])
                    answer = await self.ask(*words)
                    if wanted(answer):
                        return answer
                    async with self.news:
                        await self.news.wait_for(lambda: len(self.consumers[1]) > heard or self.reader.done())
        except TimeoutError:
            raise ShellError(f"not in {TO_COME_ABOUT} s: {what}; last answer: {json.dumps(answer)}") from None

    async def request(self, number: object) -> dict:
        """The outcome of a command, from `view(requests)`."""

        def state(view: dict) -> dict | None:
            states = [request["state"] for request in view["requests"] if request["id"] == number]
            return states[0] if states and states[0]["kind"] != "RUNNING" else None

        outcome = state(await self.until(["view", "REQUESTS"], state, f"request {number} has an outcome"))
        await self.ask("dismiss", str(number))
        return outcome

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()
        await self.reader

    async def close(self) -> None:
        """Closes the companion; both consumers must be told, and the process must end."""
        await self.ask("close")
        async with asyncio.timeout(TO_ANSWER):
            await self.process.wait()
            await self.reader
        for number, lines in self.consumers.items():
            if lines[-1] != {"consumer": number, "closed": True}:
                raise ShellError(f"consumer {number} was not told that the companion closed, but {lines[-1]}")
        if self.process.returncode != 0:
            raise ShellError(f"the shell ended with {self.process.returncode}: {self.log.read_text(errors='replace')[-3000:]}")

    async def stop(self) -> None:
        if self.process.returncode is None:
            await self.kill()

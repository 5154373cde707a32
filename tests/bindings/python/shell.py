"""A shell in Python around the generated package: words in, JSON lines out. The journey drives it like a person an app.

Its Kotlin twin is ../kotlin/Shell.kt; both do the same with the same words.
"""

import asyncio
import json
import os
import sys
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

import teleward

from own_radio import OwnRadio


class Vault(teleward.KeyVault):
    """Secrets in files, for a test. Can be locked, as a phone is before its first unlock, and can fail badly."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.locked = False
        self.broken = False

    def path(self, name: str) -> Path:
        if self.broken:
            raise RuntimeError("a fault of the shell's own, with a secret in its text")
        if self.locked:
            raise teleward.KeyVaultError.Unavailable()
        return self.folder / name.encode().hex()

    def load(self, name: str) -> bytes | None:
        path = self.path(name)
        return path.read_bytes() if path.exists() else None

    def store(self, name: str, secret: bytes) -> None:
        path = self.path(name)
        new = path.with_suffix(".new")
        new.write_bytes(secret)
        new.rename(path)

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)


def plain(value: object) -> object:
    """A record of the package as JSON."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "__dict__"):
        members = {name: plain(member) for name, member in vars(value).items() if not name.startswith("_")}
        _, variant, kind = type(value).__name__.rpartition(".")
        return {"kind": kind, **members} if variant else members
    return value


def say(line: dict) -> None:
    print(json.dumps(line), flush=True)


class Shell:
    def __init__(self, folder: Path, radio: str) -> None:
        self.vault = Vault(folder / "keys")
        self.radio = OwnRadio() if radio == "own" else None
        config = teleward.Config(
            data_dir=str(folder / "data"),
            app_name="Python shell",
            app_version="1",
            os=sys.platform,
            zone="Etc/UTC",
            radio=teleward.RadioChoice.OWN(radio=self.radio) if self.radio else teleward.RadioChoice.SCRIPTED(path=radio),
        )
        teleward.init(None)
        self.companion = teleward.open(config, self.vault)
        if self.radio:
            self.radio.begin(self.companion)

    async def consume(self, number: int) -> None:
        """One consumer of changes: tells each, until the companion closes."""
        revision = 0
        try:
            while True:
                changes = await self.companion.next_change(revision)
                revision = changes.revision
                say({"consumer": number, "revision": revision, "topics": plain(changes.topics)})
        except teleward.TelewardError.ReopenFirst:
            say({"consumer": number, "closed": True})

    async def carry_out(self, words: list[str]) -> object:
        companion = self.companion
        match words:
            case ["view", topic]:
                return plain(await companion.view(teleward.Topic[topic]))
            case ["history", *kind]:
                query = teleward.HistoryQuery(kind=kind[0] if kind else None, limit=200)
                return plain(await companion.history(query, None))
            case ["traces"]:
                return {"traces": plain(await companion.traces())}
            case ["sheet"]:
                return plain(await companion.prepare_recovery())
            case ["join", invite, label]:
                return await companion.join(invite, teleward.JoinOptions(label=label))
            case ["look", ms]:
                return await companion.look(int(ms))
            case ["pair_with", found]:
                return await companion.pair_with(found)
            case ["dismiss", request]:
                return await companion.dismiss(int(request))
            case ["type", draft, systolic, diastolic, pulse]:
                now = datetime.now(timezone.utc)
                return await companion.record_manual(
                    teleward.ManualReading(
                        draft_id=draft,
                        measured_at=now,
                        values=teleward.ManualValues.BLOOD_PRESSURE(
                            systolic=systolic,
                            diastolic=diastolic,
                            unit=teleward.PressureUnit.MM_HG,
                            pulse_rate=pulse,
                        ),
                    )
                )
            case ["frame", device, characteristic, frame]:
                return plain(
                    await companion.submit_frame(
                        teleward.Frame(
                            device=device,
                            characteristic=int(characteristic, 16),
                            bytes=bytes.fromhex(frame),
                            received=datetime.now(timezone.utc),
                        )
                    )
                )
            case ["answer", question, answer]:
                return await companion.answer(int(question), teleward.Answer[answer])
            case ["use_user", device, "NEW"]:
                return await companion.use_user(device, teleward.UserChoice.NEW())
            case ["use_user", device, "EXISTING", slot, code]:
                choice = teleward.UserChoice.EXISTING(slot=int(slot), code=int(code))
                return await companion.use_user(device, choice)
            case ["not_me", reading]:
                return await companion.not_me(reading)
            case ["me", reading]:
                return await companion.me(reading)
            case ["network", hint]:
                return await companion.network_changed(teleward.NetworkHint[hint])
            case ["pause"]:
                return await companion.pause(5000)
            case ["resume"]:
                return await companion.resume()
            case ["drain", ms]:
                return plain(await companion.drain(int(ms)))
            case ["cancel"]:
                # A wait that is given up must disturb nobody.
                now = (await companion.next_change(0)).revision
                wait = asyncio.ensure_future(companion.next_change(now))
                await asyncio.sleep(0)
                wait.cancel()
                try:
                    await wait
                except asyncio.CancelledError:
                    return "cancelled"
            case ["measure", frame]:
                return self.radio.measure(bytes.fromhex(frame))
            case ["asked"]:
                return {"asked": list(self.radio.asked)}
            case ["radio_answer", call]:
                return companion.radio_answer(int(call), teleward.RadioAnswer.DONE())
            case ["radio_value", service]:
                attribute = teleward.RadioAttribute(service=service, characteristic="2a35")
                event = teleward.RadioEvent.VALUE(device="nobody", attribute=attribute, bytes=b"")
                return companion.radio_event(event)
            case ["vault", state]:
                self.vault.locked, self.vault.broken = state == "locked", state == "broken"
                return None
            case ["close"]:
                return await companion.shut_down()
        raise ValueError(f"unknown words: {words}")


async def main() -> None:
    loop = asyncio.get_running_loop()
    shell = Shell(Path(sys.argv[1]), sys.argv[2])
    consumers = [asyncio.create_task(shell.consume(number)) for number in (1, 2)]
    say({"open": True, "pid": os.getpid()})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        words = line.rstrip("\n").split("\t")
        try:
            say({"reply": await shell.carry_out(words)})
        except teleward.TelewardError as error:
            say({"error": type(error).__name__, "reason": error.reason})
        if words == ["close"]:
            break
    await asyncio.gather(*consumers)


try:
    asyncio.run(main())
except teleward.TelewardError as error:
    say({"error": type(error).__name__, "reason": error.reason})
    sys.exit(1)

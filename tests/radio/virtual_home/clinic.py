"""Relay and station on the host's loopback, and what a clinician sees in the console's own interface."""

import asyncio
import collections
import contextlib
import json
import secrets
import sqlite3
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path

ADMINISTRATOR = "radio"
TO_START = 300
TO_ARRIVE = 180
PAGE = 500


class ClinicError(Exception):
    """Relay or station did not do what was asked; the text says what."""


class Server:
    """One of the product's servers."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, ready: dict) -> None:
        self.name = name
        self.process = process
        self.ready = ready
        self.rest = asyncio.create_task(process.stdout.read())

    @classmethod
    async def start(cls, name: str, words: list[str], log: Path) -> "Server":
        with log.open("wb") as err:
            process = await asyncio.create_subprocess_exec(
                *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=err
            )
        async with asyncio.timeout(TO_START):
            while line := await process.stdout.readline():
                if line.startswith(b"{"):
                    return cls(name, process, json.loads(line))
        raise ClinicError(f"the {name} ended before it was ready: {log.read_text(errors='replace')}")

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()
        await self.rest


class Clinic:
    def __init__(self, program: Path, work: Path) -> None:
        self.program = program
        self.work = work
        self.servers: list[Server] = []
        self.cookie = ""
        self.patient = ""

    async def open(self) -> str:
        """Starts relay and station, signs in, makes a patient; gives the invite's text."""
        relay_dir, station_dir = self.work / "relay", self.work / "station"
        self.post_office = await self.serve("relay", "relay", "--json", "--dir", str(relay_dir), "--listen", "127.0.0.1:0")
        self.relay = self.post_office.ready["relay"]
        password = secrets.token_urlsafe(18)
        password_file = self.work / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        await self.found(self.post_office.ready, relay_dir, station_dir, password_file)
        station = await self.serve(
            "station", "clinic", "--json", "--dir", str(station_dir), "--listen", "127.0.0.1:0", "--collect-every-ms", "200"
        )
        self.console = station.ready["console"].rstrip("/")
        await self.post("/api/session", {"name": ADMINISTRATOR, "password": password})
        return await self.invite()

    async def invite(self) -> str:
        """Makes the patient; gives the invite's text."""
        patient = {
            "name": "Ada Test", "born": "1950-04-01", "record_number": "R-1", "phone": "+4930123457", "zone": "Etc/UTC",
        }  # fmt: skip
        self.patient = (await self.post("/api/patients", patient))["id"]
        # A relay that runs follows a new admission within half a second.
        async with asyncio.timeout(TO_ARRIVE):
            while True:
                try:
                    return (await self.post(f"/api/patients/{self.patient}/invites", {}))["url"]
                except ClinicError as error:
                    if '"code":"relay"' not in str(error):
                        raise
                await asyncio.sleep(0.1)

    async def found(self, relay: dict, relay_dir: Path, station_dir: Path, password_file: Path) -> None:
        """Founds the clinic, and has the relay's operator admit it."""
        (self.work / "sheets").mkdir(mode=0o700)
        station = json.loads(
            await self.run(
                "clinic", "init", "--json", "--dir", str(station_dir), "--name", "Test clinic", "--phone", "+4930123456",
                "--emergency", "112", "--language", "en", "--zone", "Etc/UTC", "--relay", relay["relay"],
                f"--relay-receipt={relay['receipt']}", f"--relay-receipt={relay['reserve']}", "--sheets", str(self.work / "sheets"),
                "--account", ADMINISTRATOR, "--password-file", str(password_file),
            )  # fmt: skip
        )
        await self.run(
            "relay", "tenant", "add", "--dir", str(relay_dir), "--name", "test", f"--root={station['root']}",
            f"--auth={station['auth']}",
        )  # fmt: skip

    async def serve(self, name: str, *words: str) -> Server:
        server = await Server.start(name, [str(self.program), *words], self.work / f"{name}.log")
        self.servers.append(server)
        return server

    async def run(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            str(self.program), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        if process.returncode != 0:
            raise ClinicError(f"teleward {' '.join(words)} ended with {process.returncode}: {err.decode().strip()}")
        return out.decode()

    async def pending(self) -> dict:
        """Waits for a join that a person has to confirm; gives its link."""
        async with asyncio.timeout(TO_ARRIVE):
            while True:
                for link in (await self.get(f"/api/patients/{self.patient}"))["links"]:
                    if link["state"] == "pending":
                        return link
                await asyncio.sleep(0.2)

    async def confirm(self) -> None:
        """A person at the clinic has compared the words."""
        link = await self.pending()
        await self.post(f"/api/links/{link['up']}/confirm", {"how": "words"})

    async def look(self, readings: list[str]) -> None:
        """A clinician opens readings."""
        await self.post("/api/seen", {"readings": readings})

    async def readings(self) -> list[dict]:
        """All readings of the patient, newest first."""
        found: list[dict] = []
        while True:
            before = f"&before={found[-1]['id']}" if found else ""
            page = await self.get(f"/api/patients/{self.patient}/readings?limit={PAGE}{before}")
            found += page["readings"]
            if not page["more"]:
                return found

    async def readings_are(self, expected: list[dict], patience: float = TO_ARRIVE) -> None:
        """Waits until the station has as many readings as expected; then they must be those, each once. An expected
        reading names its kind and the values that matter."""
        names = {wanted["kind"]: [name for name in wanted if name != "kind"] for wanted in expected}
        try:
            async with asyncio.timeout(patience):
                while len(found := await self.readings()) < len(expected):
                    await asyncio.sleep(0.2)
        except TimeoutError:
            pass
        shown = collections.Counter(
            (reading["kind"], *(reading["values"].get(name) for name in names.get(reading["kind"], []))) for reading in found
        )
        wanted = collections.Counter(tuple(one.values()) for one in expected)
        if wanted != shown:
            raise ClinicError(
                f"of {wanted.total()} readings the station lacks {dict(wanted - shown)}, and it holds beside them "
                f"{dict(shown - wanted)}"
            )

    def envelopes(self) -> int:
        """How many envelopes the relay has taken in, up and down."""
        with contextlib.closing(sqlite3.connect(f"file:{self.work}/relay/relay.db?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM envelope").fetchone()[0]

    async def effective(self, values: dict) -> datetime:
        """When the reading with these values was measured, as the station has it."""
        for reading in await self.readings():
            if values.items() <= reading["values"].items():
                return datetime.fromisoformat(reading["effective"])
        raise ClinicError(f"no reading with {values}")

    async def findings(self) -> list[dict]:
        return (await self.get("/api/findings"))["findings"]

    async def get(self, path: str) -> dict:
        return await asyncio.to_thread(self.ask, "GET", path, None)

    async def post(self, path: str, body: dict) -> dict:
        return await asyncio.to_thread(self.ask, "POST", path, body)

    def ask(self, method: str, path: str, body: dict | None) -> dict:
        headers = {"x-teleward": "1", "cookie": self.cookie, "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.console + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                if cookie := answer.headers.get("set-cookie"):
                    self.cookie = cookie.split(";")[0]
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise ClinicError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
        return json.loads(content) if content else {}

    async def relay_away(self) -> None:
        """The relay ends, as when it is moved."""
        await self.post_office.end()
        self.servers.remove(self.post_office)

    async def relay_back(self) -> None:
        """The relay starts again where it was."""
        address = self.relay.rstrip("/").rsplit("/", 1)[1]
        self.post_office = await self.serve("relay", "relay", "--json", "--dir", str(self.work / "relay"), "--listen", address)

    async def end(self) -> None:
        for server in reversed(self.servers):
            await server.end()

"""Runs the journey: one line a case, then a count. Exit code 0: all passed; 1: not all; 2: something is missing."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from virtual_home.clinic import Clinic, ClinicError

# each adds its cases to the list, in this order
from . import cases, people, ends  # noqa: F401, I001
from . import packages, snapshot
from .home import CASES, Home, script
from .shell import Shell, ShellError

SHELLS = {"kotlin": packages.kotlin_shell, "python": packages.python_shell}


class Count:
    passed = 0
    failed = 0

    def tell(self, start: float, name: str, words: str, error: str | None) -> None:
        seconds = time.monotonic() - start
        if error is None:
            self.passed += 1
            print(f"passed {seconds:5.1f} s  {name}: {words}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED {seconds:5.1f} s  {name}: {words}\n  {error}", flush=True)


async def journey(language: str, clinic: Clinic, invite: str, work: Path, count: Count) -> None:
    words, environment = SHELLS[language]()
    folder = work / language
    folder.mkdir()
    shell = Shell(words, environment, folder, script(folder))
    await shell.start()
    home = Home(shell, clinic, invite)
    try:
        for name, (said, function) in CASES.items():
            start = time.monotonic()
            error = None
            try:
                async with asyncio.timeout(150):
                    await function(home)
            except (AssertionError, ShellError, ClinicError, TimeoutError) as found:
                error = f"{found}" or "it took too long"
            except Exception:  # a fault of the harness must not hide the other cases
                error = traceback.format_exc()
            count.tell(start, f"{language} {name}", said, error)
            if error and name == "joins":
                break
    finally:
        await shell.stop()


async def journeys(languages: list[str], work: Path, count: Count) -> None:
    """All at the same time, each with a clinic of its own: most of it is waiting, for devices and for shells."""

    async def one(language: str) -> None:
        folder = work / f"{language}-clinic"
        folder.mkdir()
        clinic = Clinic(program(), folder)
        try:
            await journey(language, clinic, await clinic.open(), work, count)
        finally:
            await clinic.end()

    await asyncio.gather(*map(one, languages))


def program() -> Path:
    path = Path(os.environ.get("TELEWARD_BIN", packages.TARGET / "debug" / "teleward"))
    if not path.exists():
        raise packages.Missing(f"{path} is not here: cargo build -p teleward-cli")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bindings/run", description="The journey Bindings.")
    parser.add_argument("what", nargs="*", help="kotlin, python, api; all of them by default")
    parser.add_argument("--update", action="store_true", help="keep the generated interface as it is now")
    parser.add_argument("--keep", action="store_true", help="keep logs and data, and say where")
    options = parser.parse_args()
    wanted = options.what or ["api", *SHELLS]
    if unknown := set(wanted) - {"api", *SHELLS}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    count = Count()
    work = Path(tempfile.mkdtemp(prefix="teleward-bindings-"))
    try:
        if "api" in wanted:
            start = time.monotonic()
            wrong = snapshot.compare(options.update)
            count.tell(start, "api", "the generated interface is the one that is kept", "\n".join(wrong) or None)
        if languages := [language for language in SHELLS if language in wanted]:
            asyncio.run(journeys(languages, work, count))
    except packages.Missing as error:
        print(f"missing: {error}", file=sys.stderr)
        return 2
    except (RuntimeError, ShellError, ClinicError) as error:
        print(f"FAILED before the first case: {error}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"kept in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


sys.exit(main())

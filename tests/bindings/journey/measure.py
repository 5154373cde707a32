"""Starts the Kotlin program that times its calls (`kotlin/Measure.kt`), in this process's place."""

import os
import sys

from . import packages


def main() -> int:
    folder, runs = sys.argv[1:]
    try:
        words, environment = packages.kotlin("MeasureKt")
    except packages.Missing as error:
        print(f"missing: {error}", file=sys.stderr)
        return 2
    os.execvpe(words[0], [*words, folder, runs], environment)


sys.exit(main())

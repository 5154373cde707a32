"""The journey *Bindings*: shells in Kotlin and Python around the generated packages, against a real relay and station.

`packages` builds and generates, `shell` drives one shell as a child process, `home` is what the cases stand on, `cases`, `people`
and `ends` are the journey, `snapshot` compares
the generated interface with the one that is kept, and `__main__` runs them. Relay and station come from the journey
*Radio*'s own module.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "radio"))

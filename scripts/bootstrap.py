"""Creates .venv and installs the pinned, hashed requirements: `scripts/bootstrap.sh` calls it.

The stamp file is written last, so an interrupted installation is taken up again the next time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = VENV / "install.log"
REQUIREMENTS = [ROOT / "requirements" / "base.txt", ROOT / "requirements" / "dev.txt"]
NO_VENV = """
This Python cannot create virtual environments: {error}
On Debian and Ubuntu: apt-get install python3-venv
"""


def main(stamp: Path) -> int:
    """0 when .venv holds the requirements; 1 with the reason in words."""
    started = time.monotonic()
    if not make_venv() or not install():
        return 1
    for old in VENV.glob(".stamp-*"):
        old.unlink()
    stamp.touch()
    print(f"installed in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def make_venv() -> bool:
    """.venv has a Python that runs and has pip."""
    python = VENV / "bin" / "python"
    if python.exists() and subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return True
    print(f"creating .venv with Python {sys.version.split()[0]}", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        print(NO_VENV.format(error=(made.stderr + made.stdout).strip()), file=sys.stderr)
        shutil.rmtree(VENV, ignore_errors=True)
    return made.returncode == 0


def install() -> bool:
    """pip has installed everything; its whole output is in .venv/install.log."""
    total = len({line for file in REQUIREMENTS for line in file.read_text().splitlines() if line[:1].isalnum() and "==" in line})
    print(f"installing {total} packages, once; a minute or a few", flush=True)
    command: list[str] = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--require-hashes",
    ]
    for file in REQUIREMENTS:
        command += ["-r", str(file)]
    with LOG.open("w") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        seen = 0
        for line in pip.stdout:
            log.write(line)
            seen += line.startswith(("Collecting ", "Requirement already satisfied"))
            show_progress(seen, total, line)
    print()
    if pip.returncode != 0:
        print("".join(LOG.read_text().splitlines(keepends=True)[-15:]), f"pip failed; all of its output: {LOG}", file=sys.stderr)
    return pip.returncode == 0


def show_progress(seen: int, total: int, line: str) -> None:
    """One line that rewrites itself on a terminal, a line every 25 packages elsewhere."""
    if line.startswith("Installing collected"):
        print(f"{os.linesep}unpacking …", end="", flush=True)
    elif line.startswith("Collecting "):
        if sys.stdout.isatty():
            print(f"\r  {min(seen, total)}/{total} {line.split()[1].partition('==')[0]:<40}", end="", flush=True)
        elif seen % 25 == 0:
            print(f"  {min(seen, total)}/{total}", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

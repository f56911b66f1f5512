"""The database's own limit: the same SQL functions under pgbench, nothing else in between."""

import re
import subprocess
import tempfile
from pathlib import Path

from django.conf import settings

from devservices import binaries

SCRIPTS = {"create": "SELECT payments_create(bench_fresh('create'));\n", "transfer": "SELECT payments_transfer(bench_fresh('transfer'));\n"}


def measure(name: str, clients: int, seconds: int) -> dict:
    """Transactions a second and latencies of one function, `clients` at once, one command a call."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.sql"
        script.write_text(SCRIPTS[name], encoding="utf-8")
        command = [
            str(binaries.postgres_bin() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=1",
            f"--time={seconds}", f"--file={script}", "--log", f"--log-prefix={folder}/log", settings.DATABASE_OWNER_DSN,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return {"rate": _rate(done.stdout), "latencies_ms": _latencies(Path(folder))}


def _rate(output: str) -> float:
    found = re.search(r"tps = ([\d.]+)", output)
    if not found:
        raise RuntimeError(f"pgbench said: {output}")
    return float(found.group(1))


def _latencies(folder: Path) -> dict[str, float]:
    taken = sorted(int(line.split()[2]) / 1000 for log in folder.glob("log.*") for line in log.read_text().splitlines())
    return {name: round(taken[int((len(taken) - 1) * share)], 2) for name, share in (("p50", 0.5), ("p99", 0.99))}

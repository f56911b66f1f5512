"""`python -m sandbox`: the sandbox acquirer on this machine, answering until it is told to stop."""

import argparse
import gc
import os
from pathlib import Path

import uvicorn

from sandbox.app import DEFAULT_DATA_DIR, App


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox", description="Sandbox acquirer and bank.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SANDBOX_PORT", "8100")))
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("SANDBOX_DATA_DIR", DEFAULT_DATA_DIR)))
    chosen = parser.parse_args()
    # A call leaves little behind for the collector, and what stays is kept for good.
    gc.set_threshold(50_000, 20, 50)
    uvicorn.run(
        App(chosen.data_dir),
        host=chosen.host,
        port=chosen.port,
        # One, whatever WEB_CONCURRENCY says to the web server: the journal has one writer.
        workers=1,
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        # Callers keep connections for long: closing an idle one under their hands would look like a fault.
        timeout_keep_alive=300,
        # Calls held on purpose must not hold up a shutdown.
        timeout_graceful_shutdown=1,
        backlog=4096,
    )


if __name__ == "__main__":
    main()

"""The official Node SDK, unmodified. Skipped only where there is no Node."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.stack import Stack

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory) -> Path:
    """The SDK at the version in package.json, installed outside the repository."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node is not installed")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "check.js"):
        shutil.copy(NODE / name, folder)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=240)
    return folder


def test_the_node_sdk_sees_what_the_python_sdk_sees(stack: Stack, secret: str, node_modules: Path) -> None:
    address = urlsplit(stack.base)
    command = ["node", "check.js", str(address.hostname), str(address.port), secret]
    ran = subprocess.run(command, cwd=node_modules, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "held": "requires_capture",
        "captured": 1500,
        "confirmed": "succeeded",
        "refunded": "succeeded",
        "canceled": "canceled",
        "listed": 4,
        "expanded": "ada@example.com",
        "card": "StripeCardError",
        "invalid": "amount",
        "idempotency": "StripeIdempotencyError",
        "authentication": "StripeAuthenticationError",
    }

#!/bin/sh
# Makes .venv hold exactly the pinned requirements. When it already does, returns within milliseconds.
# Needs Python >= 3.11 and the package index; nothing else of the machine is used or changed.
set -eu
cd "$(dirname "$0")/.."

stamp=".venv/.stamp-$(cat requirements/base.txt requirements/dev.txt | cksum | tr -cd '0-9')"
if [ -f "$stamp" ] && [ -x .venv/bin/python ]; then
    exit 0
fi

is_new_enough() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if is_new_enough "$python"; then
        exec "$python" scripts/bootstrap.py "$stamp"
    fi
done
echo "Florin needs Python 3.11 or newer. Found: $(python3 --version 2>&1 || echo none)." >&2
echo "Install one, or name it: make PYTHON=/path/to/python3.12 run" >&2
exit 1

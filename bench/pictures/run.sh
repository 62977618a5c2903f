#!/bin/sh
# Batches beside PyTorch's loader, then the scan. Needs Python 3.10 or newer with venv; PYTHON names one that has torch and
# pillow already. PERCEIVE_PICTURES names the folder that holds BSDS500.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${PYTHON:-}" ]; then
    venv="${TMPDIR:-/tmp}/perceive-ir-torch"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -c "import torch, PIL, numpy" 2>/dev/null || "$venv/bin/pip" install --quiet torch pillow numpy
    PYTHON="$venv/bin/python"
fi
cargo bench --bench pictures -- --pytorch "$PYTHON" "$@"
cargo bench --bench pictures -- --scan

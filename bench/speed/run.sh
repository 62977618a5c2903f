#!/bin/sh
# The networks' speed, and PyTorch's beside it. Needs Python 3.10 or newer with venv, and g++ for torch.compile;
# PERCEIVE_BENCH_PYTHON names one that has torch already. Arguments go to the benchmark (--help tells which).
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${PERCEIVE_BENCH_PYTHON:-}" ]; then
    venv="${TMPDIR:-/tmp}/perceive-ir-torch"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -c "import torch, numpy" 2>/dev/null || "$venv/bin/pip" install --quiet torch numpy
    PERCEIVE_BENCH_PYTHON="$venv/bin/python"
fi
export PERCEIVE_BENCH_PYTHON
cargo bench --workspace --bench speed -- "$@"

#!/bin/sh
# The record's speed, and MLflow's beside it. Needs Python 3.10 or newer with venv; PYTHON names one that has mlflow already.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${PYTHON:-}" ]; then
    venv="${TMPDIR:-/tmp}/perceive-ir-mlflow"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -c "import mlflow" 2>/dev/null || "$venv/bin/pip" install --quiet mlflow
    PYTHON="$venv/bin/python"
fi
cargo bench --bench record -- "$@"
cargo bench --bench record -- --mlflow "$PYTHON"

#!/usr/bin/env bash
# Plans a grid of 1,000 and of 10,000 cases (λ2 × λ3 of an experiment with all stages) as whole processes, and prints the
# wall time, processor time and memory of each of five runs, sorted.
#
# PERCEIVE_IR names the binary (target/release/perceive-ir).
set -euo pipefail

program="${PERCEIVE_IR:-target/release/perceive-ir}"
desk="$(mktemp -d)"
trap 'rm -rf "$desk"' EXIT

list() { seq -s, -f "$1" 1 "$2"; }

for cases in 1000 10000; do
    {
        echo '[experiment.grid]'
        echo 'scale = "tiny"'
        echo 'towers = "stand-in"'
        echo '[experiment.grid.matrix]'
        echo "\"restore.loss.clip_aware\" = [$(list 0.%04.0f $((cases / 10)))]"
        echo "\"restore.loss.perceptual\" = [$(list 0.%02.0f 10)]"
        for role in train test; do
            echo "[[experiment.grid.$role]]"
            echo 'dataset = "scenes"'
            echo 'count = 64'
            echo 'size = 96'
            echo 'degradations = [{ kind = "noise", sigma = 25 }, { kind = "haze" }, { kind = "rain" }, { kind = "blur" }, { kind = "low-light" }]'
        done
    } >"$desk/grid.toml"
    echo "$cases cases:"
    for _ in 1 2 3 4 5; do
        /usr/bin/time -f '%e s wall, %U s processor, %M kB' "$program" --home "$desk/home" -q plan grid \
            --experiments-file "$desk/grid.toml" --format csv 2>&1 >/dev/null
    done | sort -n
done

#!/usr/bin/env bash
# Runs a sweep undisturbed and, in another home, struck ten times on its way; then compares the tables and every file.
#
#   bench/reliability/struck_sweep.sh PICTURES [EXPERIMENT [ARGUMENT…]]
#
# PICTURES is a folder for `data add`; the default sweep is table7 at scale tiny, two seeds. PERCEIVE_IR names the binary
# (target/release/perceive-ir), SEED the random moments, EVERY the longest time between two blows in seconds (40).
set -euo pipefail

pictures="$1"
experiment="${2:-table7}"
arguments=("${@:3}")
[ "${#arguments[@]}" -gt 0 ] || arguments=(--scale tiny --seeds 2)
program="${PERCEIVE_IR:-target/release/perceive-ir}"
RANDOM="${SEED:-1}"
every="${EVERY:-40}"
desk="$(mktemp -d)"
trap 'rm -rf "$desk"' EXIT

for home in calm struck; do
    "$program" --home "$desk/$home" -q data add "$pictures" >"$desk/$home.data" 2>&1 || true
done

began=$SECONDS
"$program" --home "$desk/calm" run "$experiment" "${arguments[@]}" >"$desk/calm.out" 2>"$desk/calm.err"
echo "undisturbed: $((SECONDS - began)) s"

began=$SECONDS
for blow in $(seq 10); do
    "$program" --home "$desk/struck" run "$experiment" "${arguments[@]}" >"$desk/struck.out" 2>"$desk/struck.err" &
    orchestrator=$!
    sleep "$((5 + RANDOM % every))"
    worker="$(pgrep -P "$orchestrator" | head -1 || true)"
    case $((RANDOM % 3)) in
    0) blow_is="kill -9 of the orchestrator"; kill -9 "$orchestrator" ;;
    1) blow_is="SIGTERM"; kill -TERM "$orchestrator" ;;
    2) blow_is="kill -9 of worker and orchestrator"; kill -9 ${worker:+"$worker"} "$orchestrator" ;;
    esac 2>/dev/null || blow_is="$blow_is, after the end"
    wait "$orchestrator" 2>/dev/null || true
    echo "blow $blow: $blow_is, with $(find "$desk/struck/artefacts" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l) artefacts made"
done
"$program" --home "$desk/struck" run "$experiment" "${arguments[@]}" >"$desk/struck.out" 2>"$desk/struck.err"
echo "struck: $((SECONDS - began)) s"

for home in calm struck; do
    "$program" --home "$desk/$home" -q results "$experiment" --format csv >"$desk/$home.csv"
    (cd "$desk/$home/artefacts" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$desk/$home.sums"
done
cmp "$desk/calm.csv" "$desk/struck.csv"
cmp "$desk/calm.sums" "$desk/struck.sums"
echo "equal: the table, and $(wc -l <"$desk/calm.sums") files of $(find "$desk/calm/artefacts" -mindepth 1 -maxdepth 1 | wc -l) artefacts"
"$program" --home "$desk/struck" -q results "$experiment"

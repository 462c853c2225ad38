#!/usr/bin/env bash
# Kills a run at random moments, takes it up again each time, and compares the tables with those of an
# undisturbed run, byte by byte.
#
#   scripts/survive.sh [KILLS=100] [PROGRAM=target/release/pixelflip]
set -euo pipefail
cd "$(dirname "$0")/.."
kills=${1:-100} program=$(realpath "${2:-target/release/pixelflip}")
desk=$(mktemp -d)
trap 'rm -rf "$desk"' EXIT
run=(run --model scenes --data scenes --images 24 --repeats 1 --steps 30
    --methods random,gradient,lrp-epsilon-plus-flat --threads 2 --quiet)

begin=$(date +%s%N)
"$program" "${run[@]}" --out "$desk/whole" >/dev/null
whole=$((($(date +%s%N) - begin) / 1000000))

killed=0 ended=0 i=0
while [ "$killed" -lt "$kills" ]; do
    i=$((i + 1))
    # a run that goes on is short: begin anew now and then, so that every moment is met
    [ $((i % 5)) -ne 1 ] || rm -rf "$desk/out"
    "$program" "${run[@]}" --out "$desk/out" >/dev/null 2>&1 &
    child=$!
    sleep "$(awk -v ms="$whole" -v r="$RANDOM" 'BEGIN { printf "%.3f", ms * r / 32768 / 1000 }')"
    if kill -9 "$child" 2>/dev/null; then killed=$((killed + 1)); else ended=$((ended + 1)); fi
    wait "$child" 2>/dev/null || true
    if [ $((i % 5)) -eq 0 ] || [ "$killed" -eq "$kills" ]; then
        "$program" "${run[@]}" --out "$desk/out" >/dev/null
        diff -r --exclude='timings*' "$desk/whole" "$desk/out"
    fi
done
echo "$killed kills and $ended runs that had ended before, of $whole ms each: all tables the same bytes"

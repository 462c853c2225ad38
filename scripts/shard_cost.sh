#!/usr/bin/env bash
# What shards cost: processor time of one run, and of SHARDS shards and their merge.
#
#   scripts/shard_cost.sh [SHARDS=8] [PROGRAM=target/release/pixelflip] [arguments of `run` ...]
set -euo pipefail
cd "$(dirname "$0")/.."
shards=${1:-8} program=$(realpath "${2:-target/release/pixelflip}")
shift 2 || shift $#
[ $# -gt 0 ] || set -- --model scenes --data scenes --images 200 --repeats 4
desk=$(mktemp -d)
trap 'rm -rf "$desk"' EXIT

# milliseconds of processor time of a call
cost() {
    TIMEFORMAT='%U %S'
    { time "$program" "$@" --quiet >/dev/null; } 2>&1 | awk '{ printf "%d", 1000 * ($1 + $2) }'
}
one=$(cost run "$@" --out "$desk/one")
all=0
for i in $(seq 0 $((shards - 1))); do
    all=$((all + $(cost run "$@" --out "$desk/all" --shard "$i/$shards")))
done
merge=$(cost merge "$desk/all")
diff -r --exclude='timings*' "$desk/one" "$desk/all"
awk -v one="$one" -v all="$all" -v merge="$merge" -v n="$shards" 'BEGIN {
    printf "one run %.1f s, %d shards %.1f s and merge %.1f s: %+.2f %%, the same bytes\n",
        one / 1000, n, all / 1000, merge / 1000, 100 * ((all + merge) / one - 1) }'

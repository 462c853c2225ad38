#!/usr/bin/env bash
# Fuzzes what reads files, guided by coverage, until every target has had SECONDS of processor time:
#
#   scripts/fuzz.sh [SECONDS=600] [TARGET ...]      the targets are those of fuzz/targets.rs
#
# Targets take turns, one process at a time. Inputs that reach new code are kept in fuzz/corpus, what fails
# in fuzz/artifacts (fuzz/README.md says what to do with it); exit code 1 if anything failed.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
seconds=${1:-600}
shift || true
export CARGO_TARGET_DIR=$PWD/target RUSTC_WRAPPER=$PWD/rustc.sh CARGO_INCREMENTAL=0
cargo build --release --package pixelflip-fuzz
target/release/seeds corpus
[ $# -gt 0 ] || set -- $(ls corpus)

# files that live for a moment need no disk
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
mkdir -p artifacts log
TIMEFORMAT='%U %S'

# a turn of a minute for the target; prints the processor time it took
turn() {
    { time PIXELFLIP_FUZZ_TARGET=$1 target/release/file -max_total_time=60 -timeout=600 \
        -rss_limit_mb=3000 -max_len=65536 -reload=0 -artifact_prefix="artifacts/$1-" \
        "corpus/$1" >>"log/$1" 2>&1; } 2>&1 || true
}

# milliseconds of processor time that a target has had, in this and earlier calls
spent() { cat "log/$1.spent" 2>/dev/null || echo 0; }

busy=1
while [ "$busy" -eq 1 ]; do
    busy=0
    for target in "$@"; do
        [ "$(spent "$target")" -lt "$((seconds * 1000))" ] || continue
        busy=1
        used=$(turn "$target" | awk '{ printf "%d", 1000 * ($1 + $2) }')
        echo "$(($(spent "$target") + used))" >"log/$target.spent"
        found=$(find artifacts -name "$target-*" | wc -l)
        inputs=$(find "corpus/$target" -type f | wc -l)
        echo "$target: $(($(spent "$target") / 1000)) s, $inputs inputs, $found failures"
    done
done
[ -z "$(ls artifacts)" ]

#!/usr/bin/env bash
# Fuzzes what reads files: SECONDS for each target, with a limit on memory; fuzz/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --no-run --test fuzz
ulimit -v 8000000
PIXELFLIP_FUZZ_SECONDS=${1:-600} PIXELFLIP_FUZZ_FIRST=${2:-0} cargo test --test fuzz -- --nocapture

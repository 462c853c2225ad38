#!/usr/bin/env bash
# A soak: a run of PARTS small parts. Memory and open files are sampled while it is at work and must not
# grow with the parts; then the time is taken that the same command needs to find its place again.
#
#   scripts/soak.sh [PARTS=10000] [PROGRAM=target/release/pixelflip]
set -euo pipefail
cd "$(dirname "$0")/.."
parts=${1:-10000} program=$(realpath "${2:-target/release/pixelflip}")
desk=$(mktemp -d)
trap 'rm -rf "$desk"' EXIT

# eight pictures to a part, 32 x 32 pixels of noise each
pictures=$((8 * parts))
header="{'descr': '|u1', 'fortran_order': False, 'shape': ($pictures, 32, 32, 3), }"
{
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$header"
    head -c $((pictures * 32 * 32 * 3)) /dev/urandom
} >"$desk/noise.npy"
cp tests/data/onnx/tinyvgg.ts17_fix.onnx "$desk/m.onnx"
printf "channels = 'rgb'\nscale = 0.004\nmean = [0.5, 0.5, 0.5]\nstd = [0.3, 0.3, 0.3]\n" >"$desk/m.toml"
run=(run --model "$desk/m.onnx" --data "$desk/noise.npy" --methods random --orders morf --region 16
    --repeats 1 --steps 1 --threads 2 --out "$desk/out")

"$program" "${run[@]}" --quiet --max-time 1d >/dev/null &
child=$!
while kill -0 "$child" 2>/dev/null; do
    # what is looked at may not be there yet, or not any more
    done=$(find "$desk/out/curves" -name '*.parquet' 2>/dev/null | wc -l) || true
    memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$child/status" 2>/dev/null) || true
    files=$(find "/proc/$child/fd" -mindepth 1 2>/dev/null | wc -l) || true
    [ -z "$memory" ] || echo "$done $memory $files"
    sleep 2
done >"$desk/samples"
wait "$child"
awk -v parts="$parts" '
    $1 >= parts { rest = $2 > rest ? $2 : rest; next }
    { third = int(3 * $1 / parts); memory[third] += $2; n[third]++; if ($3 > files[third]) files[third] = $3 }
    END {
        for (t = 0; t < 3; t++) if (n[t])
            printf "third %d: %.1f MB on average, at most %d open files, %d samples\n", t + 1, memory[t] / n[t] / 1024, files[t], n[t]
        printf "putting together: at most %.1f MB\n", rest / 1024
    }' "$desk/samples"

# as if the last part were missing; stops as soon as it knows what there is to do
rm "$desk/out/curves/part-$(printf %05d $((parts - 1))).parquet"
TIMEFORMAT='finding the place among the parts: %R s, %U + %S s of processor time'
time "$program" "${run[@]}" --max-time 0s 2>&1 | tail -n 3

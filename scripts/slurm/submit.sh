#!/usr/bin/env bash
# Submits a run to SLURM: an array of shards, and a merge that starts when all of them have ended.
#
#   scripts/slurm/submit.sh OUT SHARDS [sbatch options ...] -- [arguments of `pixelflip run` ...]
#
# The same line again does what is missing and nothing else: only the merge where all parts are done,
# nothing where all is put together. PIXELFLIP names the program where it is not on the PATH. Prints the
# numbers of the jobs.
set -euo pipefail

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
out=$1 shards=$2
shift 2
[[ $shards =~ ^[1-9][0-9]*$ ]] || usage
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
[ $# -gt 0 ] && shift

here=$(dirname "$(realpath "$0")")
export PIXELFLIP=${PIXELFLIP:-pixelflip}
array=0-$((shards - 1))
if [ -e "$out/manifest.json" ]; then
    code=0
    missing=$("$PIXELFLIP" status "$out" --missing-shards --shards "$shards") || code=$?
    case $code in
        0) echo "$out is complete" >&2; exit 0 ;;
        3) array=$missing ;;
        *) exit "$code" ;;
    esac
fi

after=() tasks=
if [ -n "$array" ]; then
    # what has to stand in one argument each is handed over by position, not through the environment
    tasks=$(sbatch --parsable --job-name=pixelflip --array="$array" --requeue --open-mode=append \
        --signal=B:USR1@120 --output="pixelflip-%A_%a.log" "${options[@]}" \
        "$here/shard.sh" "$out" "$shards" "$@")
    tasks=${tasks%%;*}
    # afterany: a shard that failed must not leave the merge waiting for ever; it names what is missing
    after=(--dependency="afterany:$tasks")
fi
merge=$(sbatch --parsable --job-name=pixelflip-merge --output="pixelflip-%j-merge.log" \
    "${options[@]}" "${after[@]}" "$here/merge.sh" "$out")
echo "${tasks:+$tasks }${merge%%;*}"

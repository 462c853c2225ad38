#!/usr/bin/env bash
# Submits a run to SLURM: an array of shards, and a merge that starts when all of them have ended.
#
#   scripts/slurm/submit.sh OUT SHARDS [sbatch options ...] -- [arguments of `pixelflip run` ...]
#
# The same line again does what is missing and nothing else. PIXELFLIP names the program where it is
# not on the PATH. Prints the numbers of the two jobs.
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
    missing=$("$PIXELFLIP" status "$out" --missing-shards --shards "$shards") || [ $? -eq 3 ]
    [ -z "$missing" ] || array=$missing
fi

# what has to stand in one argument each is handed over by position, not through the environment
tasks=$(sbatch --parsable --job-name=pixelflip --array="$array" --requeue --open-mode=append \
    --signal=B:USR1@120 --output="pixelflip-%A_%a.log" "${options[@]}" \
    "$here/shard.sh" "$out" "$shards" "$@")
tasks=${tasks%%;*}
# afterany: a shard that failed must not leave the merge waiting for ever; it names what is missing
merge=$(sbatch --parsable --job-name=pixelflip-merge --output="pixelflip-%j-merge.log" \
    "${options[@]}" --dependency="afterany:$tasks" "$here/merge.sh" "$out")
echo "$tasks ${merge%%;*}"

#!/usr/bin/env bash
# One shard of a run as a task of a SLURM array; submit.sh submits it: OUT SHARDS [arguments ...].
#
# Stops by itself before the job's time is up, and requeues itself then. A task that is preempted,
# requeued, cancelled or killed loses the parts in hand only. One whose time is too short for a single part is
# not started again: it would come no further.
set -uo pipefail
out=$1 shards=$2
shift 2

# SLURM_JOB_ID will not do: in one task of an array it is the number of the whole array
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
ask() { squeue --noheader --jobs="$task" --format="$1" 2>/dev/null; }

limit=()
left=$(ask %L)
[[ $left =~ ^[0-9:-]+$ ]] && limit=(--max-time "$left")

# what is said is kept, too; signals to all processes of the task are not for what keeps it
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
mkfifo "$said/pipe"
(trap '' TERM INT USR1; exec tee "$said/text" <"$said/pipe" >&2) &
keeper=$!
"${PIXELFLIP:-pixelflip}" run "$@" --out "$out" --shard "$SLURM_ARRAY_TASK_ID/$shards" "${limit[@]}" 2>"$said/pipe" &
child=$!
hand_on() { kill "-$1" "$child" 2>/dev/null; }
trap 'hand_on TERM' TERM INT
trap 'hand_on USR1' USR1
# a signal to this script ends `wait` early, with a code that a killed child could have too
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
wait "$child"
code=$?
while kill -0 "$keeper" 2>/dev/null; do wait "$keeper"; done
if [ "$code" -eq 75 ] && grep -q 'the same time again comes no further' "$said/text"; then
    echo "shard $SLURM_ARRAY_TASK_ID is not started again: give its task more time (--time), see above" >&2
    exit "$code"
fi

# 75: stopped before it was done. A task that was cancelled is COMPLETING too, but for no reason
if [ "$code" -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ] &&
    [[ $(ask %T/%r) =~ ^(RUNNING/|COMPLETING/TimeLimit$) ]]; then
    scontrol requeue "$task" && exit 0
fi
exit "$code"

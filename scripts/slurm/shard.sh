#!/usr/bin/env bash
# One shard of a run as a task of a SLURM array; submit.sh submits it: OUT SHARDS [arguments ...].
#
# Stops by itself before the job's time is up, and requeues itself then. A task that is preempted,
# requeued or killed loses the parts in hand only.
set -uo pipefail
out=$1 shards=$2
shift 2

limit=()
left=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%L 2>/dev/null | head -n 1)
[[ $left =~ ^[0-9:-]+$ ]] && limit=(--max-time "$left")

"${PIXELFLIP:-pixelflip}" run "$@" --out "$out" --shard "$SLURM_ARRAY_TASK_ID/$shards" "${limit[@]}" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
trap 'kill -USR1 "$child" 2>/dev/null' USR1
wait "$child"
code=$?
# a signal to this script ends `wait` early; 127: there is nothing left to wait for
while [ "$code" -gt 128 ]; do
    wait "$child" 2>/dev/null
    again=$?
    [ "$again" -eq 127 ] && break
    code=$again
done

# 75: stopped before it was done
if [ "$code" -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then
    scontrol requeue "$SLURM_JOB_ID" && exit 0
fi
exit "$code"

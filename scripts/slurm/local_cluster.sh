#!/usr/bin/env bash
# A SLURM cluster on this machine, for tests: no systemd, no dbus, no cgroups, no accounting. As root,
# with Debian's packages slurmctld, slurmd, slurm-client and munge.
#
#   scripts/slurm/local_cluster.sh up DIR [NODES]     then: export SLURM_CONF=DIR/slurm.conf
#   scripts/slurm/local_cluster.sh down DIR
set -euo pipefail

up() {
    local dir nodes host
    dir=$(realpath -m "$1") nodes=$2 host=$(hostname -s)
    mkdir -p "$dir"/{state,log,spool}
    chmod 755 "$dir"
    munge_up "$dir"
    configuration "$dir" "$nodes" "$host" >"$dir/slurm.conf"
    export SLURM_CONF=$dir/slurm.conf
    slurmctld -c
    for i in $(seq "$nodes"); do slurmd -N "n$i"; done
    for _ in $(seq 100); do
        [ "$(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle')" -eq "$nodes" ] && return
        sleep 0.1
    done
    echo "the nodes are not idle after 10 s, see $dir/log" >&2
    exit 1
}

# munged wants a key and a folder for its socket that belong to its own user
munge_up() {
    munge -n >/dev/null 2>&1 && return
    install -d -o munge -g munge -m 755 /run/munge
    if [ ! -s /etc/munge/munge.key ]; then
        (umask 077 && head -c 1024 /dev/urandom >/etc/munge/munge.key)
        chown munge:munge /etc/munge/munge.key
    fi
    setpriv --reuid=munge --regid=munge --init-groups /usr/sbin/munged
    touch "$1/munge.ours"
}

configuration() {
    local dir=$1 nodes=$2 host=$3
    cat <<CONF
ClusterName=pixelflip
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort=26817
SlurmdPort=26818
StateSaveLocation="$dir/state"
SlurmdSpoolDir="$dir/spool/%n"
SlurmctldPidFile="$dir/slurmctld.pid"
SlurmdPidFile="$dir/slurmd.%n.pid"
SlurmctldLogFile="$dir/log/slurmctld.log"
SlurmdLogFile="$dir/log/slurmd.%n.log"
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=1,sched_interval=1,sched_min_interval=100000
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge=300
CONF
    # without RealMemory a node has 1 MB
    for i in $(seq "$nodes"); do
        echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((26820 + i)) CPUs=1 RealMemory=2000 State=UNKNOWN"
    done
    echo "PartitionName=all Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE State=UP"
}

down() {
    local dir file
    dir=$(realpath "$1")
    # what jobs have started would live on without the daemons
    if alive "$dir/slurmctld.pid"; then
        export SLURM_CONF=$dir/slurm.conf
        scancel --quiet --user=root || true
        for _ in $(seq 100); do
            [ -n "$(squeue --noheader 2>&1)" ] || break
            sleep 0.1
        done
    fi
    for file in "$dir"/slurmd.*.pid "$dir"/slurmctld.pid; do end "$file"; done
    [ ! -f "$dir/munge.ours" ] || end /run/munge/munged.pid
}

# Ends a daemon and waits for that: it writes its state then, and the next one wants its port.
end() {
    local pid
    alive "$1" || return 0
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 100); do
        [ -e "/proc/$pid/exe" ] || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
}

# False for one that has ended and that nobody has waited for, unlike kill -0.
alive() { [ -s "$1" ] && [ -e "/proc/$(cat "$1")/exe" ]; }

case "${1:-} ${2:-}" in
    "up "?*) up "$2" "${3:-1}" ;;
    "down "?*) down "$2" ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
esac

# Shared by the benches that start a whole node with ./coppice: set -u safe POSIX sh; lib.sh comes first.

root=$(dirname "$BENCH_HOME")
scratch=$(mktemp -d)
node=
nginx=
trap 'stop_node; [ -z "$nginx" ] || kill "$nginx" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

millis() { date +%s%N | cut -b1-13; }

# cpu_millis PID: user and system time of all threads (proc(5)).
cpu_millis() { sed 's/.*) //' "/proc/$1/stat" | awk '{print ($12 + $13) * 10}'; }

# resident PID: VmRSS in MiB.
resident() { awk '/^VmRSS:/ {print int($2 / 1024)}' "/proc/$1/status"; }

# start_node [ARGUMENTS...]: starts a node on $scratch/data and free ports, waits for its ready line, and sets
# node (process), wall_millis (from starting the launcher to the ready line) and the file $scratch/out.
start_node() {
    : >"$scratch/out"
    started=$(millis)
    "$root/coppice" up --data "$scratch/data" --api-port 0 --etcd-port 0 --public-port 0 --peer-port 0 --json "$@" \
        >"$scratch/out" 2>"$scratch/err" &
    node=$!
    until grep -q '"event":"ready"' "$scratch/out"; do
        kill -0 "$node" 2>/dev/null || { say "The node did not start:"; cat "$scratch/err" >&2; exit 1; }
        sleep 0.01
    done
    wall_millis=$(($(millis) - started))
}

stop_node() {
    [ -n "$node" ] || return 0
    kill "$node" 2>/dev/null || true
    wait "$node" 2>/dev/null || true
    node=
}

# field NAME: a field of the ready line.
field() { grep '"event":"ready"' "$scratch/out" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }

median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# result NAME UNIT VALUE GOAL RUNS: a line without a peer.
result() {
    printf '{"name":"%s","unit":"%s","coppice":%s,"peer":null,"peerName":null,"ratio":null,"goal":%s,"runs":%s}\n' "$@"
}

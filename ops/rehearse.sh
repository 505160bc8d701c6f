#!/usr/bin/env bash
# Upgrade, move, and loss of a validator, for real: four validators on this machine, with money in the state.
# Ends with 0 when after each step the validator has caught up and a balance is proved at it.
#   ops/rehearse.sh target/release/clockless [the upgraded binary]
set -euo pipefail

old=$(realpath "${1:?the clockless binary}")
new=$(realpath "${2:-$1}")
work=$(mktemp -d)
base=${BASE_PORT:-17400}
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
export CLOCKLESS_PASSWORD=rehearsal

say() { printf '%s  %s\n' "$(date -u +%T)" "$*"; }
metrics() { curl -sf "http://127.0.0.1:$((base + 3 * $1 + 2))/metrics"; }
figure() { metrics "$1" | awk -v name="$2" '$1 == name { print $2 }'; }

start() { # validator, binary
    "$2" node --config "$work/net/validator-$1/config.toml" >>"$work/validator-$1.log" 2>&1 &
    pids[$1]=$!
}
stop() {
    kill -TERM "${pids[$1]}"
    wait "${pids[$1]}" || true
}
# Waits until a validator has executed what validator 0 had executed when this was called.
caught_up() {
    local goal have
    goal=$(figure 0 clockless_node_executed_commit)
    for _ in $(seq 300); do
        have=$(figure "$1" clockless_node_executed_commit || echo 0)
        [ "${have:-0}" -ge "$goal" ] && { say "  validator $1 is at commit $have, asked for $goal"; return; }
        sleep 0.2
    done
    say "  validator $1 is at ${have:-nothing}, $goal is needed"
    tail -5 "$work/validator-$1.log"
    return 1
}
proved() { # the balance of the person at a validator, with the committee's keys alone
    for _ in $(seq 100); do
        if "$new" verify --genesis "$work/net/genesis.json" --node "127.0.0.1:$((base + 3 * $1 + 1))" \
            --account "$owner" --balance "$2" >"$work/verified" 2>&1; then
            say "  $(head -1 "$work/verified")"
            return
        fi
        sleep 0.2
    done
    cat "$work/verified"
    return 1
}
faucet() {
    "$new" faucet --key "$work/me.json" --amount 1000 --node "127.0.0.1:$((base + 1))" \
        --genesis "$work/net/genesis.json" >/dev/null
}

say "a network of four, and a person with money"
"$old" genesis --validators 4 --out "$work/net" --base-port "$base" >/dev/null 2>&1
sed -i 's/"faucet": *"closed"/"faucet": {"open": {"micros_max": 1000000000000}}/' "$work/net/genesis.json"
for v in 0 1 2 3; do start $v "$old"; done
for v in 0 1 2 3; do until curl -sf "http://127.0.0.1:$((base + 3 * v + 2))/ready" >/dev/null; do sleep 0.1; done; done
"$new" keys new --out "$work/me.json" >/dev/null
owner=$("$new" keys show "$work/me.json")
faucet
proved 3 1000

say "upgrade: one validator at a time, each back before the next"
for v in 3 2 1 0; do
    stop $v
    start $v "$new"
    sleep 1
    if [ $v = 0 ]; then caught_up 1; else caught_up $v; fi
done
faucet
proved 3 2000

say "move: stop, copy the folder, start at the copy; the original is gone for good"
stop 3
faucet
cp -a "$work/net/validator-3" "$work/net/moved"
rm -rf "$work/net/validator-3"
mv "$work/net/moved" "$work/net/validator-3"
start 3 "$new"
sleep 1
caught_up 3
proved 3 3000

say "loss: the disk is gone; key, configuration and genesis come from the backup"
stop 3
cp -a "$work/net/validator-3" "$work/backup"
rm -rf "$work/backup/data" "$work/net/validator-3"
faucet
cp -a "$work/backup" "$work/net/validator-3"
start 3 "$new"
sleep 1
caught_up 3
proved 3 4000
say "all steps done"

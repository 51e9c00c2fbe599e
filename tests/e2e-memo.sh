#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a worker remembers ends with the generation and with the configuration, and is told to nobody else.
. "${srcdir:-.}/tests/lib.sh"

name=lyncdiscoverinternal.harbor.example
dir=$(new_dir)
make_repo "$dir/zones" "$srcdir/examples/harbor"
repo_git "$dir/zones" rm -q -r tests && repo_git "$dir/zones" commit -q -m "no tests: the answers change here"
WORKERS=1
conf=$(make_conf "$dir" "identity = first")
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"

counter() {
    "$SPLITVIEW" --config "$conf" status --json | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"
}

# The same question, byte for byte but for its ID.
again() {
    ask 127.10.0.1 $name A +noedns "$@"
}

reloads=0
reload() {
    reloads=$((reloads + 1))
    make_conf "$dir" "$@" >/dev/null
    kill -HUP "$DAEMON_PID"
    wait_line "$DAEMON_LOG" "reloaded" 20 $reloads
}

is "$(again; again)" "10.10.1.20
10.10.1.20" "the same answer twice"
is "$(counter replies-recalled)" 1 "the second time it was remembered"
is "$(ask_rcode 127.99.0.1 $name A +noedns)" NXDOMAIN "another view's answer is another"
is "$(ask 127.10.0.1 $name A +noedns +tcp)" 10.10.1.20 "over TCP it is not remembered"
is "$(counter replies-recalled)" 1 "nor counted so"

# ---- generations ----
for last in 21 22 23; do
    sed "s/10\.10\.1\.[0-9]*/10.10.1.$last/" "$dir/zones/internal/harbor.example.zone" >"$dir/changed"
    cp "$dir/changed" "$dir/zones/internal/harbor.example.zone"
    repo_git "$dir/zones" commit -q -a -m "to $last"
    check "import" "$SPLITVIEW" --config "$conf" import
    is "$(again)" "10.10.1.$last" "with the import to $last comes its answer"
    is "$(again)" "10.10.1.$last" "and stays"
done
check "rollback" "$SPLITVIEW" --config "$conf" rollback
is "$(again)" "10.10.1.22" "with the rollback the one before"

# ---- settings ----
identity() {
    ask_dig 127.10.0.1 $name A +nsid +nocookie | sed -n 's/^; NSID: .*("\(.*\)").*/\1/p'
}
is "$(identity; identity)" "first
first" "the identity"
check "SIGHUP with another identity" reload "identity = second"
is "$(identity)" second "is the identity at once"
ask_dig 127.10.0.1 $name A +bufsize=1232 +nocookie >/dev/null
check "SIGHUP with another udp-payload" reload "udp-payload = 700"
like "$(ask_dig 127.10.0.1 $name A +bufsize=1232 +nocookie)" "udp: 700\$" "is the payload at once"

again >/dev/null
check "SIGHUP with a query log" reload "query-log = yes" "query-log-file = $dir/log"
again >/dev/null
again >/dev/null
again >/dev/null
check "SIGHUP without" reload
is "$(grep -c "$name" "$dir/log")" 3 "each of the same questions was logged"

# ---- counters ----
sum=0
for rcode in noerror nxdomain refused servfail formerr other; do
    sum=$((sum + $(counter replies-$rcode)))
done
is "$sum" $(($(counter queries-udp) + $(counter queries-tcp))) "every query has its reply counted"
stop_daemon
is "$?" 0 "it stops"
tap_done

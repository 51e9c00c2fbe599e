#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A worker whose UDP socket is always full takes it out of the poller and asks it in each turn of its loop; when the
# socket is empty it sleeps again. More than a turn's queries wait here when the worker comes to them.
. "${srcdir:-.}/tests/lib.sh"

queries=2000
dir=$(new_dir)
make_repo "$dir/zones" "$srcdir/examples/harbor"
WORKERS=1
conf=$(make_conf "$dir")
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"

if grep -q "receive-buffer: the system grants" "$DAEMON_LOG"; then
    skip "a socket that stays full" "net.core.rmem_max has no room for $queries queries"
    stop_daemon
    tap_done
fi

counter() {
    "$SPLITVIEW" --config "$conf" status --json | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"
}

# Bytes that wait in the server's UDP socket.
waiting_bytes() {
    hex=$(printf ':%04X' "$PORT")
    echo $((0x$(awk -v at="$hex" '$2 ~ at "$" { split($5, queues, ":"); print queues[2] }' /proc/net/udp)))
}

# How often its threads went to sleep.
sleeps() {
    cat /proc/"$DAEMON_PID"/task/*/status | awk '/^voluntary_ctxt/ { sum += $2 } END { print sum }'
}

kill -STOP "$DAEMON_PID"
"$builddir/tests/load" --server "127.0.0.1@$PORT" --window "$queries" --count "$queries" --wait-ms 20000 \
    127.10.0.1 lyncdiscoverinternal.harbor.example A 10.10.1.20 \
    127.99.0.1 lyncdiscoverinternal.harbor.example A NXDOMAIN >"$dir/load" 2>&1 &
load=$!
until [ "$(waiting_bytes)" -ge $((queries * 256)) ] || ! kill -0 "$load" 2>/dev/null; do :; done
kill -CONT "$DAEMON_PID"
wait "$load"
is "$?" 0 "all are answered, and right"
like "$(cat "$dir/load")" "answered $queries lost 0 wrong 0 " "none is lost"

before=$(sleeps)
for i in 1 2 3 4 5 6 7 8 9 10; do
    ask 127.10.0.1 lyncdiscoverinternal.harbor.example A
done >"$dir/asked"
is "$(sort -u "$dir/asked" | wc -l)" "$(ask 127.10.0.1 lyncdiscoverinternal.harbor.example A | wc -l)" "it answers afterwards"
[ $(($(sleeps) - before)) -ge 10 ]
is "$?" 0 "and sleeps between queries again"
[ "$(counter replies-recalled)" -ge $((queries / 2)) ]
is "$?" 0 "most were remembered"
stop_daemon
is "$?" 0 "it stops"
tap_done

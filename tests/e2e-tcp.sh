#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# TCP as clients may use it: pipelining, segments of any size, half-closed and idle connections, slow readers, limits.
. "${srcdir:-.}/tests/lib.sh"

client=$builddir/tests/client
name=lyncdiscover.harbor.example

dir=$(new_dir)
make_repo "$dir/zones" "$srcdir/examples/harbor" || bail_out "no git repository of harbor"
conf=$(make_conf "$dir" "tcp-idle = 1s")
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"
server=127.0.0.1@$PORT

check "100 queries in one segment, 100 answers in order" "$client" pipeline "$server" "$name" 100
check "5000 queries at once" "$client" pipeline "$server" "$name" 5000
check "a query in segments of one byte" "$client" bytes "$server" "$name"
check "an empty message is passed over" "$client" empty "$server" "$name"
check "a client that closes its sending side gets its answers, then the end" "$client" halfclose "$server" "$name" 3

check "an idle connection is closed" "$client" idle "$server" "$name"
ms=${OUTPUT##* }
if [ "$ms" -ge 900 ] && [ "$ms" -lt 5000 ]; then
    ok "after tcp-idle"
else
    not_ok "after tcp-idle"
    diag "closed after $ms ms, wanted 1000"
fi
check "half a query, byte by byte, does not keep a connection open" "$client" half "$server" "$name"

check "who does not fetch answers is not read from, and loses none" "$client" slow "$server" "$name" 1000000
check "who never fetches them is closed" "$client" stuck "$server" "$name" 1000000
like "$(control "$dir/control" status)" '"tcp-stalled":[1-9]' "both are counted"
is "$(ask 127.99.0.1 $name A +tcp)" "$(ask 127.99.0.1 $name A)" "the server answers as before"
check "stops" stop_daemon

conf=$(WORKERS=1 make_conf "$dir" "tcp-clients-per-network = 3" "tcp-idle = 1h")
start_daemon "$conf" || bail_out "splitviewd does not start"
is "$("$client" connections "127.0.0.1@$PORT" $name 5)" "answered 3 closed 2" "connections from one network are limited"
like "$(control "$dir/control" status)" '"tcp-network-refused":2' "refused ones are counted"
is "$(ask 127.0.0.1 $name A)" "$(ask 127.99.0.1 $name A +tcp)" "another network is not hindered"
check "stops with connections open" stop_daemon

conf=$(WORKERS=1 make_conf "$dir" "tcp-clients = 4" "tcp-idle = 1h")
start_daemon "$conf" || bail_out "splitviewd does not start"
is "$("$client" evict "127.0.0.1@$PORT" $name 6)" "answered 6 alive 4" "at the limit the longest idle connection makes room"
like "$(control "$dir/control" status)" '"tcp-limit-closed":2' "closed ones are counted"
check "the start of a message does not protect an idle connection" "$client" crowd "127.0.0.1@$PORT" $name 4 8
check "stops" stop_daemon
tap_done

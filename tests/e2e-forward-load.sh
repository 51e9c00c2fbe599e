#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Forwarding under load: views with different upstreams never see each other's data; questions get lost on the way and
# half of the upstreams are dead, and still each is answered in time. LOAD is the number of questions (100000).
. "${srcdir:-.}/tests/lib.sh"
. "${srcdir:-.}/tests/lib-forward.sh"

load=$builddir/tests/forward_load
questions=${LOAD:-100000}
lossy_questions=${LOSSY-2000}

start_upstream site 127.0.1.1 || bail_out "no upstream"
site=$UPSTREAM
start_upstream public 127.0.1.2 || bail_out "no upstream"
public=$UPSTREAM
start_upstream lossy 127.0.1.3 --loss 30 --seed 7 || bail_out "no upstream"
lossy=$UPSTREAM
start_upstream lossy 127.0.1.4 --dead || bail_out "no upstream"
dead=$UPSTREAM
# Nobody listens at this one any more: the system says so at once.
start_upstream lossy 127.0.1.5 || bail_out "no upstream"
gone=$UPSTREAM
stop_upstream "$UPSTREAM_PID"

dir=$(new_dir)
mkdir -p "$dir/zones/internet"
cat >"$dir/zones/policy.conf" <<END
[view internet]
clients = any
[view internal]
clients = 127.10.0.0/16
base    = internet
forward = site
[view guest]
clients = 127.20.0.0/16
base    = internet
side    = external
forward = public
[view wireless]
clients = 127.30.0.0/16
base    = internet
forward = silent-one
[view closed]
clients = 127.40.0.0/16
base    = internet
forward = closed-one
[upstream site]
servers = $site
[upstream public]
servers = $public
[upstream silent-one]
servers = $dead, $lossy
[upstream closed-one]
servers = $gone, $lossy
END
cat >"$dir/zones/internet/harbor.example.zone" <<'END'
@   3600 SOA ns.isp.example. hostmaster 2026112001 7200 900 1209600 60
    3600 NS  ns.isp.example.
www 3600 A   192.0.2.80
END
repo_git "$dir/zones" init -q && repo_git "$dir/zones" add -A && repo_git "$dir/zones" commit -q -m zones
conf=$(make_conf "$dir" "forward-queries-per-client = 1000")
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"
server=127.0.0.1@$PORT

# Names are asked for again while they are cached, and by both views; every answer tells who gave it. A third of the
# questions comes from outsiders.
check "$questions questions of two views with two upstreams: each its own" \
    "$load" --server "$server" --count $((questions / 2 * 3)) --window 128 --names 2000 --mix --clients 4 \
    127.10.0.1=site 127.20.0.1=public 127.99.0.1=refused
diag "$(printf '%s\n' "$OUTPUT" | tail -n 1)"
like "$OUTPUT" "^asked .* mixed 0 " "no view sees what the other's upstream says"
for upstream in "$site" "$public"; do
    count=$(reached "$upstream")
    number_below "$count" $((questions / 4)) "the cache helps: $count came to $upstream"
done

check "30 % loss, the other of two upstreams silent: $lossy_questions questions answered within 5 seconds" \
    "$load" --server "$server" --count "$lossy_questions" --window 64 --names 1000000 --clients 4 --wait-ms 5000 \
    127.30.0.1=lossy
diag "$(printf '%s\n' "$OUTPUT" | tail -n 1)"
count=$(reached "$dead")
diag "$count questions went to the silent one, $(reached "$lossy") to the other"
number_below "$count" $((lossy_questions / 2)) "it is not asked every time"
check "30 % loss, the other one closed: the same" \
    "$load" --server "$server" --count "$lossy_questions" --window 64 --names 1000000 --seed 9 --clients 4 --wait-ms 5000 \
    127.40.0.1=lossy
diag "$(printf '%s\n' "$OUTPUT" | tail -n 1)"
is "$(ask 127.30.0.1 www.harbor.example A)" 192.0.2.80 "our names are answered as before"
check "stops" stop_daemon
tap_done

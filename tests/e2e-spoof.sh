#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A forger sends a million replies from the upstream's own address and port (RFC 5452), in a network namespace: none is
# believed. The same forger succeeds where port and ID are known, or the port alone: so this test can fail.
if [ -z "$SPOOF_NAMESPACE" ]; then
    SPOOF_NAMESPACE=1
    export SPOOF_NAMESPACE
    for option in "-n" "-Urn"; do
        if unshare $option true 2>/dev/null; then
            exec unshare $option "${BASH:-/bin/sh}" "$0" "$@"
        fi
    done
    echo "1..0 # SKIP no network namespace can be made here"
    exit 0
fi
. "${srcdir:-.}/tests/lib.sh"
. "${srcdir:-.}/tests/lib-forward.sh"

forger=$builddir/tests/forger
forged=${FORGED:-1000000}
ip link set lo up || bail_out "no loopback interface"

start_naive() { # OPTION...
    naive_log=$(mktemp "$test_root/naive.XXXXXX")
    "$forger" naive --listen 127.0.0.1@5300 --upstream 127.0.1.53@53 --port 5555 "$@" \
        <"$test_root/life" >"$naive_log" 2>&1 7>&- &
    naive_pid=$!
    daemons="$daemons $naive_pid"
    wait_line "$naive_log" '^ready' || bail_out "no naive resolver"
}
number() { # WORD: the number behind it in the forger's last line
    printf '%s\n' "$OUTPUT" | awk -v word="$1" '/^forged/ { for (i = 1; i < NF; i += 2) if ($i == word) print $(i + 1) }'
}
above() { # NUMBER LEAST TEXT
    if [ "${1:-0}" -ge "$2" ]; then
        ok "$3"
    else
        not_ok "$3"
        diag "got $1, wanted at least $2"
    fi
}
# In this namespace nobody else sends: datagrams that arrived, with and without a listener.
arrived() { awk '$1 == "Udp:" && $2 ~ /^[0-9]/ { print $2 + $3 }' /proc/net/snmp; }

# ---- the forger can succeed ----
start_naive --id 7
check "a resolver with one port and one ID" \
    "$forger" attack --server 127.0.0.1@5300 --upstream 127.0.1.53@53 --ports 5555-5555 --ids 7-7 --count 1000
above "$(number landed)" 1 "takes forged answers"
stop_upstream $naive_pid
start_naive
check "a resolver with one port and random IDs" \
    "$forger" attack --server 127.0.0.1@5300 --upstream 127.0.1.53@53 --ports 5555-5555 --until-landed --count 3000000
diag "$OUTPUT"
above "$(number landed)" 1 "takes forged answers"
stop_upstream $naive_pid

# ---- splitview ----
# With all it has: port, ID and the case of letters. That ports and IDs alone are spread is tests/test_upstream_io.
dir=$(new_dir)
mkdir -p "$dir/zones/internet"
cat >"$dir/zones/policy.conf" <<'END'
[view internet]
clients = any
[view internal]
clients = 127.0.0.0/8
base    = internet
forward = site
[upstream site]
servers  = 127.0.1.53
END
cat >"$dir/zones/internet/harbor.example.zone" <<'END'
@   3600 SOA ns.isp.example. hostmaster 2026112001 7200 900 1209600 60
    3600 NS  ns.isp.example.
www 3600 A   192.0.2.80
END
repo_git "$dir/zones" init -q && repo_git "$dir/zones" add -A && repo_git "$dir/zones" commit -q -m zones
conf=$(WORKERS=1 make_conf "$dir")
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"
before=$(arrived)
check "$forged forged replies to splitview" \
    "$forger" attack --server "127.0.0.1@$PORT" --upstream 127.0.1.53@53 --count "$forged"
diag "$OUTPUT"
is "$(number landed)" 0 "none lands"
above "$(number forged)" "$forged" "all were sent"
above $(($(arrived) - before)) "$forged" "and arrived"
above "$(number reached)" 16 "questions were under way all the time"
above "$(number alive)" 100 "and others were answered meanwhile"
check "cache show" "$SPLITVIEW" --config "$conf" cache show --view internal
is "$(printf '%s\n' "$OUTPUT" | grep -c '66\.6\.6\.6')" 0 "nothing forged is cached"
like "$OUTPUT" "alive" "true answers are"
like "$(control "$dir/control" status)" '"generation":1' "the server is well"

UPSTREAM_PORT=53
start_upstream site 127.0.1.53 || bail_out "no upstream"
is "$(fask 127.0.0.1 www.foreign.example A)" "$(expected site www.foreign.example)" "afterwards the upstream is heard"
for i in $(seq 200); do
    fask 127.0.0.1 "entropy$i.foreign.example" A
done >"$dir/out"
# Of 200 from 65,536 a few may be alike. A server that is asked little has UPSTREAM_UDP_START sockets at a time, and others
# after 64 questions or 5 s.
above "$(upstream_says "$UPSTREAM" ids.upstream)" 190 "200 questions have different IDs"
above "$(upstream_says "$UPSTREAM" ports.upstream)" 4 "and leave from several ports"
check "stops" stop_daemon
tap_done

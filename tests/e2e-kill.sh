#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The importer is killed at random moments, ROUNDS times (default 30; SEED repeats a run). Each round writes a new number
# into every zone of every view; whatever becomes of the import, the running daemon and a fresh one serve one whole
# generation: the old number everywhere, or the new one everywhere. (An importer killed between LMDB's last write and its
# word to the readers leaves a whole generation that shows only when the next importer comes: "old" may then be the number
# of the round before.)
. "${srcdir:-.}/tests/lib.sh"

command -v dig >/dev/null 2>&1 || bail_out "dig is missing (Debian: bind9-dnsutils)"
rounds=${ROUNDS:-30}
SEED=${SEED:-$(($(date +%s) % 32768))}
RANDOM=$SEED
diag "SEED=$SEED ROUNDS=$rounds"
inside=127.10.0.1
outside=127.99.0.1

# Each zone holds its number as text, and a chain that leads through the next zone by a name with that number: it breaks
# if the two zones are not of one generation. The many names make an import take its time.
write_zone() { # VIEW APEX NEXT NUMBER
    cat >"$dir/zones/$1/$2.zone" <<ZONE
\$TTL 60
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.1
number TXT "$4"
chain CNAME $1-$4.$3.
$1-$4 A 192.0.2.1
internet-$4 A 192.0.2.1
\$GENERATE 1-1000 host\$ TXT "$4"
ZONE
}

write_tree() { # NUMBER
    write_zone internet a.example b.example "$1"
    write_zone internet b.example a.example "$1"
    write_zone internal a.example b.example "$1"
    write_zone internal c.example c.example "$1"
    sed -i "s/^internet-$1 A .*/&\ninternal-$1 A 192.0.2.1/" "$dir/zones/internet/b.example.zone"
}

# The number that all zones of both views agree on, or a text that shows how they do not.
number() {
    {
        for zone in a b c; do ask "$inside" number.$zone.example TXT; done
        for zone in a b; do ask "$outside" number.$zone.example TXT; done
    } >"$dir/numbers" 2>&1
    [ "$(wc -l <"$dir/numbers")" -eq 5 ] || echo "answers are missing"
    sort -u "$dir/numbers" | tr -d '"' | tr '\n' ' ' | sed 's/ $//'
}

# A chain through two zones, in one answer.
chain_is_whole() { # FROM
    ask "$1" chain.a.example A | grep -qx 192.0.2.1
}

judge() { # WHO
    local got
    got=$(number)
    case $got in
    '' | *[!0-9]*)
        problems="$problems; $1 serves: $got"
        return
        ;;
    esac
    if [ "$got" -lt "$old" ] || [ "$got" -gt "$new" ]; then
        problems="$problems; $1 serves $got, wanted $old or $new"
        return
    fi
    chain_is_whole "$inside" && chain_is_whole "$outside" || problems="$problems; $1: a chain is broken"
    seen=$got
}

dir=$(new_dir)
mkdir -p "$dir/zones/internet" "$dir/zones/internal" "$dir/fresh"
cat >"$dir/zones/policy.conf" <<POLICY
[view internet]
clients = any
[view internal]
clients = 127.10.0.0/16
base = internet
[zone a.example]
mode.internal = full
POLICY
conf=$(make_conf "$dir")
sed "s|^control = .*|control = $dir/fresh/control|" "$conf" >"$dir/fresh/splitview.conf"

old=0
write_tree first
check "the first import" "$SPLITVIEW" --config "$conf" import
write_tree 0
started=$(date +%s%N)
check "another import" "$SPLITVIEW" --config "$conf" import
took=$((($(date +%s%N) - started) / 1000000 + 1))
diag "an import takes about $took ms"
start_daemon "$conf" || bail_out "splitviewd does not start"
main_pid=$DAEMON_PID
main_port=$PORT
is "$(number)" 0 "its generation is whole"

# Whatever becomes of the imports, every question is answered, and no chain is broken.
mkfifo "$dir/until"
"$builddir/tests/load" --server "127.0.0.1@$PORT" --rate "${RATE:-1000}" --window 256 --wait-ms 10000 \
    $inside chain.a.example A 192.0.2.1 $outside chain.a.example A 192.0.2.1 \
    127.10.0.2 chain.b.example A 192.0.2.1 127.99.0.2 chain.b.example A 192.0.2.1 \
    127.10.0.3 ns.c.example A 192.0.2.1 127.99.0.3 ns.c.example A REFUSED \
    <"$dir/until" >"$dir/load.log" 2>&1 &
load=$!
daemons="$daemons $load"
exec 8>"$dir/until"
wait_line "$dir/load.log" '^running' || bail_out "the load does not run"

killed=0
published=0
all_problems=
for round in $(seq 1 "$rounds"); do
    new=$round
    problems=
    write_tree "$new"
    delay=$((RANDOM % (took * 1300) + 1)) # microseconds
    timeout --foreground -s KILL "$(printf '%d.%06d' $((delay / 1000000)) $((delay % 1000000)))" \
        "$SPLITVIEW" --config "$conf" import >"$dir/import.log" 2>&1
    status=$?
    case $status in
    124 | 137) killed=$((killed + 1)) ;;
    0) ;;
    *) problems="$problems; import ended with $status: $(head -n 3 "$dir/import.log")" ;;
    esac
    # In the middle of things one answer must be whole; the views can be compared once the daemon has looked.
    chain_is_whole "$inside" && chain_is_whole "$outside" || problems="$problems; running daemon: a chain is broken"
    control "$dir/control" adopt >"$dir/adopt.log" || problems="$problems; the daemon does not answer"
    judge "running daemon"
    running=$seen
    if start_daemon "$dir/fresh/splitview.conf"; then
        judge "fresh daemon"
        [ "$seen" = "$running" ] || problems="$problems; fresh daemon serves $seen, running daemon $running"
        stop_daemon || problems="$problems; the fresh daemon does not stop"
    else
        problems="$problems; no fresh daemon"
    fi
    DAEMON_PID=$main_pid
    PORT=$main_port
    [ "$status" -ne 0 ] || [ "$running" = "$new" ] || problems="$problems; import went well, but $running is served"
    [ "$running" = "$new" ] && published=$((published + 1))
    old=$running
    if [ -n "$problems" ]; then
        diag "round $round, killed after $delay us$problems"
        all_problems=yes
    fi
done
is "$all_problems" "" "every generation served was whole"
kill -0 "$load" 2>/dev/null && ok "the load ran until the end" || not_ok "the load ran until the end"
exec 8>&-
wait "$load"
like "$(tail -n 1 "$dir/load.log")" ' lost 0 wrong 0 ' "no answer was missing or wrong under load"
diag <"$dir/load.log"
diag "$killed of $rounds imports were killed, $published generations were published"
[ "$killed" -gt 0 ] && ok "some imports were killed" || not_ok "some imports were killed"

write_tree last
check "an import after all that" "$SPLITVIEW" --config "$conf" import
is "$(number)" last "its generation is served"
stop_daemon "$main_pid" && ok "the daemon stops" || not_ok "the daemon stops"
tap_done

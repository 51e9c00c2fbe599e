#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The daemon's life: arguments, start, ports and sockets in use, an empty store, adoption, reload, odd datagrams, stop.
. "${srcdir:-.}/tests/lib.sh"

client=$builddir/tests/client
load=$builddir/tests/load
name=lyncdiscoverinternal.harbor.example

json() { # MEMBER: of the last line of status, without quotes
    control "$dir/control" status | sed -n "s/.*\"$1\":\(\"[^\"]*\"\|\[[^]]*\]\|[0-9]*\).*/\1/p" | tr -d '"'
}

# ---- arguments ----
check "--help" "$SPLITVIEWD" --help
like "$OUTPUT" "^usage: splitviewd" "--help shows the usage"
check "--version" "$SPLITVIEWD" --version
like "$OUTPUT" "^splitviewd [0-9]" "--version shows the version"
check_fails 2 "an unknown option is a usage error" "$SPLITVIEWD" --fast
check_fails 2 "an argument is a usage error" "$SPLITVIEWD" now
dir=$(new_dir)
check_fails 1 "no configuration" "$SPLITVIEWD" --config "$dir/none"
like "$OUTPUT" "$dir/none" "the message names the file"
conf=$(make_conf "$dir" "workerz = 3")
check_fails 1 "an unknown key in the configuration" "$SPLITVIEWD" --config "$conf"
like "$OUTPUT" "$conf:7.*workerz" "the message names the line and the key"
conf=$(make_conf "$dir" "user = no-such-user-here")
check_fails 1 "an unknown user" "$SPLITVIEWD" --config "$conf"
if [ -e "$dir/control" ]; then not_ok "no socket file stays behind"; else ok "no socket file stays behind"; fi

# ---- an empty store, then the first import ----
cp -R "$srcdir/examples/harbor" "$dir/harbor" && chmod -R u+w "$dir/harbor" || bail_out "no copy of harbor"
rm "$dir"/harbor/tests/*.views # they expect the records that are changed here
make_repo "$dir/zones" "$dir/harbor" || bail_out "no git repository of harbor"
conf=$(LISTEN="127.0.0.1@0, ::1@0" make_conf "$dir")
start_daemon "$conf" || bail_out "splitviewd does not start"
like "$(cat "$DAEMON_LOG")" "there is no store in $dir/store yet" "without a store it says so"
is "$(ask_rcode 127.10.0.1 $name A)" REFUSED "without a store everything is REFUSED"
is "$(ask_rcode 127.10.0.1 $name A +tcp)" REFUSED "over TCP too"
is "$(json generation)" 0 "status: generation 0"
is "$(control "$dir/control" adopt)" '{"generation":0}' "adopt: nothing is there"
check "import" "$SPLITVIEW" --config "$conf" import
is "$(ask 127.10.0.1 $name A)" 10.10.1.20 "after the import the daemon serves it at once"
is "$(ask_rcode 127.99.0.1 $name A)" NXDOMAIN "to each its view"
check "the adoption is reported" wait_line "$DAEMON_LOG" '^splitviewd: serving generation 1 (commit [0-9a-f]\{12\})$'

# ---- the control socket ----
is "$(json generation)" 1 "status: generation"
is "$(json commit)" "$(git -C "$dir/zones" rev-parse HEAD)" "status: commit"
is "$(json pid)" "$DAEMON_PID" "status: pid"
is "$(json workers)" 2 "status: workers"
is "$(json views)" "[internet,internal]" "status: views"
is "$(json listen)" "[127.0.0.1@$PORT,::1@$PORT6]" "status: listen"
like "$(json queries-udp)" "^[1-9]" "status: counters"
is "$(control "$dir/control" adopt)" '{"generation":1}' "adopt: nothing is newer"
is "$(control "$dir/control" shutdown)" '{"error":"unknown command; there are status, adopt and cache"}' "an unknown command"
is "$(control "$dir/control" "adopt
adopt
quit" | wc -l)" 3 "three lines, three answers"
is "$(control "$dir/control" "$(printf '%02000d' 0)")" '{"error":"the line is too long"}' "a line without end"
is "$(stat -c %a "$dir/control")" 660 "the socket's mode"
check "a client that fetches no answers is not read from, and gets them all later" \
    "$client" flood "$dir/control" status 100000

# ---- second daemons ----
other=$(new_dir)
make_conf "$other" >"$other/out"
check_fails 3 "a second daemon on the same control socket" "$SPLITVIEWD" --config "$conf"
like "$OUTPUT" "already running" "it says that one is running"
LISTEN="127.0.0.1@$PORT" make_conf "$other" >/dev/null
check_fails 3 "a second daemon on the same port" "$SPLITVIEWD" --config "$other/splitview.conf"
like "$OUTPUT" "127.0.0.1@$PORT: address in use" "it names the address"
if [ -e "$other/control" ]; then not_ok "no socket file stays behind"; else ok "no socket file stays behind"; fi
LISTEN="192.0.2.1@0" make_conf "$other" >/dev/null
check_fails 3 "an address of another machine" "$SPLITVIEWD" --config "$other/splitview.conf"
like "$OUTPUT" "192.0.2.1@0: no such address" "it says so"
: >"$other/control"
LISTEN="127.0.0.1@0" make_conf "$other" >/dev/null
check_fails 3 "a file where the control socket should be" "$SPLITVIEWD" --config "$other/splitview.conf"
[ -f "$other/control" ] && ok "the file stays" || not_ok "the file stays"
is "$(json generation)" 1 "the first daemon is not disturbed"

# ---- odd datagrams ----
datagram() { # HEX WANTED TEXT
    is "$("$client" datagram "127.0.0.1@$PORT" www.harbor.example "$1")" "$2" "$3"
}
datagram "" "then NOERROR" "an empty datagram: silence"
datagram "00" "then NOERROR" "one byte: silence"
datagram "0001000000010000000000" "then NOERROR" "less than a header: silence"
datagram "000180000001000000000000" "then NOERROR" "a response: silence"
datagram "000100000001000000000000" "FORMERR then NOERROR" "a header that promises a question: FORMERR"
datagram "0001100000010000000000000000010001" "NOTIMP then NOERROR" "opcode STATUS: NOTIMP"
datagram "00010000000200000000000000000100010000010001" "FORMERR then NOERROR" "two questions: FORMERR"
datagram "000100000001000000000000c00c00010001" "FORMERR then NOERROR" "a name that points at itself: FORMERR"
datagram "00010000000100000000000041$(printf '%0130d' 0)00010001" "FORMERR then NOERROR" "a label of 65 bytes: FORMERR"
datagram "0001000000010000000000000000010001$(printf '%010000d' 0)" "FORMERR then NOERROR" "5017 bytes: FORMERR"
like "$(json oversized)" "^1$" "the long one is counted"

# ---- reload ----
logged() { wait_line "$DAEMON_LOG" "$1"; }
make_conf "$dir" "query-log = yes" "query-log-file = $dir/queries" "tcp-idle = 3s" >/dev/null
kill -HUP "$DAEMON_PID"
check "SIGHUP: reloaded" logged "reloaded $conf"
like "$(cat "$DAEMON_LOG")" "reload: listen has changed: needs a restart" "listen needs a restart"
like "$(cat "$DAEMON_LOG")" "reload: tcp-idle has changed: applied" "tcp-idle is applied"
like "$(cat "$DAEMON_LOG")" "reload: query-log has changed: applied" "query-log is applied"
ask 127.10.0.1 $name A >/dev/null
check "a query is logged" wait_line "$dir/queries" \
    "^[-0-9]*T[0-9:]*\.[0-9]\{6\}Z 127\.10\.0\.1#[0-9]* udp internal $name\. A NOERROR [0-9]*\$"
ask 127.10.0.1 "a\\032b\\010.harbor.example" TYPE4711 +tcp >/dev/null
check "names are escaped" wait_line "$dir/queries" ' tcp internal a\\032b\\010\.harbor\.example\. TYPE4711 NXDOMAIN '
mv "$dir/queries" "$dir/queries.1"
kill -HUP "$DAEMON_PID"
check "SIGHUP again" wait_line "$DAEMON_LOG" "reloaded" 20 2
ask 127.10.0.2 $name A >/dev/null
check "opens the query log again: the new file gets the lines" wait_line "$dir/queries" " 127\.10\.0\.2#"
mkfifo "$dir/fifo"
make_conf "$dir" "query-log = yes" "query-log-file = $dir/fifo" >/dev/null
kill -HUP "$DAEMON_PID"
check "a pipe as query log is refused" logged "query-log-file $dir/fifo: found a pipe, wanted a regular file"
like "$(control "$dir/control" status)" '"generation":1' "and nobody waits for its reader"
make_conf "$other" "query-log = yes" "query-log-file = $dir/fifo" >/dev/null
rm -f "$other/control"
check_fails 1 "at the start too" timeout 10 "$SPLITVIEWD" --config "$other/splitview.conf"
make_conf "$dir" "tcp-idle = never" >/dev/null
kill -HUP "$DAEMON_PID"
check "SIGHUP with a bad configuration changes nothing" wait_line "$DAEMON_LOG" "reload: .*: nothing was changed" 20 2
is "$(ask 127.10.0.1 $name A)" 10.10.1.20 "and the daemon serves on"
check "stop" stop_daemon
like "$(cat "$DAEMON_LOG")" "stopping \\(SIGTERM\\)" "it says why"
if [ -e "$dir/control" ]; then not_ok "the socket file is gone"; else ok "the socket file is gone"; fi

# ---- a standard error that nobody reads ----
make_conf "$dir" "query-log = yes" >/dev/null
exec 8<>"$dir/fifo"
"$SPLITVIEWD" --config "$conf" </dev/null >/dev/null 2>&8 &
DAEMON_PID=$!
daemons="$daemons $DAEMON_PID"
PORT=
said=
while IFS= read -r line <&8; do
    case $line in
    *"listening on "*@*) PORT=${line##*@} ;;
    *"running as root"*) said=$line ;;
    *ready*) break ;;
    esac
done
if [ "$(id -u)" -eq 0 ]; then
    is "$said" "splitviewd: running as root: set user in splitview.conf" "root without user is told"
else
    skip "root without user is told" "not root"
fi
flags=$(awk '/^flags/ { print $2 }' /proc/$$/fdinfo/8)
check "20000 logged queries are answered while nobody reads the log" "$client" pipeline "127.0.0.1@$PORT" $name 20000
like "$(control "$dir/control" status)" '"log-errors":[1-9]' "what was lost is counted"
is "$(awk '/^flags/ { print $2 }' /proc/$$/fdinfo/8)" "$flags" "who shares standard error finds it as it was"
check "messages wait for nobody either: it stops" stop_daemon
exec 8>&-

# ---- kill -9, then a start beside the old socket file; a store that is replaced; wildcards ----
LISTEN="0.0.0.0@0, ::@0" make_conf "$dir" >/dev/null
start_daemon "$conf" || bail_out "splitviewd does not start"
kill -KILL "$DAEMON_PID"
wait_exit "$DAEMON_PID"
start_daemon "$conf" && ok "starts beside the socket file of a dead daemon" || bail_out "splitviewd does not start"
like "$(cat "$DAEMON_LOG")" "ready, generation 1 \\(commit" "with the store's generation"
is "$(dig @127.0.0.5 -p "$PORT" -b 127.10.0.1 +short +tries=1 +time=5 $name A)" 10.10.1.20 "0.0.0.0: the reply leaves from the address asked"
is "$(dig @127.0.0.5 -p "$PORT" -b 127.10.0.1 +short +tries=1 +time=5 +tcp $name A)" 10.10.1.20 "0.0.0.0: TCP"
PORT6=$(sed -n 's/^splitviewd: listening on ::@\([0-9]*\)$/\1/p' "$DAEMON_LOG")
is "$(ask_rcode ::1 $name A)" NXDOMAIN "::"

sed -i 's/10\.10\.1\.20/10.10.1.21/' "$dir"/zones/internal/*.zone
repo_git "$dir/zones" commit -q -a -m "another address"
cp "$dir/splitview.conf" "$dir/new.conf"
sed -i "s|^store.*|store = $dir/store.new|; /^control/d" "$dir/new.conf"
check "import into another store" "$SPLITVIEW" --config "$dir/new.conf" import
mv "$dir/store" "$dir/store.old" && mv "$dir/store.new" "$dir/store"
sed -i 's/10\.10\.1\.21/10.10.1.22/' "$dir"/zones/internal/*.zone
repo_git "$dir/zones" commit -q -a -m "and another"
check "the store is replaced, and published in" "$SPLITVIEW" --config "$conf" import
is "$(ask 127.10.0.1 $name A)" 10.10.1.22 "the daemon has changed over to the new store"
mv "$dir/store" "$dir/store.new" && mv "$dir/store.old" "$dir/store"
control "$dir/control" adopt >/dev/null
is "$(ask 127.10.0.1 $name A)" 10.10.1.20 "and back to the old one"
sed -i 's/10\.10\.1\.22/10.10.1.20/' "$dir"/zones/internal/*.zone
repo_git "$dir/zones" commit -q -a -m "as before"

# ---- another user ----
user_group=$(id -gn nobody 2>/dev/null)
if [ "$(id -u)" -eq 0 ] && [ -n "$user_group" ]; then
    low=$(new_dir)
    chmod 711 "$test_root"
    mkdir "$low/store" && chgrp "$user_group" "$low" "$low/store" && chmod 770 "$low" && chmod 2750 "$low/store"
    low_conf=$(make_conf "$low" "user = nobody")
    sed -i "s|^zones.*|zones = $dir/zones|" "$low_conf"
    first_pid=$DAEMON_PID first_port=$PORT
    check "import for another user" "$SPLITVIEW" --config "$low_conf" import
    check "starts as another user" start_daemon "$low_conf"
    is "$(awk '/^Uid:/ { print $2, $3, $4 }' "/proc/$DAEMON_PID/status")" \
        "$(id -u nobody) $(id -u nobody) $(id -u nobody)" "it runs as that user"
    is "$(awk '/^(CapEff|CapPrm|NoNewPrivs):/ { print $2 }' "/proc/$DAEMON_PID/status" | tr '\n' ' ')" \
        "0000000000000000 0000000000000000 1 " "without capabilities"
    is "$(ask 127.10.0.1 $name A)" 10.10.1.20 "and answers"
    is "$(stat -c %U "$low/control")" nobody "the control socket is the user's"
    check "stops" stop_daemon
    if [ -e "$low/control" ]; then not_ok "the socket file is gone"; else ok "the socket file is gone"; fi
    DAEMON_PID=$first_pid PORT=$first_port
else
    skip "another user" "needs root and an account nobody"
fi

# ---- imports and SIGTERM under load ----
mkfifo "$dir/stop"
"$load" --server "127.0.0.1@$PORT" --rate 2000 127.10.0.1 $name A 10.10.1.20,10.10.1.99 127.99.0.1 $name A NXDOMAIN \
    127.99.0.1 lyncdiscover.harbor.example A "$(ask 127.99.0.1 lyncdiscover.harbor.example A | tail -n 1)" \
    <"$dir/stop" >"$dir/load" &
load_pid=$!
exec 9>"$dir/stop"
check "load runs" wait_line "$dir/load" running
for i in 1 2 3 4 5 6 7 8 9 10; do
    case $((i % 2)) in
    1) sed -i 's/10\.10\.1\.20/10.10.1.99/' "$dir"/zones/internal/*.zone ;;
    0) sed -i 's/10\.10\.1\.99/10.10.1.20/' "$dir"/zones/internal/*.zone ;;
    esac
    repo_git "$dir/zones" commit -q -a -m "change $i" && "$SPLITVIEW" --config "$conf" import >"$dir/out" 2>&1 || break
done
is "$i" 10 "ten imports under load"
is "$(json generation)" 11 "all adopted"
exec 9>&-
wait $load_pid
is $? 0 "no query was lost, none was answered wrong"
diag "$(tail -n 1 "$dir/load")"

"$load" --server "127.0.0.1@$PORT" --wait-ms 200 127.10.0.1 $name A 10.10.1.20 <"$dir/stop" >"$dir/load" &
load_pid=$!
exec 9>"$dir/stop"
check "load runs" wait_line "$dir/load" running
check "SIGTERM under load" stop_daemon
start_daemon "$conf" || bail_out "splitviewd does not start"
if grep -q "receive-buffer: the system grants" "$DAEMON_LOG"; then
    skip "SIGTERM: what had arrived is answered" "the system grants a small receive buffer"
    stop_daemon
else
    check "SIGTERM: what had arrived is answered" "$client" stop "127.0.0.1@$PORT" $name 3000 "$DAEMON_PID"
    wait "$DAEMON_PID"
    daemons=${daemons% "$DAEMON_PID"}
fi
exec 9>&-
wait $load_pid
like "$(tail -n 1 "$dir/load")" " wrong 0 " "until the end no answer was wrong"
tap_done

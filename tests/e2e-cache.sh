#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# splitview cache against a running daemon: what it shows, what it makes it forget and for whom, and what both do when
# there is no daemon, no upstream, too much to show, or an end in the middle.
. "${srcdir:-.}/tests/lib.sh"
. "${srcdir:-.}/tests/lib-forward.sh"

load=$builddir/tests/forward_load
inside=127.10.0.1
guest=127.20.0.1

start_upstream site 127.0.1.1 || bail_out "no upstream"
site=$UPSTREAM site_pid=$UPSTREAM_PID
start_upstream public 127.0.1.2 || bail_out "no upstream"
public=$UPSTREAM

dir=$(new_dir)
tree=$dir/zones
mkdir -p "$tree/internet"
write_policy() { # UPSTREAM of the internal view
    cat >"$tree/policy.conf" <<END
[view internet]
clients = any
[view guest]
clients = 127.20.0.0/16
base    = internet
side    = external
forward = public
[view internal]
clients = 127.10.0.0/16
base    = internet
forward = site
[view lab]
clients = 127.30.0.0/16
base    = internet
forward = site
[upstream site]
servers  = $1
timeout  = 1s
deadline = 1s
trust-ad = yes
[upstream public]
servers  = $public
END
}
write_policy "$site"
cat >"$tree/internet/harbor.example.zone" <<'END'
$TTL 3600
@   SOA ns hostmaster 1 7200 900 1209600 60
    NS  ns
ns  A   192.0.2.1
END
conf=$(WORKERS=1 make_conf "$dir")
cache() { "$SPLITVIEW" --config "$conf" cache "$@"; }

# ---- without a daemon, and wrong usage ----
for action in "show" "flush example.net" "flush-tree ." "stats"; do
    # shellcheck disable=SC2086
    check_fails 3 "no daemon: cache $action" cache $action
    like "$OUTPUT" 'no splitviewd answers on ' "no daemon: says so"
done
check_fails 3 "no daemon: in JSON" cache show --json
like "$OUTPUT" '"severity": "error"' "no daemon: in JSON it says so"
usage() { # PATTERN ARGUMENT...
    usage_pattern=$1
    shift
    check_fails 2 "usage: cache $*" cache "$@"
    like "$OUTPUT" "$usage_pattern" "usage: cache $*: says what is wrong"
}
usage 'cache: an argument is missing'
usage 'unknown action drop; wanted show, flush, flush-tree or stats' drop
usage 'cache flush: wanted a name' flush
usage 'cache flush-tree: wanted a name' flush-tree
usage 'unexpected argument b\.example' show a.example b.example
usage 'stats: unexpected argument a\.example' stats a.example
usage 'cache show: found a\.\.b, wanted a domain name' show a..b
usage 'cache stats takes no option --view' stats --view internal
usage 'cache show takes no option --dry-run' show --dry-run
usage '--view: found "in ternal"' show --view "in ternal"
usage 'cache takes no option --rev' show --rev HEAD

# ---- empty ----
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"
check "empty: cache show" cache show
is "$OUTPUT" "; view guest: 0 entries
; views internal, lab: 0 entries" "empty: names the views that ask upstream, those with one policy together"
check_fails 1 "empty: cache show NAME" cache show www.foreign.example
like "$OUTPUT" 'nothing is cached at www\.foreign\.example\. or below it in any view' "empty: says so"
check_fails 1 "empty: cache show NAME --view internal" cache show www.foreign.example --view internal
like "$OUTPUT" 'in view internal$' "empty: in which view"
check "empty: cache flush" cache flush www.foreign.example
is "$OUTPUT" "0 entries forgotten (views: guest, internal, lab)" "empty: nothing to forget is no error"
check "empty: cache stats" cache stats
like "$OUTPUT" '^cache          0 entries, [0-9]+\.[0-9] of 64\.0 MiB, 0 evicted$' "empty: counts nothing"
is "$(printf '%s\n' "$OUTPUT" | grep -cE '^  (cache|forward|upstream)-[a-z-]+ +0$')" \
    "$(grep -cE '"(cache|forward|upstream)-' "$srcdir/resolver/counters.def")" "empty: all counters are there"

# ---- one name ----
is "$(fask $inside www.ttl30.foreign.example A)" "$(expected site www.ttl30.foreign.example)" "a name" ||
    bail_out "nothing is forwarded"
fask $inside www.ttl30.foreign.example A >/dev/null
check "cache show" cache show www.ttl30.foreign.example --view internal
is "$(printf '%s\n' "$OUTPUT" | sed 's/[0-9]* seconds left/N seconds left/; s/    [0-9]*    IN/    N    IN/')" \
    "; views internal, lab: 1 entry
; www.ttl30.foreign.example. A: NOERROR, N seconds left
www.ttl30.foreign.example.    N    IN    A    $(expected site www.ttl30.foreign.example)" "it shows question and record"
left() { cache show www.ttl30.foreign.example --view internal | sed -n 's/.*, \([0-9]*\) seconds left$/\1/p'; }
number_below "$(left)" 30 "with at most its TTL"
tries=0
until [ "$(left)" -lt 30 ] || [ $tries -ge 1000 ]; do
    tries=$((tries + 1))
done
number_below "$(left)" 29 "which counts down"
check "the same as JSON" cache show www.ttl30.foreign.example --view internal --json
like "$OUTPUT" '"name": "www.ttl30.foreign.example."' "JSON: the name"
like "$OUTPUT" '"rcode": "NOERROR"' "JSON: the rcode"
like "$OUTPUT" "\"$(expected site www.ttl30.foreign.example)\"" "JSON: the data"
like "$OUTPUT" '"action": "show"' "JSON: the action"
check "the view with the same policy" cache show www.ttl30.foreign.example --view lab
check_fails 1 "another view" cache show www.ttl30.foreign.example --view guest
check_fails 1 "a view that asks nobody" cache show www.ttl30.foreign.example --view internet
check_fails 1 "no such view" cache show www.ttl30.foreign.example --view none
like "$OUTPUT" 'none' "says which"
check "cache stats" cache stats
like "$OUTPUT" '^cache          1 entry, ' "counts the entry"
like "$OUTPUT" '^  cache-hits +1$' "a hit"
like "$OUTPUT" '^  cache-misses +1$' "and a miss"
check "cache stats --json" cache stats --json
like "$OUTPUT" '"entries": 1' "JSON: the entry"
like "$OUTPUT" '"cache-hits": 1' "JSON: the counter"
check "status" "$SPLITVIEW" --config "$conf" status
like "$OUTPUT" '^cache          1 entry, [0-9]+\.[0-9] of 64\.0 MiB, 0 evicted$' "status shows the cache"
check "status --json" "$SPLITVIEW" --config "$conf" status --json
like "$OUTPUT" '"bytes_max": 67108864' "in JSON too"

# ---- forgetting ----
fask $guest www.ttl30.foreign.example A >/dev/null
check "cache flush --dry-run" cache flush www.ttl30.foreign.example --dry-run
like "$OUTPUT" '^dry run, nothing was forgotten: 2 entries would go from the caches$' "says what would go"
fask $inside www.ttl30.foreign.example A >/dev/null
is "$(reached "$site" www.ttl30.foreign.example)" 1 "and leaves it"
check "cache flush" cache flush www.ttl30.foreign.example --view internal
is "$OUTPUT" "1 entry forgotten (views: internal, lab)" "says how many, and for whom"
is "$(fask 127.30.0.1 www.ttl30.foreign.example A)" "$(expected site www.ttl30.foreign.example)" "the next question"
is "$(reached "$site" www.ttl30.foreign.example)" 2 "goes upstream"
fask $guest www.ttl30.foreign.example A >/dev/null
is "$(reached "$public" www.ttl30.foreign.example)" 1 "the guests' entry stayed"
for name in example.net a.example.net b.a.example.net notexample.net; do
    fask $inside $name A >/dev/null
    fask $guest $name A >/dev/null
done
check "cache flush-tree example.net" cache flush-tree EXAMPLE.net
is "$OUTPUT" "6 entries forgotten (views: guest, internal, lab)" "the name and what is below it, in all views"
check "what only ends alike is there" cache show notexample.net
check_fails 1 "the rest is not" cache show example.net
check "cache flush-tree ." cache flush-tree . --json
like "$OUTPUT" '"removed": 4' "everything, as JSON"
check "cache stats behind it" cache stats
like "$OUTPUT" '^cache          0 entries, ' "nothing is left"

# ---- denials and failures ----
fdig $inside gone.nxdomain.foreign.example A >/dev/null
check "a denial" cache show gone.nxdomain.foreign.example --view internal
like "$OUTPUT" '^; gone\.nxdomain\.foreign\.example\. A: NXDOMAIN, [0-9]+ seconds left$' "shows its rcode"
like "$OUTPUT" '^foreign\.example\..* SOA .*    ; authority$' "and its SOA"
fdig $inside signed.ad.foreign.example A +dnssec +cdflag >/dev/null
check "with DO and CD" cache show signed.ad.foreign.example
like "$OUTPUT" '^; signed\.ad\.foreign\.example\. A \+do \+cd: NOERROR, authentic, ' "a question of its own"
fdig $inside late.www.foreign.example AAAA >/dev/null
stop_upstream "$site_pid"
is "$(fdig $inside dead.foreign.example A | rcode_of)" SERVFAIL "the upstream is dead"
check "its failure" cache show dead.foreign.example --view internal
like "$OUTPUT" '^; dead\.foreign\.example\. A: SERVFAIL \(EDE 2[23], .*\), [1-5] seconds? left$' "shows why, for 5 seconds"
start_upstream silent 127.0.1.4 --dead || bail_out "no upstream"
write_policy "$UPSTREAM"

# ---- another upstream ----
fask $guest kept.foreign.example A >/dev/null
check "before the import" cache show late.www.foreign.example
check "import with another upstream" "$SPLITVIEW" --config "$conf" import
check_fails 1 "what the old one said is gone" cache show late.www.foreign.example
check "the guests' is not" cache show kept.foreign.example --view guest
is "$(fdig $inside silent.foreign.example A | rcode_of)" SERVFAIL "the new one does not answer"
check "its silence" cache show silent.foreign.example --view internal
like "$OUTPUT" '^; silent\.foreign\.example\. A: SERVFAIL \(EDE 22, .*\), [1-5] seconds? left$' "shows EDE 22"

# ---- more than is shown ----
cache flush-tree . >/dev/null
check "2000 names" "$load" --server "127.0.0.1@$PORT" --count 60000 --names 2000 --window 200 "$guest=public"
check "cache show" cache show --view guest
is "$(printf '%s\n' "$OUTPUT" | grep -c ': NOERROR, ')" 1000 "shows 1000"
like "$OUTPUT" '^; and more that is not shown: name a deeper NAME$' "and says that there are more"
check "a deeper name" cache show n77.foreign.example --view guest
check "as JSON" cache show --view guest --json
like "$OUTPUT" '"more": true' "JSON says so too"
check "a dry run of all" cache flush-tree . --dry-run
like "$OUTPUT" 'would go from the caches$' "counts all of them"
number_below 1999 "$(printf '%s\n' "$OUTPUT" | sed -n 's/^dry run, .*: \([0-9]*\) entries.*/\1/p')" "not those shown alone"
check "stop" stop_daemon

# ---- many at a time, and an end in the middle ----
sed -i 's/^workers = .*/workers = 2/' "$conf"
start_daemon "$conf" || bail_out "splitviewd does not start"
"$load" --server "127.0.0.1@$PORT" --count 2000000 --names 5000 --window 100 --wait-ms 1000 "$guest=public" \
    >"$dir/load" 2>&1 &
load_pid=$!
daemons="$daemons $load_pid"
ask_many() { # FILE: 50 at a time; their exit statuses
    many_pids=
    for i in $(seq 50); do
        cache stats >"$1.$i" 2>&1 &
        many_pids="$many_pids $!"
    done
}
ask_many "$dir/many"
for many_pid in $many_pids; do
    wait "$many_pid" || echo "$many_pid"
done >"$dir/failed"
is "$(cat "$dir/failed")" "" "50 at a time under load: all are answered"
is "$(cat "$dir"/many.* | grep -c '^cache          [0-9]* entr')" 50 "each with the sizes"
ask_many "$dir/end"
stop_daemon && ok "SIGTERM in the middle: it ends well" || not_ok "SIGTERM in the middle: it ends well"
bad=
for many_pid in $many_pids; do
    wait "$many_pid"
    status=$?
    [ $status -eq 0 ] || [ $status -eq 3 ] || bad="$bad $status"
done
is "$bad" "" "each was answered, or told that nobody answers"
kill "$load_pid" 2>/dev/null
wait "$load_pid" 2>/dev/null
tap_done

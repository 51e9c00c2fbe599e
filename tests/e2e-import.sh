#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A changed record is committed and imported: the answer is new when the import ends, without a restart, and no query is
# lost while IMPORTS imports (default 200) run under load.
. "${srcdir:-.}/tests/lib.sh"

command -v dig >/dev/null 2>&1 || bail_out "dig is missing (Debian: bind9-dnsutils)"
imports=${IMPORTS:-200}
inside=127.10.0.1
outside=127.99.0.1

write_www() { # ADDRESS
    sed -i "s/^www .*/www 60 A $1/" "$dir/zones/internet/harbor.example.zone"
}

commit() { # SUBJECT
    repo_git "$dir/zones" commit -q -am "$1"
}

dir=$(new_dir)
mkdir -p "$dir/tree/internet"
cat >"$dir/tree/policy.conf" <<POLICY
[view internet]
clients = any
[view internal]
clients = 127.10.0.0/16
base = internet
POLICY
cat >"$dir/tree/internet/harbor.example.zone" <<ZONE
\$TTL 3600
@ SOA ns hostmaster 2026112001 7200 900 1209600 60
@ NS ns
ns A 192.0.2.1
www 60 A 192.0.2.80
ZONE
make_repo "$dir/zones" "$dir/tree" || bail_out "no git repository"
conf=$(make_conf "$dir")

# The daemon first: with an empty store it waits.
start_daemon "$conf" || bail_out "splitviewd does not start with an empty store"
is "$(ask_rcode $outside www.harbor.example A)" REFUSED "an empty store is REFUSED"
check "the first import" "$SPLITVIEW" --config "$conf" import
like "$OUTPUT" '^generation 1: 2 views, 2 zones, 8 records \(1 image new, 0 reused\), commit [0-9a-f]{12} "zones"$' \
    "import says what it published"
like "$OUTPUT" '^splitviewd serves generation 1$' "import says that it is served"
is "$(ask $outside www.harbor.example A)" 192.0.2.80 "the first generation is served"

check "the same again" "$SPLITVIEW" --config "$conf" import
like "$OUTPUT" '^generation 1 holds all of this already: ' "import says that nothing is new"

write_www 192.0.2.81
check "a dry run of the same commit" "$SPLITVIEW" --config "$conf" import --dry-run
like "$OUTPUT" '^dry run, nothing was published: 2 views' "dry run says so"
commit "www moves"
check "a dry run of the change" "$SPLITVIEW" --config "$conf" import --dry-run
like "$OUTPUT" '192\.0\.2\.80.*192\.0\.2\.81|192\.0\.2\.81' "dry run shows the change"
check "the same as JSON" "$SPLITVIEW" --config "$conf" import --dry-run --json
like "$OUTPUT" '"different": true' "dry run --json says that it is different"
is "$(ask $outside www.harbor.example A)" 192.0.2.80 "the old answer is still served"
check "import of the changed record" "$SPLITVIEW" --config "$conf" import --json
is "$(ask $outside www.harbor.example A)" 192.0.2.81 "the new answer is served outside"
is "$(ask $inside www.harbor.example A)" 192.0.2.81 "the new answer is served inside"
like "$OUTPUT" '"generation": 2' "import --json gives the generation"
like "$OUTPUT" '"daemon": "served"' "import --json says that it is served"
is "$(ask $outside harbor.example SOA | awk '{ print $3 }')" 2026112002 "the serial rises though the file's did not"
check "import of an older revision" "$SPLITVIEW" --config "$conf" import --rev HEAD~1
is "$(ask $outside www.harbor.example A)" 192.0.2.80 "the older revision is served"
is "$(ask $outside harbor.example SOA | awk '{ print $3 }')" 2026112003 "the serial never goes back"

check "status" "$SPLITVIEW" --config "$conf" status
like "$OUTPUT" '^generation  *3$' "status shows the generation"
like "$OUTPUT" '^process  *'"$DAEMON_PID"'$' "the daemon is the same process"

# Only what changed is read and compiled; an import may be refused for changing too much, and says it is not alone.
cat >>"$conf" <<CONF
max-removed = 0
import-memory = 64M
serial = file
CONF
cat >"$dir/zones/internet/pier.example.zone" <<ZONE
\$TTL 3600
@ SOA ns hostmaster 7 7200 900 1209600 60
@ NS ns
ns A 192.0.2.1
crane A 192.0.2.7
ZONE
repo_git "$dir/zones" add -A
commit "a second zone"
check "import of a second zone" "$SPLITVIEW" --config "$conf" import
like "$OUTPUT" '\(1 image new, 1 reused\)' "the first zone's image is reused"
sed -i '/^crane/d' "$dir/zones/internet/pier.example.zone"
commit "no crane"
check_fails 1 "an import that removes more than max-removed" "$SPLITVIEW" --config "$conf" import
like "$OUTPUT" 'view internet: 1 answers would be gone, more than max-removed = 0 allows' "it says what would be gone"
is "$(ask $outside crane.pier.example A)" 192.0.2.7 "the answer is still there"
check_fails 1 "its dry run" "$SPLITVIEW" --config "$conf" import --dry-run
check "--force" "$SPLITVIEW" --config "$conf" import --force
is "$(ask_rcode $outside crane.pier.example A)" NXDOMAIN "--force removes it"
is "$(ask $outside pier.example SOA | awk '{ print $3 }')" 8 "its zone has the next serial"
check_fails 2 "--serial-floor without a number" "$SPLITVIEW" --config "$conf" import --serial-floor x
sed -i '/^max-removed/d' "$conf"

# Another import waits for the first: both are published, in turn.
write_www 192.0.2.90
commit "one"
"$SPLITVIEW" --config "$conf" import >"$dir/one.log" 2>&1 &
one=$!
"$SPLITVIEW" --config "$conf" import --rev HEAD~1 >"$dir/two.log" 2>&1
is $? 0 "one of two imports at a time"
wait "$one"
is $? 0 "the other of two imports at a time"

# An import that is interrupted leaves the generation before, and the next one does the work.
before=$(control "$dir/control" status | sed -n 's/.*"generation": *\([0-9]*\).*/\1/p')
{
    cat "$dir/zones/internet/pier.example.zone"
    echo "\$GENERATE 1-200000 load\$ A 192.0.2.9"
} >"$dir/pier" && mv "$dir/pier" "$dir/zones/internet/pier.example.zone"
commit "a large zone"
CI=true env --default-signal=INT "$SPLITVIEW" --config "$conf" import >"$dir/interrupted.log" 2>&1 &
interrupted=$!
# Before that the shell's child still ignores the signal.
until [ "$(readlink "/proc/$interrupted/exe")" -ef "$SPLITVIEW" ] || ! kill -0 "$interrupted" 2>/dev/null; do :; done
kill -INT "$interrupted"
wait "$interrupted"
[ $? -ne 0 ] && ok "an import ends when it is interrupted" || not_ok "an import ends when it is interrupted"
is "$(control "$dir/control" status | sed -n 's/.*"generation": *\([0-9]*\).*/\1/p')" "$before" "the generation before is served"
check "the import after it" "$SPLITVIEW" --config "$conf" import
is "$(ask $outside load200000.pier.example A)" 192.0.2.9 "the large zone is served"

# Queries from both views run all the time while one import follows the other.
many_imports() {
    local number
    for number in $(seq 1 "$imports"); do
        write_www "192.0.2.$((number % 4 + 80))"
        commit "number $number" || return 1
        "$SPLITVIEW" --config "$conf" import >"$dir/many.log" 2>&1 || return 1
    done
}

allowed=192.0.2.80,192.0.2.81,192.0.2.82,192.0.2.83
write_www 192.0.2.80
commit "before the load"
check "the last import before the load" "$SPLITVIEW" --config "$conf" import
mkfifo "$dir/until"
"$builddir/tests/load" --server "127.0.0.1@$PORT" --rate "${RATE:-2000}" --window 256 \
    $outside www.harbor.example A $allowed $inside www.harbor.example A $allowed \
    $outside none.harbor.example A NXDOMAIN $inside none.harbor.example A NXDOMAIN \
    <"$dir/until" >"$dir/load.log" 2>&1 &
load=$!
exec 9>"$dir/until"
wait_line "$dir/load.log" '^running' || bail_out "the load does not run"
many_imports && ok "$imports imports under load" || not_ok "$imports imports under load: $(cat "$dir/many.log")"
exec 9>&-
wait "$load"
is $? 0 "no query was lost or answered wrongly under load"
diag <"$dir/load.log"
is "$(ask $outside www.harbor.example A)" "192.0.2.$((imports % 4 + 80))" "the last of them is served"

stop_daemon && ok "the daemon stops" || not_ok "the daemon stops"
tap_done

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What can go wrong with a store, with the programs themselves: each time clear words, the right exit status, and the
# generation of before still there and still served.
. "${srcdir:-.}/tests/lib.sh"

command -v dig >/dev/null 2>&1 || bail_out "dig is missing (Debian: bind9-dnsutils)"
client=127.10.0.1

# A configuration with a folder of zones; its path goes to $conf, the folder to $dir.
new_deployment() { # [LINE...]
    dir=$(new_dir)
    mkdir -p "$dir/zones/internet"
    printf '[view internet]\nclients = any\n' >"$dir/zones/policy.conf"
    write_zone 1
    conf=$(make_conf "$dir" "$@")
    data=$dir/store/1/data.mdb
}

write_zone() { # NUMBER [HOSTS]
    cat >"$dir/zones/internet/harbor.example.zone" <<ZONE
\$TTL 60
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.1
number TXT "$1"
${2:+\$GENERATE 1-$2 host\$ TXT "$1 host \$"}
ZONE
}

splitview() { "$SPLITVIEW" --config "$conf" "$@"; }
number() { ask "$client" number.harbor.example TXT | tr -d '"'; }
import_fine() { # NUMBER
    write_zone "$1"
    splitview import >"$dir/import.log" 2>&1 || { diag <"$dir/import.log"; bail_out "import of number $1 failed"; }
}

# --- verify, stats, backup, restore, compact beside a running daemon ---
new_deployment "keep-generations = 4"
check_fails 3 "verify without a store" splitview store verify
like "$OUTPUT" "error: no store in $dir/store\$" "it says that there is none"
import_fine 1
start_daemon "$conf" || bail_out "splitviewd does not start"
check "verify" splitview store verify
like "$OUTPUT" "^$dir/store is whole: 1 generation up to 1, 1 catalog with 1 zone, 1 image of " "verify says what it read"
check "verify --json" splitview store verify --json
like "$OUTPUT" '^  "images": 1,$' "with counts"
check "backup" splitview store backup "$dir/copy"
is "$(stat -c %a "$dir/copy")" 640 "the copy has mode 0640"
check_fails 3 "a second backup to the same file" splitview store backup "$dir/copy"
like "$OUTPUT" "$dir/copy is there already; nothing was written" "it says why"
check "backup --force" splitview store backup "$dir/copy" --force
check_fails 3 "backup to a folder that is missing" splitview store backup "$dir/missing/copy"
like "$OUTPUT" "$dir/missing/copy.*No such file or directory" "it says why"
is "$(cd "$dir" && ls)" "$(printf 'control\ncopy\nimport.log\nsplitview.conf\nstore\nzones')" "failed backups leave nothing"
for i in 2 3 4 5 6 7; do import_fine $i; done
is "$(number)" 7 "the seventh generation is served"
check "stats" splitview store stats
like "$OUTPUT" '^generations +4 to 7$' "stats knows the generations"
like "$OUTPUT" "process $DAEMON_PID \(splitviewd\), running for [0-9]+ s, 0 transactions behind" "stats shows the daemon"
like "$OUTPUT" '^  internet +1 zone, ' "stats shows the views"
check "stats --json" splitview store stats --json
like "$OUTPUT" "\"pid\": $DAEMON_PID," "with the readers"
check "compact --dry-run" splitview store compact --dry-run
check "compact" splitview store compact
like "$OUTPUT" '^splitviewd serves generation 7$' "the daemon takes up the compacted store"
check "verify after it" splitview store verify
import_fine 8
is "$(number)" 8 "an import into the compacted store is served"
cp "$dir/copy" "$dir/broken"
printf 'x' | dd of="$dir/broken" bs=1 seek=20490 conv=notrunc 2>/dev/null
check_fails 1 "restore of a damaged copy" splitview store restore "$dir/broken"
like "$OUTPUT" "$dir/broken is no whole copy of a store; nothing was replaced" "it says so"
head -c 10000 "$dir/copy" >"$dir/broken"
check_fails 1 "restore of a copy that was cut short" splitview store restore "$dir/broken"
is "$(number)" 8 "nothing was replaced"
check "restore --dry-run" splitview store restore --dry-run "$dir/copy"
is "$(number)" 8 "a dry run changes nothing"
check "restore" splitview store restore "$dir/copy"
like "$OUTPUT" '^splitviewd serves generation 1$' "the daemon takes up the restored store"
is "$(number)" 1 "the copy is served"
[ -f "$dir/store/1.replaced/data.mdb" ] && ok "what was replaced is kept" || not_ok "what was replaced is kept"
import_fine 9
is "$(number)" 9 "an import into the restored store is served"
check_fails 2 "an action that is none" splitview store verfy
check_fails 2 "a time limit that is none" splitview store verify --time-limit soon

# --- what reads the store ends, even when nobody reads what it prints ---
mkdir "$dir/zones/tests"
printf '%s number.harbor.example TXT = "9"\n' "$client" >"$dir/zones/tests/number.views"
mkfifo "$dir/full"
exec 8<>"$dir/full"
dd if=/dev/zero of="$dir/full" bs=4096 oflag=nonblock status=none 2>/dev/null
for words in log diff "show --view internet" "explain --from $client number.harbor.example TXT" test; do
    # shellcheck disable=SC2086
    timeout 60 "$SPLITVIEW" --config "$conf" $words --time-limit 100ms >"$dir/full" 2>"$dir/limit.log"
    is $? 3 "$words that nobody reads ends after its time limit"
    is "$(cat "$dir/limit.log")" "splitview: not finished within the time limit; more is given with --time-limit" \
        "$words says why"
done
exec 8>&-
rm -r "$dir/zones/tests" "$dir/full" "$dir/limit.log"
check_fails 2 "a time limit of log that is none" splitview log --time-limit 1y
check "log within its time" splitview log --time-limit 1h
check "log without limit" splitview log --time-limit 0

# --- two importers at once ---
exec 9>"$dir/store/import.lock"
flock 9
printf '%d %d\n' $$ "$(date +%s)" >&9
write_zone 10
timeout 60 "$SPLITVIEW" --config "$conf" import >"$dir/second.log" 2>&1 &
second=$!
is "$(number)" 9 "the generation of before is served while somebody holds the lock"
flock -u 9
exec 9>&-
wait "$second"
is $? 0 "the second importer waits until the first is done"
is "$(number)" 10 "and publishes"
stop_daemon && ok "the daemon stops" || not_ok "the daemon stops"

# --- store deleted, moved and replaced under the running daemon ---
new_deployment
import_fine 1
start_daemon "$conf" || bail_out "splitviewd does not start"
rm -rf "$dir/store"
is "$(number)" 1 "a store deleted under the daemon: it keeps serving"
import_fine 2
is "$(number)" 2 "and takes up the next one"
mv "$dir/store" "$dir/moved"
is "$(number)" 2 "a store moved away: it keeps serving"
import_fine 3
is "$(number)" 3 "and takes up the new one"
mv "$dir/store" "$dir/other"
mv "$dir/moved" "$dir/store"
control "$dir/control" adopt >/dev/null
is "$(number)" 2 "a store moved back is served again"
kill -KILL "$DAEMON_PID"
wait "$DAEMON_PID" 2>/dev/null
check "stats after the daemon was killed" splitview store stats
like "$OUTPUT" '^  none$' "the reader that was killed is gone"
import_fine 4
check "verify" splitview store verify

# --- damage ---
start_daemon "$conf" || bail_out "splitviewd does not start"
new_deployment
write_zone 1 100
check "a store to damage" splitview import
cp "$data" "$dir/whole"
truncate -s 8192 "$data"
check_fails 1 "verify of a file that was cut short" splitview store verify
like "$OUTPUT" "$data is cut short: it has 8192 bytes and needs [0-9]+" "it says so"
check_fails 3 "import into it" splitview import
like "$OUTPUT" "$data is cut short" "it says so too"
is "$(stat -c %s "$data")" 8192 "and leaves it alone"
cp "$dir/whole" "$data"
at=$(grep -abo 'host' "$data" | tail -n 1 | cut -d : -f 1)
printf 'H' | dd of="$data" bs=1 seek="$at" conv=notrunc 2>/dev/null
check_fails 1 "verify of a flipped bit in an image" splitview store verify
like "$OUTPUT" 'image 1: found other bytes than were stored' "it names the image"
like "$OUTPUT" 'zone harbor\.example\.: image 1 is damaged' "and the zone"
like "$OUTPUT" 'generation 1: view internet' "and the generation and view"
cp "$dir/whole" "$data"
pages=$(($(stat -c %s "$data") / 4096))
for ((page = 2; page < pages; page++)); do
    printf '\1' | dd of="$data" bs=1 seek=$((page * 4096 + 3)) conv=notrunc 2>/dev/null
done
check_fails 1 "verify of flipped bits in the pages of LMDB" splitview store verify
like "$OUTPUT" "$data: page [0-9]+: found the head of another page" "it names a page"
cp "$dir/whole" "$data"
check "the whole file again" splitview store verify
mkdir "$dir/store/2"
echo newer >"$dir/store/2/data.mdb"
check "another format's folder is left alone" splitview store verify
write_zone 2
check "an import beside it" splitview import
is "$(cat "$dir/store/2/data.mdb")" newer "it is as it was"

# --- full map ---
new_deployment "map-size = 1M"
import_fine 1
write_zone 2 9000
check_fails 3 "an import that does not fit into the map" splitview import
like "$OUTPUT" 'has reached its map size of 1048576 bytes; raise `map-size` in splitview\.conf' "it names the option"
like "$OUTPUT" 'nothing was published; generation 1 still serves' "and what still serves"
check "verify after it" splitview store verify
import_fine 3
check "verify after a smaller import" splitview store verify

# --- wrong owner, read-only file system, full disk ---
if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null; then
    skip "wrong owner, read-only file system and full disk" "needs root and a mount namespace"
    tap_done
fi
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
chmod 755 "$test_root" "$dir"
new_deployment
chmod 755 "$dir"
import_fine 1
check_fails 3 "verify by somebody who has no right to the store" nobody "$SPLITVIEW" --config "$conf" store verify
like "$OUTPUT" "$dir/store/1/data.mdb: Permission denied \(.*running as uid 65534" "it says who owns it and who asks"
check_fails 3 "import by him" nobody "$SPLITVIEW" --config "$conf" import
like "$OUTPUT" "import.lock: Permission denied \(.*running as uid 65534" "it says so too"

cat >"$dir/read-only" <<'SCRIPT'
set -e
mount --bind "$1/store" "$1/store"
mount -o remount,ro,bind "$1/store"
set +e
"$2" --config "$1/splitview.conf" store verify
echo "verify $?"
"$2" --config "$1/splitview.conf" store compact
echo "compact $?"
"$2" --config "$1/splitview.conf" import
echo "import $?"
SCRIPT
write_zone 2
check "a read-only file system" unshare -m bash "$dir/read-only" "$dir" "$SPLITVIEW"
like "$OUTPUT" '^verify 0$' "can be verified"
like "$OUTPUT" '^import 3$' "not imported into"
like "$OUTPUT" '^compact 3$' "and not compacted"
like "$OUTPUT" 'import.lock: Read-only file system' "with clear words"
check "verify after it" splitview store verify

cat >"$dir/full" <<'SCRIPT'
set -e
mount -t tmpfs -o size=2m,mode=755 none "$1/small"
cp -a "$1/store" "$1/small/store"
sed "s|^store = .*|store = $1/small/store|" "$1/splitview.conf" >"$1/small.conf"
set +e
"$2" --config "$1/small.conf" import
echo "import $?"
"$2" --config "$1/small.conf" store verify
echo "verify $?"
head -c 1m /dev/zero >"$1/small/fill" 
cat /dev/zero >>"$1/small/fill" 2>/dev/null
"$2" --config "$1/splitview.conf" store backup "$1/small/copy"
echo "backup $?"
ls "$1/small"
"$2" --config "$1/small.conf" store compact
echo "compact $?"
"$2" --config "$1/small.conf" store verify
echo "verify again $?"
rm "$1/small/fill"
sed -i '/GENERATE/d' "$1/zones/internet/harbor.example.zone"
"$2" --config "$1/small.conf" import
echo "small import $?"
SCRIPT
mkdir "$dir/small"
write_zone 3 40000
check "a full disk" unshare -m bash "$dir/full" "$dir" "$SPLITVIEW"
like "$OUTPUT" '^import 3$' "the import fails"
like "$OUTPUT" 'no room on the disk' "and says why"
like "$OUTPUT" 'nothing was published; generation 1 still serves' "and what still serves"
like "$OUTPUT" '^verify 0$' "the store is whole"
like "$OUTPUT" '^backup 3$' "a backup fails"
like "$OUTPUT" '^compact 3$' "compacting fails"
is "$(printf '%s\n' "$OUTPUT" | grep -c '^copy')" 0 "nothing is left of the backup"
like "$OUTPUT" '^verify again 0$' "the store is still whole"
like "$OUTPUT" '^small import 0$' "with room again, an import succeeds"
tap_done

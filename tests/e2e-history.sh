#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Generations one after the other: log tells them, diff tells what changed for whom, rollback brings an older one back
# with rising serials and keeps imports off until it is released.
. "${srcdir:-.}/tests/lib.sh"

command -v dig >/dev/null 2>&1 || bail_out "dig is missing (Debian: bind9-dnsutils)"
inside=127.10.0.1
outside=127.99.0.1

splitview() {
    "$SPLITVIEW" --config "$conf" "$@"
}

commit() { # SUBJECT
    repo_git "$dir/zones" add -A
    repo_git "$dir/zones" commit -q -m "$1"
}

serial() {
    ask $outside harbor.example SOA | awk '{ print $3 }'
}

lines() { # of OUTPUT that fit
    printf '%s\n' "$OUTPUT" | grep -cE -- "$1"
}

dir=$(new_dir)
mkdir -p "$dir/tree/internet" "$dir/tree/internal"
cat >"$dir/tree/policy.conf" <<POLICY
[view internet]
clients = any
[view guest]
clients = 127.20.0.0/16
base = internet
[view internal]
clients = 127.10.0.0/16
base = internet
[zone harbor.example]
mode.internal = full
POLICY
cat >"$dir/tree/internet/harbor.example.zone" <<ZONE
\$TTL 3600
@ SOA ns hostmaster 100 7200 900 1209600 60
@ NS ns
ns A 192.0.2.1
www 60 A 192.0.2.80
shop 60 CNAME www
ZONE
sed 's/192\.0\.2\.80/10.0.0.80/' "$dir/tree/internet/harbor.example.zone" >"$dir/tree/internal/harbor.example.zone"
make_repo "$dir/zones" "$dir/tree" || bail_out "no git repository"
conf=$(make_conf "$dir")

check "log of no store" splitview log
is "$OUTPUT" "nothing was published yet" "log says that there is nothing"
check_fails 1 "diff of no store" splitview diff
check_fails 1 "rollback of no store" splitview rollback

start_daemon "$conf" || bail_out "splitviewd does not start with an empty store"
check "the first import" splitview import
check_fails 1 "rollback without an older generation" splitview rollback
like "$OUTPUT" 'generation 1 is the only one' "it says why"

sed -i 's/192\.0\.2\.80/192.0.2.81/' "$dir/zones/internet/harbor.example.zone"
commit "www moves"
check_fails 1 "diff of the head with the tree" splitview diff --zones "$dir/zones"
like "$OUTPUT" '^  www\.harbor\.example\. A: 192\.0\.2\.80 \(60\) -> 192\.0\.2\.81 \(60\)$' "diff shows old and new with TTLs"
like "$OUTPUT" '^  shop\.harbor\.example\. A: CNAME www\.harbor\.example\. \(60\), 192\.0\.2\.80 \(60\) -> .* \(by its target\)$' \
    "diff shows the alias of what changed"
like "$OUTPUT" '^view internet \(any\), view guest \(127\.20\.0\.0/16\): 2 names, 2 answers$' \
    "diff names the views and their clients, once"
is "$(lines 'view internal')" 0 "diff says nothing of a view that does not change"
check "a dry run of the import" splitview import --dry-run
like "$OUTPUT" '^  www\.harbor\.example\. A: 192\.0\.2\.80 \(60\) -> 192\.0\.2\.81 \(60\)$' "it shows what would change"
check "a dry run with --json" splitview import --dry-run --json
like "$OUTPUT" '"name": "www.harbor.example."' "likewise"
check "import of the change" splitview import
is "$(ask $outside www.harbor.example A)" 192.0.2.81 "the change is served"
is "$(serial)" 101 "with the next serial"
check_fails 1 "diff without operands" splitview diff
like "$OUTPUT" '^generation 1 \([0-9a-f]{12}\) -> generation 2 \([0-9a-f]{12}\)$' "it compares the last two"
check "diff with the same tree" splitview diff --zones "$dir/zones"
like "$OUTPUT" '^no answer changes$' "nothing differs"
check "diff of a generation with itself" splitview diff 1 1
check_fails 1 "diff of two revisions without a store" "$SPLITVIEW" diff --zones "$dir/zones" main~1 main
check_fails 1 "diff of a folder and a revision" splitview diff "$dir/tree" main
check_fails 1 "diff of a generation that is not there" splitview diff 1 77
like "$OUTPUT" 'found generation 77' "it says which"
check_fails 2 "diff of three" splitview diff 1 2 3
check_fails 1 "diff --limit" splitview diff -n 1
like "$OUTPUT" '^  \.\.\. and 1 more$' "what is over the limit is counted"

cat >>"$dir/zones/policy.conf" <<POLICY
[view lab]
clients = 127.30.0.0/16
base = internet
POLICY
sed -i 's/127\.20\.0\.0/127.21.0.0/' "$dir/zones/policy.conf"
echo "new.sub 60 A 192.0.2.7" >>"$dir/zones/internet/harbor.example.zone"
commit "a lab"
check "the third import" splitview import
check_fails 1 "diff of the policy" splitview diff --json
like "$OUTPUT" '"network": "127.30.0.0/16"' "a network that moves"
check_fails 1 "diff of the policy, for people" splitview diff
like "$OUTPUT" '^view lab is new, clients 127\.30\.0\.0/16$' "a new view"
like "$OUTPUT" '^  127\.20\.0\.0/16: guest -> internet$' "clients that moved away"
like "$OUTPUT" '^  127\.21\.0\.0/16: internet -> guest$' "clients that moved in"
like "$OUTPUT" '^  sub\.harbor\.example\. any type: NXDOMAIN -> no data$' "a name that came into being"
like "$OUTPUT" '^  new\.sub\.harbor\.example\. A: NXDOMAIN -> 192\.0\.2\.7 \(60\)$' "a new name"

check "log" splitview log
is "$(lines '^generation ')" 3 "log lists all generations"
like "$(printf '%s\n' "$OUTPUT" | head -n 1)" '^generation 3, head$' "the newest first"
like "$OUTPUT" '^  "www moves" by test <test@harbor.example>$' "log shows subject and author"
like "$OUTPUT" '^  internet, guest: 2 names, 2 answers changed$' "log counts names and answers"
check "log -n 1 --json" splitview log -n 1 --json
is "$(lines '"generation":')" 1 "log -n limits"

# Back.
check "a dry run of a rollback" splitview rollback 1 --dry-run
like "$OUTPUT" '^dry run, nothing was published: generation 4 is generation 1 again: ' "it says what it would do"
like "$OUTPUT" '^  new\.sub\.harbor\.example\. A: 192\.0\.2\.7 \(60\) -> NXDOMAIN$' "and what would change"
is "$(serial)" 102 "and changes nothing"
check_fails 1 "rollback to the head" splitview rollback 3
check_fails 2 "rollback to a word" splitview rollback yesterday
check "rollback" splitview rollback 1
like "$OUTPUT" '^generation 4 is generation 1 again: 3 zones, 2 changed, commit [0-9a-f]{12}$' "it says what it did"
like "$OUTPUT" '^splitviewd serves generation 4$' "it is served"
is "$(ask $outside www.harbor.example A)" 192.0.2.80 "the old answer is served"
is "$(ask $inside www.harbor.example A)" 10.0.0.80 "inside too"
is "$(ask_rcode $outside new.sub.harbor.example A)" NXDOMAIN "the newer name is gone"
is "$(serial)" 103 "the serial goes on"
is "$(ask $inside harbor.example SOA | awk '{ print $3 }')" 100 "that of what did not change stays"
check "diff of a generation and its rollback" splitview diff 1 4
check_fails 1 "an import while pinned" splitview import
like "$OUTPUT" 'rollback --release' "it says what to do"
is "$(ask $outside www.harbor.example A)" 192.0.2.80 "nothing was imported"
check "log after the rollback" splitview log
like "$OUTPUT" '^generation 4, head, pinned$' "log shows the pin"
like "$OUTPUT" '^  a rollback to generation 1$' "log shows the rollback"
check "rollback without a number" splitview rollback --json
like "$OUTPUT" '"rollback_of": 3' "goes to the one before"
is "$(serial)" 104 "the serial goes on"
is "$(ask $outside www.harbor.example A)" 192.0.2.81 "the newer answer is served again"
check "a dry run of a release" splitview rollback --release --dry-run
check_fails 1 "an import while still pinned" splitview import
check "release" splitview rollback --release
like "$OUTPUT" '^generation 5 does not pin the store any more' "it says so"
check "release again" splitview rollback --release
like "$OUTPUT" '^no rollback pins the store$' "there is nothing to release"
echo "last 60 A 192.0.2.9" >>"$dir/zones/internet/harbor.example.zone"
commit "last"
check "import after the release" splitview import
is "$(ask $outside last.harbor.example A)" 192.0.2.9 "it is served"
is "$(serial)" 105 "the serial goes on"

# Where names go that no zone holds.
folder=$dir/forward
mkdir -p "$folder.1/internet"
cat >"$folder.1/policy.conf" <<'POLICY'
[view internet]
clients = any
[view guest]
clients = 127.20.0.0/16
base = internet
[view internal]
clients = 127.10.0.0/16
base = internet
forward = site
[zone pin.example]
mode.internal = pinpoint
[upstream site]
servers = 192.0.2.53
[upstream dc]
servers = 192.0.2.54
[forward ads.example]
to = nowhere
views = internal
POLICY
mkdir "$folder.1/internal"
echo "meet 60 A 10.0.0.3" >"$folder.1/internal/pin.example.zone"
cp "$dir/tree/internet/harbor.example.zone" "$folder.1/internet/"
echo "www.dc 60 A 192.0.2.7" >>"$folder.1/internet/harbor.example.zone"
cp -R "$folder.1" "$folder.2"
sed -i 's/192\.0\.2\.80/192.0.2.81/' "$folder.2/internet/harbor.example.zone"
echo "join 60 A 10.0.0.4" >>"$folder.2/internal/pin.example.zone"
sed -i 's/= 192.0.2.53/= 192.0.2.55, 192.0.2.56@5353/
    s/= nowhere/= dc/
    s/^clients = 127.20.*/&\nforward = dc/
    s/^clients = 127.10.*/&\ncanary = no/' "$folder.2/policy.conf"
printf '[forward dc.harbor.example]\nto = dc\nviews = internal\n' >>"$folder.2/policy.conf"
check_fails 1 "diff of two policies that forward" "$SPLITVIEW" diff "$folder.1" "$folder.2"
is "$(printf '%s\n' "$OUTPUT" | sed -n '/^forwarding:$/,/^view/p')" "forwarding:
  view guest, recursion: no -> yes
  view guest, other names: REFUSED -> upstream dc
  view internal, ads.example. and below: NXDOMAIN (local) -> upstream dc
  view internal, canary names: local answers -> upstream site
  upstream site: 192.0.2.53 -> 192.0.2.55, 192.0.2.56@5353
view internet (any), view guest (127.20.0.0/16): 2 names, 2 answers" \
    "it says where names go, and joins views that differ in that alone"
like "$OUTPUT" '^  www\.dc\.harbor\.example\. A: 192\.0\.2\.7 \(60\) -> upstream dc$' "a name of ours that is given away"
like "$OUTPUT" '^  join\.pin\.example\. A: upstream site -> 10\.0\.0\.4 \(60\)$' "a miss of a pinpoint zone that is ours now"
is "$(lines REFUSED)" 1 "nothing that is forwarded is called REFUSED"
check_fails 1 "the same as JSON" "$SPLITVIEW" diff "$folder.1" "$folder.2" --json
like "$OUTPUT" '"upstream": "site"' "an answer that goes on"
like "$OUTPUT" '"before": "NXDOMAIN \(local\)"' "a route"
like "$OUTPUT" '"192.0.2.56@5353"' "the servers of an upstream"
check_fails 1 "the way back" "$SPLITVIEW" diff "$folder.2" "$folder.1"
like "$OUTPUT" '^  view guest, recursion: yes -> no$' "a view loses recursion"
like "$OUTPUT" '^  www\.dc\.harbor\.example\. A: upstream dc -> 192\.0\.2\.7 \(60\)$' "a name comes back"
check "nothing differs" "$SPLITVIEW" diff "$folder.1" "$folder.1"
check "import of the first" splitview import --zones "$folder.1"
check "a dry run of the second" splitview import --zones "$folder.2" --dry-run
like "$OUTPUT" '^  view guest, other names: REFUSED -> upstream dc$' "says the same"
check "import of the second" splitview import --zones "$folder.2"
check "its log" splitview log -n 1
like "$OUTPUT" '^  forwarding changed$' "tells it in a word"
check "and as JSON" splitview log -n 1 --json
like "$OUTPUT" '"forwarding_changed": true' "likewise"

stop_daemon && ok "splitviewd stops" || not_ok "splitviewd stops"
tap_done

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# show, explain and test, on a tree, on a commit of a bare repository and on the store; and import, which runs the
# tests of the tree first.
. "${srcdir:-.}/tests/lib.sh"

splitview() {
    "$SPLITVIEW" "$@"
}

has() { # TEXT PATTERN...: all stand in OUTPUT, one a line, in this order
    local text=$1 rest=$OUTPUT pattern
    shift
    for pattern in "$@"; do
        if ! printf '%s\n' "$rest" | grep -Eq -- "$pattern"; then
            not_ok "$text"
            diag "wanted: $pattern"
            diag "in: $OUTPUT"
            return 1
        fi
        rest=$(printf '%s\n' "$rest" | sed -En "\\|$pattern|,\$p" | sed 1d)
    done
    ok "$text"
}

lacks() { # TEXT PATTERN
    if printf '%s\n' "$OUTPUT" | grep -Eq -- "$2"; then
        not_ok "$1"
        diag "found: $2"
        diag "in: $OUTPUT"
    else
        ok "$1"
    fi
}

dir=$(new_dir)
tree=$dir/tree
mkdir -p "$tree/internet" "$tree/internal" "$tree/tests"
cat >"$tree/policy.conf" <<'POLICY'
[view internet]
clients = any
[view guest]
clients = 10.10.200.0/24
base = internet
side = external
[view internal]
clients = 10.10.0.0/16, 127.10.0.0/16
[network depot]
kind = wired
from = 10.10.200.7
POLICY
cat >"$tree/internet/harbor.example.zone" <<'ZONE'
$TTL 3600
@ SOA ns.isp.example. hostmaster 2026112001 7200 900 1209600 60
  NS ns.isp.example.
www A 192.0.2.80
lyncdiscover CNAME lyncweb
lyncweb A 192.0.2.20
*.sites A 192.0.2.90
branch NS ns.branch
ns.branch A 192.0.2.91
ZONE
cat >"$tree/internal/harbor.example.zone" <<'ZONE'
$TTL 600
@ SOA dc01 hostmaster 7 7200 900 1209600 30
  NS dc01
dc01 A 10.10.1.5
lyncdiscover A 192.0.2.20
$INCLUDE shared/meet.inc
ZONE
mkdir "$tree/shared"
printf 'meet A 10.10.1.20\nmeet TXT "a, b"\n' >"$tree/shared/meet.inc"
cat >"$tree/tests/roaming.views" <<'VIEWS'
internet,@lte lyncdiscover.harbor.example A = lyncweb.harbor.example. -> 192.0.2.20
guest,@depot www.harbor.example A,AAAA same-as:internet ; overlays come later
internal {meet,lyncdiscover}.harbor.example A direct view:internal !198.51.100.0/24 ttl=600
include common.inc
VIEWS
printf 'internal www.harbor.example A NXDOMAIN ttl<=60\n' >"$tree/tests/common.inc"
repo_git "$tree" init -q
repo_git "$tree" add -A
repo_git "$tree" commit -q -m "zones"
git clone -q --bare "$tree" "$dir/bare.git"

# explain, on a tree
check "explain names what it looked at" splitview explain --zones "$tree" --from 10.10.3.4 meet.harbor.example A
has "... the view and why, the losers, zone, files, records with lines, the answer" \
    '^looked at +.*tree \([0-9a-f]{12}\)$' \
    '^question +meet\.harbor\.example\. A from 10\.10\.3\.4 over UDP$' \
    '^view +internal: 10\.10\.0\.0/16 \(policy\.conf:8\) is the longest network around 10\.10\.3\.4$' \
    '^ +not internet: any \(policy\.conf:2\) fits too, but that is for those whom no network takes$' \
    '^name +meet\.harbor\.example\.$' \
    '^zone +harbor\.example\., serial 7$' \
    '^ +from internal/harbor\.example\.zone; shared/meet\.inc$' \
    '^records +meet\.harbor\.example\. A, TTL 600$' \
    '^ +written in shared/meet\.inc:1$' \
    '^ttl +600 in the file; served with 600$' \
    '^forward +no: the answer is decided here$' \
    '^;; status: NOERROR, flags: qr aa$' \
    '^meet\.harbor\.example\..*600.*IN.*A.*10\.10\.1\.20$'
lacks "... and no view that does not fit" 'guest'
check "a chain is told hop by hop" splitview explain --zones "$tree" --from @lte lyncdiscover.harbor.example A
has "... with the line of each record" \
    '^view +internet: for an address that no view lists$' \
    '^records +lyncdiscover\.harbor\.example\. CNAME, TTL 3600$' 'internet/harbor\.example\.zone:5$' \
    '^name +lyncweb\.harbor\.example\.$' '^records +lyncweb\.harbor\.example\. A' 'zone:6$' '192\.0\.2\.20$'
check "inherited records say from which view" splitview explain --zones "$tree" --from 10.10.200.3 www.harbor.example A
has "... and a shorter network lost" '^view +guest: 10\.10\.200\.0/24' 'not internal: 10\.10\.0\.0/16.*shorter' \
    'written in internet/harbor\.example\.zone:4, of base view internet'
check "wildcards are told" splitview explain --zones "$tree" --from internet a.sites.harbor.example A
has "... with the closest name" 'the closest name above that does is sites\.harbor\.example\.' \
    'the wildcard \*\.sites\.harbor\.example\. stands for it' 'zone:7$' '192\.0\.2\.90$'
check "delegations are told" splitview explain --zones "$tree" --from internet b.branch.harbor.example A
has "... with the name servers" 'delegated at branch\.harbor\.example\.' ';; AUTHORITY SECTION:' 'NS.*ns\.branch'
check "missing names are told" splitview explain --zones "$tree" --from internet nope.harbor.example AAAA
has "... with the SOA's TTL and serial" 'does not exist' '^negative +NXDOMAIN.*TTL 60$' \
    'SOA.*ns\.isp\.example\..* 2026112001 7200 900 1209600 60$'
check "foreign names are refused" splitview explain --zones "$tree" --from 10.10.3.4 www.other.example A
has "... and nobody else is asked" 'none of this view holds' '^forward +not asked upstream: view internal has no forward for this name$' 'REFUSED'
# Forwarding: the route with its line, names that stay here, and a [forward] domain inside a zone.
forwarding=$(new_dir)
cp -R "$tree/." "$forwarding" && chmod -R u+w "$forwarding"
cat >>"$forwarding/policy.conf" <<'END'
[upstream corp]
servers = 192.0.2.53
[forward sites.harbor.example]
to = corp
views = internal
[forward partner.example]
to = nowhere
views = internal
END
sed -i 's/^\[view internal\]$/&\nforward = corp/' "$forwarding/policy.conf"
check "forwarded names are told" splitview explain --zones "$forwarding" --from internal www.other.example A
has "... with upstream and line" 'none of this view holds' \
    '^forward +upstream corp: forward of \[view internal\], policy\.conf:[0-9]+$' 'the rest of the answer is what upstream corp says'
check "... and nothing is asked without recursion" splitview explain --zones "$forwarding" --from internal \
    --no-recurse www.other.example A
has "... which is refused" 'UDP without recursion$' '^forward +not asked upstream: .*RD = 0' 'status: REFUSED'
check "a [forward] in a zone is told" splitview explain --zones "$forwarding" --from internal a.sites.harbor.example A
has "... with its line" '^zone +harbor\.example\.' 'leaves such names to others' \
    '^forward +upstream corp: \[forward sites\.harbor\.example\.\], policy\.conf:[0-9]+$'
check "... not where it does not hold" splitview explain --zones "$forwarding" --from internet a.sites.harbor.example A
has "... there the zone answers" 'the wildcard' '^forward +no: the answer is decided here$' '192\.0\.2\.90'
check "nowhere is told" splitview explain --zones "$forwarding" --from internal x.partner.example A
has "... as NXDOMAIN" '^forward +not asked upstream, NXDOMAIN from here: \[forward partner\.example\.\]' 'status: NXDOMAIN'
check "internal-only names are told" splitview explain --zones "$forwarding" --from internal lyncdiscoverinternal.other.example A
has "... they stay here" '^forward +not asked upstream, NXDOMAIN from here: an internal-only name'
check "special names are told" splitview explain --zones "$forwarding" --from internal printer.local A
has "... they stay here too" 'local\. is a special name'
check "canary names are told" splitview explain --zones "$forwarding" --from internal mask.icloud.com A
has "... likewise" 'mask\.icloud\.com\. is a canary name'
check "explain --json tells the upstream" splitview explain --zones "$forwarding" --from internal www.other.example --json
has "... and the step" '"recursion": true' '"step": "route"' '"forward": true' '"upstream": "corp"'
check "show says what is left to others" splitview show --zones "$forwarding" --view internal sites.harbor.example
has "... with the line" 'sites\.harbor\.example\.: left to others, with all below it: \[forward\].*policy\.conf:[0-9]+'
lacks "... and not what the zone holds there" '192\.0\.2\.90'
check "show --json does too" splitview show --zones "$forwarding" --view internal sites.harbor.example --json
has "... in a list" '"forwarded": \[' '"name": "sites\.harbor\.example\."' '"file": "policy\.conf"'
check "explain --json" splitview explain --zones "$tree" --from 10.10.3.4 meet.harbor.example TXT --tcp --json
has "... holds the steps, the origin and the answer" '"transport": "tcp"' '"step": "view"' '"view": "internal"' \
    '"step": "records"' '"file": "shared/meet.inc"' '"line": 2' '"answer":' '"status": "NOERROR"'
check_fails 2 "explain wants --from" splitview explain --zones "$tree" www.harbor.example A
check_fails 2 "explain wants a type" splitview explain --zones "$tree" --from internet www.harbor.example QUX
check_fails 1 "explain knows the views" splitview explain --zones "$tree" --from intern www.harbor.example A
has "... and names them" 'found intern, wanted an address, @NETWORK, or a view: internet, guest, internal'

# TTLs: as written, by which rule, through which CNAME, and what a cut-over leaves of them
ttls=$dir/ttls
mkdir -p "$ttls/internet" "$ttls/internal"
cat >"$ttls/policy.conf" <<'POLICY'
[view internet]
clients = any
[view internal]
clients = 10.10.0.0/16
base = internet
[ttl walk]
names = www.harbor.example
max = 300
[ttl go]
names = go.harbor.example
views = internet
fixed = 200
[ttl back]
names = mail.harbor.example, ns.harbor.example
views = internal
min = 900
[cutover move]
at = 2026-12-01T20:00:00Z
names = www.harbor.example
floor = 30
[autodiscover hq]
sip-domains = harbor.example, pier.example
internal-views = internal
hairpin = yes
dialin = dialin.harbor.example
[pool fe]
fqdn = fe.harbor.example
node = fe01.harbor.example 10.10.2.11, fe02.harbor.example 10.10.2.12
internal-web = web.ad.example 10.10.2.10
external-web = uc.harbor.example 192.0.2.99
[edge edge]
access = 192.0.2.51
webcon = webcon.branch.harbor.example 192.0.2.52
av = av.harbor.example 192.0.2.53
POLICY
cat >"$ttls/internet/harbor.example.zone" <<'ZONE'
$TTL 3600
@ SOA ns hostmaster 1 7200 900 1209600 60
  NS ns
ns A 192.0.2.1
www A 192.0.2.80
go CNAME mail
mail A 192.0.2.25
branch NS ns
two 600 A 192.0.2.1
two 500 A 192.0.2.2
ZONE
explain_ttl() { # NAME [OPTION...]
    local name=$1
    shift
    splitview explain --zones "$ttls" --from 10.10.3.4 "$name.harbor.example" A --at 2026-12-01T19:58:00Z "$@"
}
check "explain tells how a TTL came about" explain_ttl www
has "... from the file through the rule to the cut-over" \
    '^ttl +3600 in the file, 300 by \[ttl walk\] max \(policy\.conf:6\) in view internet, 120 by \[cutover move\] \(policy\.conf:[0-9]+\), 120 seconds left until 2026-12-01T20:00:00Z; served with 120$' \
    '^cut-over +www\.harbor\.example\. A: TTL 300 becomes 120$' 'harbor\.example\..*120.*IN.*A'
check "... near its end" explain_ttl www --at 2026-12-01T19:59:50Z
has "... the floor holds" '30 by \[cutover move\] .*: its floor, 10 seconds left until 2026-12-01T20:00:00Z; served with 30$'
check "... with a CNAME that hands its limit on" explain_ttl mail
has "... which is named, with the rule of each view" \
    '^ttl +3600 in the file, 200 by \[ttl go\] fixed \(policy\.conf:9\) through the CNAME go\.harbor\.example\. in view internet, 900 by \[ttl back\] min \(policy\.conf:13\); served with 900$'
check "... where a rule has nothing to change" explain_ttl ns
has "... it is named all the same" '^ttl +3600 in the file, kept by \[ttl back\] \(policy\.conf:13\); served with 3600$'
check "... of records with two TTLs" explain_ttl two
has "... the lowest holds" '^ttl +600 in the file, 500 as the lowest of its records; served with 500$'
check "... of what facts publish" explain_ttl sip
has "... they give it" '^ttl +3600 by the facts; served with 3600$'
check "... as JSON" explain_ttl mail --json
has "... step by step" '"written_ttl": 3600' '"by": "cname"' '"rule": "go"' '"line": 9' '"bound": "fixed"' \
    '"cname": "go\.harbor\.example\."' '"ttl": 200' '"by": "ttl"' '"ttl": 900' '"served_ttl": 900'
check "show prints TTLs as written where they differ" splitview show --zones "$ttls" --view internet mail.harbor.example
has "... behind the record" \
    '^mail.*200.*zone:7, TTL 3600 in the file, 200 by \[ttl go\] fixed \(policy\.conf:9\) through the CNAME go\.harbor'

# facts whose records lie in zones of others
outside='record web\.ad\.example\. A is not published: web\.ad\.example\. lies in no zone of view internal \(wanted in AD DNS\)'
cut='record webcon\.branch\.harbor\.example\. A is not published: .* lies below a delegation, DNAME or \[forward\] domain in view internet'
check "check lists facts that are not published" splitview check --zones "$ttls"
has "... as infos" "^policy\\.conf:[0-9]+: info: fact \\[edge edge\\]: $cut" \
    '^policy\.conf:[0-9]+: info: .*pier\.example\. lies in no zone of view internet \(wanted in the DNS that serves it\)$' \
    "^policy\\.conf:[0-9]+: info: fact \\[pool fe\\]: $outside\$"
has "... not as warnings" 'no errors, 1 warning$'
check "show lists them at the end" splitview show --zones "$ttls" --view internal
has "... as comments" "^two\\.harbor" "^; fact \\[pool fe\\] \\(policy\\.conf:[0-9]+\\): $outside\$"
check "... of the view that is asked for" splitview show --zones "$ttls" --view internet branch.harbor.example
has "... also what lies below a cut" "^; fact \\[edge edge\\] \\(policy\\.conf:[0-9]+\\): $cut"
lacks "... and of no other" 'web\.ad\.example'
check "... as JSON" splitview show --zones "$ttls" --view internal web.ad.example --json
has "... too" '"unpublished":' '"name": "web\.ad\.example\."' '"why": "outside"'

# show
check "show prints a view" splitview show --zones "$tree" --view internal
has "... with the origin of each record" '^; view internal, zone harbor\.example\., serial 7$' \
    'SOA.*dc01.*hostmaster.*; internal/harbor\.example\.zone:2$' 'A.*10\.10\.1\.20.*; shared/meet\.inc:1$'
lacks "... and of no other" '192\.0\.2\.80'
check "show NAME prints it and what is below, in all views" splitview show --zones "$dir/bare.git" branch.harbor.example
has "... from a bare repository" '^; view internet' '^branch' '^ns\.branch' '^; view guest' 'of base view internet'
lacks "... and nothing else" 'www'
check "show --json" splitview show --zones "$tree" --view guest www.harbor.example --json
has "... is the same" '"view": "guest"' '"name": "www.harbor.example."' '"line": 4' '"kind": "base"'
check_fails 1 "show wants a name that is there" splitview show --zones "$tree" nope.example
check_fails 1 "show wants a view that is there" splitview show --zones "$tree" --view intern
has "... and names them" '--view: found intern, wanted one of internet, guest, internal'

# test
check "test runs the tests of a tree" splitview test --zones "$tree"
has "... as TAP" '^1\.\.9$' '^ok 1 - tests/roaming\.views:1 internet lyncdiscover\.harbor\.example\. A$' \
    '^ok 3 - tests/roaming\.views:2 guest' '^ok 9 - tests/common\.inc:1 internal www' '^# 9 passed, 0 failed$'
check "... of a commit in a bare repository" splitview test --zones "$dir/bare.git" --rev main
check "... of one file of it" splitview test --zones "$dir/bare.git" tests/common.inc
has "... alone" '^1\.\.1$' '^ok 1 - tests/common\.inc:1 '
printf 'internal meet.harbor.example A,AAAA = 10.10.1.99 # wrong\n' >"$dir/own.views"
check_fails 1 "a file of this machine that does not fit is refused" splitview test --zones "$tree" "$dir/own.views"
has "... with file and line" 'own\.views:1: error: found the record 10\.10\.1\.99, wanted data of type AAAA'
printf 'internal meet.harbor.example A = 10.10.1.99 # wrong\ninternal meet.harbor.example TXT = "a, b"\n' >"$dir/own.views"
check_fails 1 "a failure has exit status 1" splitview test --zones "$tree" "$dir/own.views" --junit "$dir/junit.xml"
has "... and tells expected, got, why and how" '^not ok 1 - .*own\.views:1 internal meet' '^# expected: = 10\.10\.1\.99$' \
    '^# got: +10\.10\.1\.20 \(TTL 600\)$' '^# why: +10\.10\.1\.20 is not wanted$' '^# view +internal:' \
    '^# +written in shared/meet\.inc:1$' '^# meet\.harbor\.example\.' '^ok 2 - ' '^# 1 passed, 1 failed$'
like "$(cat "$dir/junit.xml")" '<testsuite name="splitview" tests="2" failures="1"' "... and JUnit has it"
like "$(cat "$dir/junit.xml")" '<failure message="10.10.1.20 is not wanted">' "... with the reason"
if command -v xmllint >/dev/null 2>&1; then
    check "... in XML that is well-formed" xmllint --noout "$dir/junit.xml"
else
    skip "... in XML that is well-formed" "xmllint is missing"
fi
check_fails 1 "test --json" splitview test --zones "$tree" "$dir/own.views" --json
has "... tells the same" '"passed": 1' '"failed": 1' '"expected": "= 10.10.1.99"' '"explanation":'
check_fails 1 "an unknown word is refused" splitview test --zones "$tree" /dev/stdin <<'VIEWS'
internal meet.harbor.example A quick
intern meet.harbor.example A direct
VIEWS
has "... each with its line" 'stdin:1: error: found quick' 'stdin:2: error: found intern'
check_fails 1 "a file that is not there" splitview test --zones "$tree" tests/nope.views
mkdir "$dir/bare"
cp "$tree/policy.conf" "$dir/bare/"
check "no test at all is a warning" splitview test --zones "$dir/bare"
has "... and no error" 'warning: there is no test'

# the store
conf=$(make_conf "$dir")
git clone -q --bare "$tree" "$dir/zones"
check_fails 1 "explain without a generation says so" \
    splitview --config "$conf" explain --from 10.10.3.4 meet.harbor.example
has "... and what to do" 'nothing was published yet'
check "import runs the tests" splitview --config "$conf" import
check "explain looks at the newest generation" \
    splitview --config "$conf" explain --from 10.10.3.4 meet.harbor.example A
has "... and knows where records were written" '^looked at +generation 1 \([0-9a-f]{12}\)$' 'shared/meet\.inc:1$'
stored=$(printf '%s\n' "$OUTPUT" | sed 1d)
OUTPUT=$(splitview explain --zones "$tree" --from 10.10.3.4 meet.harbor.example A | sed 1d)
is "$stored" "$OUTPUT" "... as from the tree"
check "explain knows of the store what TTL was written" \
    splitview --config "$conf" explain --from internet www.harbor.example A
has "... too" '^ttl +3600 in the file; served with 3600$'
stored=$(splitview --config "$conf" show)
OUTPUT=$(splitview show --zones "$tree")
is "$stored" "$OUTPUT" "show prints of the store what it prints of the tree"
check "test without a tree takes the configured repository" splitview --config "$conf" test
has "... and its tests" '^1\.\.9$'
printf '\n; one line more\nmail A 192.0.2.25\n' >>"$tree/internet/harbor.example.zone"
sed -i '1i ; a comment moves every line' "$tree/internal/harbor.example.zone"
echo 'internal meet.harbor.example A NXDOMAIN' >>"$tree/tests/common.inc"
repo_git "$tree" commit -q -a -m "a test that fails"
repo_git "$tree" push -q "$dir/zones" HEAD:main
check_fails 1 "import refuses where a test fails" splitview --config "$conf" import
has "... and says which" 'tests/common\.inc:2: error: test failed: internal meet\.harbor\.example\. A: wanted NXDOMAIN' \
    'nothing was published; generation 1 still serves'
check_fails 1 "... and so does a dry run" splitview --config "$conf" import --dry-run
check "test --generation runs the tests of that commit" splitview --config "$conf" test --generation 1
has "... all of which held" '^1\.\.9$' '9 passed, 0 failed'
sed -i '$d' "$tree/tests/common.inc"
repo_git "$tree" commit -q -a -m "mended"
repo_git "$tree" push -q "$dir/zones" HEAD:main
check "the mended tree is published" splitview --config "$conf" import
check "explain knows the new lines" splitview --config "$conf" explain --from 10.10.3.4 dc01.harbor.example A
has "... of a zone in which only a comment changed" '^looked at +generation 2' 'internal/harbor\.example\.zone:5$'
sed -i 1d "$tree/internal/harbor.example.zone"
repo_git "$tree" commit -q -a -m "no comment"
repo_git "$tree" push -q "$dir/zones" HEAD:main
check "the comment goes again" splitview --config "$conf" import
check "explain knows the old lines" splitview --config "$conf" explain --from 10.10.3.4 dc01.harbor.example A
has "... of a zone that the store knew" '^looked at +generation 3' 'internal/harbor\.example\.zone:4$'
check "explain --generation looks back" \
    splitview --config "$conf" explain --generation 1 --from internet mail.harbor.example A
has "... at what was not there" 'generation 1' 'NXDOMAIN'
tap_done

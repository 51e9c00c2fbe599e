#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Forwarding: who is forwarded where, what comes back and how, what never leaves, the cache, and what a change of the
# policy does. The upstreams are tests/upstream; what reaches them is counted there.
. "${srcdir:-.}/tests/lib.sh"
. "${srcdir:-.}/tests/lib-forward.sh"

load=$builddir/tests/forward_load
inside=127.10.0.1
guest=127.20.0.1
outside=127.99.0.1
lab=127.30.0.1

start_upstream site 127.0.1.1 || bail_out "no upstream"
site=$UPSTREAM site_log=$UPSTREAM_LOG
start_upstream public 127.0.1.2 || bail_out "no upstream"
public=$UPSTREAM public_pid=$UPSTREAM_PID
start_upstream corp 127.0.1.3 || bail_out "no upstream"
corp=$UPSTREAM corp_log=$UPSTREAM_LOG

total() { echo "$(($(reached "$site") + $(reached "$public") + $(reached "$corp")))"; }

# untouched COUNT-BEFORE TEXT: no upstream was asked since.
untouched() { is "$(total)" "$1" "$2: nothing reaches an upstream"; }

# ---- the deployment ----
dir=$(new_dir)
tree=$dir/zones
mkdir -p "$tree/internet" "$tree/internal"
write_policy() { # UPSTREAM of the internal view's group
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
side    = external
[zone pin.example]
mode    = pinpoint
[upstream site]
servers  = $1
timeout  = 1s
deadline = 3s
trust-ad = yes
private-answers = *.welcome.foreign.example
[upstream public]
servers  = $public
timeout  = 1s
deadline = 3s
stale    = 1h
[upstream corp]
servers  = $corp
timeout  = 1s
deadline = 3s
; For what the test holds back on purpose: however slow the machine is, it is released in time.
[upstream patient]
servers  = $1
timeout  = 1s
deadline = 60s
[forward hold.foreign.example]
to    = patient
views = internal
[forward limit.foreign.example]
to    = patient
views = internal
[forward corp.example.net]
to    = corp
views = internal
[forward deep.corp.example.net]
to    = public
views = internal
[forward gone.corp.example.net]
to    = nowhere
views = internal
[forward part.example.org]
to    = corp
views = lab
[forward 20.10.in-addr.arpa]
to    = corp
views = internal
[ttl capped]
names = *.capped.foreign.example
max   = 7
[ttl raised]
names = *.raised.foreign.example
min   = 600
END
}
write_policy "$site"
cat >"$tree/internet/harbor.example.zone" <<'END'
$TTL 3600
@       SOA ns.isp.example. hostmaster 2026112001 7200 900 1209600 60
        NS  ns.isp.example.
www     A   192.0.2.80
cdn     CNAME www.foreign.example.
far     CNAME www.cname2.foreign.example.
dead    CNAME www.nxdomain.foreign.example.
broken  CNAME www.servfail.foreign.example.
two     CNAME cdn
back    CNAME back.ours.foreign.example.
leaving CNAME www.gone.corp.example.net.
END
cat >"$tree/internal/harbor.example.zone" <<'END'
www                  A 10.10.1.80
lyncdiscoverinternal A 10.10.1.20
END
cat >"$tree/internal/pin.example.zone" <<'END'
meet A 10.10.1.21
END
cat >"$tree/internal/inner.example.zone" <<'END'
$TTL 3600
@   SOA ns hostmaster 1 7200 900 1209600 60
    NS  ns
ns  A   10.10.1.53
www A   10.10.1.90
END
repo_git "$tree" init -q
commit() { repo_git "$tree" add -A && repo_git "$tree" commit -q -m "$1" && "$SPLITVIEW" --config "$conf" import; }

# One worker has one cache: what is counted at the upstreams is then certain.
conf=$(WORKERS=1 make_conf "$dir" "forward-queries-per-client = 60")
check "import" commit "first"
start_daemon "$conf" || bail_out "splitviewd does not start"

# ---- each view its upstream, outsiders none ----
check "outsiders: 1000 foreign names, 1000 REFUSED" \
    "$load" --server "127.0.0.1@$PORT" --count 1000 --names 100000 --clients 5 "$outside=refused"
like "$OUTPUT" "^asked 1000 right 1000 " "all were answered"
is "$(total)" 0 "nothing reaches an upstream"
is "$(fdig $outside www.foreign.example A | flags_of)" " qr rd " "outside: no RA"
is "$(fdig $lab www.foreign.example A | rcode_of)" REFUSED "a view with one [forward] and no forward: REFUSED for others"
untouched 0 "it"
is "$(fask $inside www.foreign.example A)" "$(expected site www.foreign.example)" "inside: the site's upstream" ||
    bail_out "nothing is forwarded"
is "$(fask $guest www.foreign.example A)" "$(expected public www.foreign.example)" "guests: the public one"
is "$(fask $inside www.foreign.example AAAA)" "$(expected site www.foreign.example AAAA)" "another type"
is "$(fask $inside www.foreign.example TXT +tcp)" '"site www.foreign.example"' "over TCP"
is "$(fask $inside WwW.fOReign.example A +qr | tail -n 1)" "$(expected site www.foreign.example)" "letters in any case"
like "$(fdig $inside WwW2.fOReign.example A)" "^WwW2\.fOReign\.example\.[[:space:]]" "come back as they were asked"
is "$(fdig $inside www.foreign.example MX | rcode_of)" NOERROR "no data"
like "$(fdig $inside www.foreign.example MX)" "^foreign\.example\..*SOA" "with the SOA"
is "$(fdig $inside x.nxdomain.foreign.example A | rcode_of)" NXDOMAIN "no such name"
like "$(fdig $inside x.nxdomain.foreign.example A)" "^foreign\.example\..*SOA" "with the SOA too"

# ---- CNAMEs out of our zones, and back ----
chain() { fdig "$@" | awk '!/^;/ && NF { print $1, $4, $5 }'; }
site_www=$(expected site www.foreign.example)
public_www=$(expected public www.foreign.example)
is "$(chain $inside cdn.harbor.example A)" "cdn.harbor.example. CNAME www.foreign.example.
www.foreign.example. A $site_www" "inside: a CNAME of ours arrives whole"
is "$(chain $guest cdn.harbor.example A)" "cdn.harbor.example. CNAME www.foreign.example.
www.foreign.example. A $public_www" "guests: by their own upstream"
before=$(total)
is "$(chain $outside cdn.harbor.example A)" "cdn.harbor.example. CNAME www.foreign.example." "outside: the bare CNAME"
is "$(fdig $outside cdn.harbor.example A | rcode_of)" NOERROR "with NOERROR"
is "$(chain $inside cdn.harbor.example A +norecurse)" "cdn.harbor.example. CNAME www.foreign.example." \
    "RD=0: the bare CNAME"
is "$(fdig $inside two.harbor.example A +norecurse | rcode_of)" NOERROR "RD=0: NOERROR"
untouched "$before" "bare CNAMEs"
is "$(fdig $inside cdn.harbor.example A | flags_of)" " qr aa rd ra " "AA: the first owner is ours"
is "$(chain $inside two.harbor.example A | tail -n 1)" "www.foreign.example. A $site_www" "two CNAMEs of ours"
is "$(chain $inside far.harbor.example A)" "far.harbor.example. CNAME www.cname2.foreign.example.
www.cname2.foreign.example. CNAME www.cname1.foreign.example.
www.cname1.foreign.example. CNAME www.foreign.example.
www.foreign.example. A $site_www" "and the upstream's own behind it, in order"
is "$(fdig $inside dead.harbor.example A | rcode_of)" NXDOMAIN "the rcode is the upstream's"
is "$(chain $inside dead.harbor.example A | head -n 1)" "dead.harbor.example. CNAME www.nxdomain.foreign.example." \
    "with the CNAME"
is "$(fdig $inside broken.harbor.example A | rcode_of)" SERVFAIL "a target that fails is SERVFAIL"
is "$(fdig $inside leaving.harbor.example A | rcode_of)" NXDOMAIN "a target that is nowhere"
is "$(chain $inside back.harbor.example A)" "back.harbor.example. CNAME back.ours.foreign.example.
back.ours.foreign.example. CNAME www.harbor.example.
www.harbor.example. A 10.10.1.80" "out and back: our own data, of the client's view"
is "$(chain $guest back.harbor.example A | tail -n 1)" "www.harbor.example. A 192.0.2.80" "guests: theirs"
is "$(chain $inside direct.ours.foreign.example A | tail -n 1)" "www.harbor.example. A 10.10.1.80" \
    "a foreign CNAME to a name of ours"
is "$(reached "$site" www.harbor.example)" 0 "which was not asked for"

# ---- where a name goes ----
is "$(fask $inside www.corp.example.net A)" "$(expected corp www.corp.example.net)" "[forward]: another upstream"
is "$(fask $inside corp.example.net A)" "$(expected corp corp.example.net)" "the domain itself"
is "$(fask $inside xcorp.example.net A)" "$(expected site xcorp.example.net)" "not what only ends so"
is "$(fask $inside a.deep.corp.example.net A)" "$(expected public a.deep.corp.example.net)" "the longest suffix wins"
is "$(fask $guest www.corp.example.net A)" "$(expected public www.corp.example.net)" "not in other views"
before=$(total)
is "$(fdig $inside www.gone.corp.example.net A | rcode_of)" NXDOMAIN "nowhere"
is "$(fdig $inside gone.corp.example.net A +norecurse | rcode_of)" NXDOMAIN "nowhere, RD=0"
untouched "$before" "nowhere"
is "$(fask $lab www.part.example.org A)" "$(expected corp www.part.example.org)" "a domain's recursion in a view without"
is "$(fask $inside meet.pin.example A)" 10.10.1.21 "pinpoint: the name that is ours"
is "$(fask $inside www.pin.example A)" "$(expected site www.pin.example)" "pinpoint: a miss goes on"
is "$(fask $inside pin.example TXT)" '"site pin.example"' "its apex too"
is "$(fdig $outside www.pin.example A | rcode_of)" REFUSED "REFUSED outside"
is "$(fask $guest www.pin.example A)" "$(expected public www.pin.example)" "guests: the name of a zone that they do not have"
is "$(fask $inside www.inner.example A)" 10.10.1.90 "a zone of one view"
is "$(fask $guest www.inner.example A)" "$(expected public www.inner.example)" "is foreign to the other"
is "$(fdig $inside x.inner.example A | rcode_of)" NXDOMAIN "what is missing in a full zone"
is "$(reached "$site" x.inner.example)" 0 "never goes upstream"
is "$(fask $inside 1.1.20.10.in-addr.arpa TXT)" '"corp 1.1.20.10.in-addr.arpa"' "[forward] for a private reverse zone"

# ---- bits ----
before=$(total)
is "$(fdig $inside rd.foreign.example A +norecurse | rcode_of)" REFUSED "RD=0: REFUSED"
is "$(fdig $inside www.foreign.example A +norecurse | rcode_of)" REFUSED "also what is cached"
is "$(fdig $inside miss.pin.example A +norecurse | rcode_of)" REFUSED "also a pinpoint miss"
untouched "$before" "RD=0"
is "$(fdig $inside www.foreign.example A | flags_of)" " qr rd ra " "a foreign answer: RA, no AA"
is "$(fdig $inside www.aa.foreign.example A | flags_of)" " qr rd ra " "whatever the upstream says"
is "$(fdig $inside www.harbor.example A +norecurse | flags_of)" " qr aa ra " "our own: AA, and RA as the view has it"
is "$(fdig $inside www.harbor.example A +adflag +dnssec | flags_of)" " qr aa rd ra " "our own: never AD"
is "$(fdig $inside www.ad.foreign.example A +adflag | flags_of)" " qr rd ra ad " "trust-ad: AD comes through"
is "$(fdig $inside www.ad.foreign.example A +noadflag | flags_of)" " qr rd ra " "to who asks for it"
is "$(fdig $inside www.ad.foreign.example A +noadflag +dnssec | flags_of)" " qr rd ra ad " "DO asks too"
is "$(fdig $guest www.ad.foreign.example A +adflag | flags_of)" " qr rd ra " "without trust-ad: no AD"
is "$(fdig $inside do.foreign.example A +dnssec | grep -c RRSIG)" 1 "DO: with signatures"
like "$(upstream_says "$site" do.foreign.example.last.upstream)" " do 1 " "DO goes upstream"
is "$(fdig $inside do.foreign.example A | grep -c RRSIG)" 0 "without: none, though they are cached"
is "$(fdig $inside cd.foreign.example A +cdflag | flags_of)" " qr rd ra cd " "CD comes back"
like "$(upstream_says "$site" cd.foreign.example.last.upstream)" " rd 1 cd 1 " "and goes upstream"
like "$(upstream_says "$site" do.foreign.example.last.upstream)" " cd 0 " "if it was set"
like "$(upstream_says "$site" cd.foreign.example.last.upstream)" " edns 1232 " "EDNS with 1232 bytes"
# The upstream gives A and TXT.
number_below "$(fdig $inside any.foreign.example ANY | awk '!/^;/ && NF { print $4 }' | sort -u | wc -l)" 1 \
    "ANY: one RRset (RFC 8482 4.1)"

# ---- names that never go upstream ----
before=$(total)
for never in lyncdiscoverinternal.foreign.example LyncDiscoverInternal.x.y.example 4.3.2.10.in-addr.arpa \
    1.0.0.127.in-addr.arpa 5.66.16.172.in-addr.arpa 1.1.168.192.in-addr.arpa 9.9.254.169.in-addr.arpa \
    1.2.0.192.in-addr.arpa x.255.255.255.255.in-addr.arpa x.0.in-addr.arpa 1.d.f.ip6.arpa x.8.e.f.ip6.arpa \
    1.8.b.d.0.1.0.0.2.ip6.arpa printer.local x.home.arpa abc.onion www.test x.invalid; do
    for from in $inside $guest; do
        is "$(fdig $from $never A | rcode_of)" NXDOMAIN "$never: NXDOMAIN here"
    done
done
fdig $inside x.localhost A >/dev/null
for apex in 10.in-addr.arpa 168.192.in-addr.arpa d.f.ip6.arpa home.arpa; do
    is "$(fdig $inside $apex SOA | rcode_of)" NOERROR "$apex exists"
done
for canary in use-application-dns.net mask.icloud.com mask-h2.icloud.com; do
    is "$(fdig $inside $canary A | rcode_of)" NXDOMAIN "canary $canary inside: NXDOMAIN"
done
is "$(fdig $inside _dns.resolver.arpa TYPE64 | rcode_of) $(fask $inside _dns.resolver.arpa TYPE64)" "NOERROR " \
    "_dns.resolver.arpa inside: NODATA"
untouched "$before" "all these"
is "$(fask $guest use-application-dns.net A)" "$(expected public use-application-dns.net)" "canary names are foreign to guests"
is "$(fask $inside lyncdiscoverinternal.harbor.example A)" 10.10.1.20 "lyncdiscoverinternal of ours is answered"

# ---- a foreign CNAME that leads where its upstream has nothing to say ----
is "$(fdig $inside a.inward.foreign.example A | rcode_of)" NXDOMAIN "a foreign CNAME to lyncdiscoverinternal: NXDOMAIN here"
is "$(chain $inside a.inward.foreign.example A | grep -v SOA)" \
    "a.inward.foreign.example. CNAME lyncdiscoverinternal.foreign.example." "with the CNAME, not with what upstream says of it"
is "$(fdig $guest a.localward.foreign.example A | rcode_of)" NXDOMAIN "to .local: the same"
is "$(chain $inside a.corpward.foreign.example A)" "a.corpward.foreign.example. CNAME www.corp.example.net.
www.corp.example.net. A $(expected corp www.corp.example.net)" "to a [forward] domain: its own upstream is believed"
is "$(reached "$site" lyncdiscoverinternal.foreign.example)" 0 "no such name is sent on"
is "$(chain $inside a.homeward.foreign.example A)" "a.homeward.foreign.example. CNAME localhost." \
    "to localhost: its address is not told"
like "$(fdig $inside a.homeward.foreign.example A)" "EDE: 17 " "and the reply says that it filtered"
is "$(fask $inside localhost A)" 127.0.0.1 "localhost itself is"

# ---- private addresses ----
for kind in private loopback linklocal; do
    is "$(fask $inside www.$kind.foreign.example A)" "" "rebinding guard: $kind"
    is "$(fask $inside www.$kind.foreign.example AAAA)" "" "rebinding guard: $kind, IPv6"
done
is "$(fask $inside www.mixed.foreign.example A | grep -c 192.168)" 0 "rebinding guard: private beside public"
is "$(fdig $inside www.private.foreign.example A | rcode_of)" NOERROR "as if there were none"
like "$(fdig $inside www.private.foreign.example A)" "EDE: 17 " "and says that it filtered"
is "$(fask $inside www.private.welcome.foreign.example A)" 10.66.66.66 "private-answers lets them in"
is "$(fask $inside www.private.corp.example.net A)" 10.66.66.66 "a [forward] domain too"
is "$(chain $inside guarded.private.cname1.foreign.example A | grep -c 10.66)" 0 "behind a CNAME"

# ---- an upstream that misbehaves ----
judge_conduct 127.10.0.2 site foreign.example
is "$(fask 127.10.0.2 bank.example A)" "$(expected site bank.example)" "what was slipped in is not believed"
is "$(fask 127.10.0.2 ns.bank.example A)" "$(expected site ns.bank.example)" "neither its name server"
number_below "$(reached "$site" endless30.www.foreign.example)" 0 "endless CNAMEs end"
number_below "$(reached "$site" www.loop.foreign.example)" 8 "a loop is not asked for long"
like "$(fdig $inside www.servfail.foreign.example A)" "EDE: [0-9]+" "a failure says why (RFC 8914)"
like "$(fdig $inside www.silent.foreign.example A)" "EDE: 22 " "silence too"
is "$(fdig $inside www.poison-only.foreign.example A | grep -c 66.6.6.6)" 0 "another name's address is no answer"
before=$(upstream_says "$site" connections.upstream)
for i in 1 2 3 4 5; do
    is "$(fask $inside www$i.tc.foreign.example A)" "$(expected site www$i.foreign.example)" "truncated $i: TCP"
done
number_below $(($(upstream_says "$site" connections.upstream) - before)) 1 "connections are used again"
is "$(fask $inside www.huge.foreign.example TXT +tcp | wc -l)" 251 "60 KB over TCP"
like "$(fdig $inside www.huge.foreign.example TXT +ignore | flags_of)" " tc " "truncated over UDP"
like "$(upstream_says "$site" capitals.upstream)" "^[1-9]" "letters are mixed in questions"
ports=$(upstream_says "$site" ports.upstream)
[ "$ports" -ge 4 ] && ok "questions leave from many ports" || not_ok "questions leave from many ports ($ports)"

# ---- the cache ----
asked_twice() { # NAME WANTED TEXT: how many questions reach the site for two asked inside
    fask 127.10.0.3 "$1" A >/dev/null
    fask 127.10.0.3 "$1" A >/dev/null
    is "$(reached "$site" "$1")" "$2" "$3"
}
asked_twice c1.foreign.example 1 "cached"
asked_twice c2.ttl0.foreign.example 2 "TTL 0 is not cached"
asked_twice c3.nxdomain.foreign.example 1 "a missing name is cached"
asked_twice c4.nodata.foreign.example 1 "no data is cached"
asked_twice c5.nodata.nosoa.foreign.example 2 "without SOA it is not"
fask 127.10.0.3 c6.servfail.foreign.example A >/dev/null
before=$(reached "$site" c6.servfail.foreign.example)
is "$(fdig 127.10.0.3 c6.servfail.foreign.example A | rcode_of)" SERVFAIL "a failure"
is "$(reached "$site" c6.servfail.foreign.example)" "$before" "is cached"
ttl_of() { fdig "$@" | awk '!/^;/ && NF { print $2; exit }'; }
first=$(ttl_of $inside c7.ttl5.foreign.example A)
second=$(ttl_of $inside c7.ttl5.foreign.example A)
if [ "${first:-9}" -le 5 ] && [ "${second:-9}" -le "$first" ]; then
    ok "TTLs count down"
else
    not_ok "TTLs count down"
    diag "got $first, then $second, of 5"
fi
number_below "$(ttl_of $inside x.capped.foreign.example A)" 7 "a [ttl] rule caps foreign TTLs"
first=$(ttl_of $inside x.ttl5.raised.foreign.example A)
[ "${first:-0}" -gt 500 ] && ok "and raises them" || not_ok "and raises them ($first)"
# The clock goes on where nothing but TCP arrives. The test itself is the clock: it asks until the upstream is asked again.
for ((i = 0; i < 500; i++)); do
    fask $inside c9.ttl1.foreign.example A +tcp >/dev/null
    [ "$(reached "$site" c9.ttl1.foreign.example)" -lt 2 ] || break
done
number_below "$i" 499 "TCP: what was told for a second is asked for again"
is "$(ttl_of $inside c8.ttl0.foreign.example A)" 0 "TTL 0 stays 0"
number_below "$(ttl_of $inside c9.ttl500000.foreign.example A)" 86400 "long TTLs are cut"
fask $guest c1.foreign.example A >/dev/null
is "$(reached "$public" c1.foreign.example)" 1 "the other view asks its own upstream"

cache() { "$SPLITVIEW" --config "$conf" cache "$@"; }
check "cache show" cache show c1.foreign.example --view internal
like "$OUTPUT" "$(expected site c1.foreign.example)" "shows the address"
check "cache show of the other view" cache show c1.foreign.example --view guest
like "$OUTPUT" "$(expected public c1.foreign.example)" "shows the other's"
check "cache flush" cache flush c1.foreign.example --view internal
fask $inside c1.foreign.example A >/dev/null
fask $guest c1.foreign.example A >/dev/null
is "$(reached "$site" c1.foreign.example) $(reached "$public" c1.foreign.example)" "2 1" "is asked for again, in that view"
for tree_name in a.t.foreign.example b.a.t.foreign.example t.foreign.example xt.foreign.example; do
    fask $inside $tree_name A >/dev/null
done
check "cache flush-tree" cache flush-tree t.foreign.example --view internal
for tree_name in a.t.foreign.example b.a.t.foreign.example t.foreign.example xt.foreign.example; do
    fask $inside $tree_name A >/dev/null
done
is "$(reached "$site" a.t.foreign.example) $(reached "$site" b.a.t.foreign.example) $(reached "$site" \
    t.foreign.example) $(reached "$site" xt.foreign.example)" "2 2 2 1" "at and below the name, no other"
check_fails 1 "cache show: no such view" cache show x.example --view none

# ---- merging; limits; order ----
# A local question asked afterwards is answered when all before it were taken.
"$load" --server "127.0.0.1@$PORT" --count 100 --window 100 --names 1 --clients 100 --suffix hold.foreign.example \
    127.10.1.1=site >"$dir/merge" 2>&1 &
merge_pid=$!
check "100 clients ask for one slow name" wait_line "$dir/merge" '^sent$'
fask $inside www.harbor.example A >/dev/null
check "it reaches the upstream" wait_line "$site_log" '^held n0\.hold'
# A and AAAA are two questions, and each may be asked again before there is an answer.
number_below "$(reached "$site" n0.hold.foreign.example)" 20 "not once for each of them"
upstream_says "$site" release.upstream >/dev/null
wait $merge_pid
is $? 0 "all 100 get the answer"
diag "$(tail -n 1 "$dir/merge")"

"$load" --server "127.0.0.1@$PORT" --count 100 --window 100 --names 1000000 --suffix hold.limit.foreign.example \
    127.10.0.9=site >"$dir/limit" 2>&1 &
limit_pid=$!
check "100 slow questions of one client" wait_line "$dir/limit" '^sent$'
is "$(fask 127.10.0.9 www.harbor.example A)" 10.10.1.80 "our names are answered to it"
is "$(fask 127.10.0.10 limit.foreign.example A)" "$(expected site limit.foreign.example)" "another client is not hindered"
is "$(grep '^held n.*\.limit\.' "$site_log" | sort -u | wc -l)" 60 "forward-queries-per-client go upstream"
upstream_says "$site" release.upstream >/dev/null
wait $limit_pid
diag "$(tail -n 1 "$dir/limit")"
like "$(tail -n 1 "$dir/limit")" " right 60 wrong 40 mixed 0 lost 0 " "these are answered, the others are told no at once"

"$load" --pipeline --server "127.0.0.1@$PORT" $inside slow.hold.foreign.example www.harbor.example \
    lyncdiscoverinternal.harbor.example >"$dir/pipeline" 2>&1 &
pipeline_pid=$!
check "TCP: answers of ours do not wait for a slow one" wait_line "$dir/pipeline" '^lyncdiscoverinternal.* NOERROR'
check "which is under way" wait_line "$site_log" '^held slow'
upstream_says "$site" release.upstream >/dev/null
wait $pipeline_pid
is "$(tail -n 1 "$dir/pipeline")" "slow.hold.foreign.example NOERROR" "and comes when it comes"
for i in 1 2 3 4 5; do
    fask $inside swap$i.hold.foreign.example A >"$dir/swap$i" &
done
check "five at once" wait_line "$site_log" '^held swap' 20 5
upstream_says "$site" release-reverse.upstream >/dev/null
swapped=
for i in 1 2 3 4 5; do
    wait_line "$dir/swap$i" . || diag "no answer $i"
    [ "$(cat "$dir/swap$i")" = "$(expected site swap$i.foreign.example)" ] || swapped="$swapped $i"
done
is "$swapped" "" "answers in the opposite order reach the right ones"

# ---- a new generation ----
is "$(fask $inside www.taken.example A)" "$(expected site www.taken.example)" "a foreign name, cached"
is "$(fask $inside kept.foreign.example A)" "$(expected site kept.foreign.example)" "and another"
printf '$TTL 60\n@ SOA ns hostmaster 1 7200 900 1209600 60\n  NS ns\nns A 10.10.1.53\nwww A 10.10.1.91\n' \
    >"$tree/internal/taken.example.zone"
check "import: its zone is ours now" commit "taken"
is "$(fask $inside www.taken.example A)" 10.10.1.91 "ours at once"
is "$(fdig $inside x.taken.example A | rcode_of)" NXDOMAIN "all of it"
is "$(fask $guest www.taken.example A)" "$(expected public www.taken.example)" "guests: foreign as before"
is "$(fask $inside kept.foreign.example A)" "$(expected site kept.foreign.example)" "the other name"
is "$(reached "$site" kept.foreign.example)" 1 "is still cached"
fask $inside late.hold.turned.example A >"$dir/late" &
check "a question under way" wait_line "$site_log" '^held late'
printf '$TTL 60\n@ SOA ns hostmaster 1 7200 900 1209600 60\n  NS ns\nns A 10.10.1.53\nlate.hold A 10.10.1.92\n' \
    >"$tree/internal/turned.example.zone"
check "import meanwhile" commit "turned"
upstream_says "$site" release.upstream >/dev/null
check "it is answered" wait_line "$dir/late" .
is "$(cat "$dir/late")" 10.10.1.92 "by the generation of now"
write_policy "$corp"
check "import: another upstream for the view" commit "moved"
is "$(fask $inside kept.foreign.example A)" "$(expected corp kept.foreign.example)" "nothing of the old one is served"
is "$(fask $guest c1.foreign.example A)" "$(expected public c1.foreign.example)" "guests as before"
is "$(reached "$public" c1.foreign.example)" 1 "from their cache"

# ---- an upstream that is gone; the end ----
fask $guest split.ttl1.inner.example A >/dev/null
fask $guest old.ttl1.foreign.example A >/dev/null
stop_upstream "$public_pid"
# It is stale when its second is over; until then it is asked for again and again.
tries=0
until fdig $guest old.ttl1.foreign.example A >"$dir/stale" && grep -q 'EDE: 3 ' "$dir/stale"; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || break
done
like "$(cat "$dir/stale")" "EDE: 3 " "stale: an expired answer is served, and says so"
like "$(cat "$dir/stale")" "^old\.ttl1\..*[[:space:]]$(expected public old.foreign.example)\$" "it is the old one"
number_below "$(awk '!/^;/ && NF { print $2; exit }' "$dir/stale")" 30 "with a TTL of 30"
is "$(fdig $guest split.ttl1.inner.example A | rcode_of)" SERVFAIL "never for names that a zone of ours splits"
is "$(fdig $guest down.foreign.example A | rcode_of)" SERVFAIL "nobody listens upstream: SERVFAIL"
is "$(fask $guest www.harbor.example A)" 192.0.2.80 "our names are answered"
is "$(fask $guest c1.foreign.example A)" "$(expected public c1.foreign.example)" "and what is cached"
like "$(control "$dir/control" status)" '"forward' "status counts"
fdig $inside end.hold.foreign.example A +time=1 >/dev/null 2>&1 &
last_pid=$!
check "a last question is under way" wait_line "$corp_log" '^held end'
check "stops with a question under way" stop_daemon
wait $last_pid
tap_done

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Real servers as upstream, where installed: knotd (which signs its zone) and nsd, authoritative, and unbound, a resolver.
# What comes through splitview is what they say themselves: rcode, answer, and proofs for who sets DO.
. "${srcdir:-.}/tests/lib.sh"
. "${srcdir:-.}/tests/lib-forward.sh"

PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
ask=$builddir/tests/peers/ask

peers=
command -v knotd >/dev/null && peers="$peers knot"
command -v nsd >/dev/null && peers="$peers nsd"
command -v unbound >/dev/null && peers="$peers unbound"
if [ -z "$peers" ]; then
    echo "1..0 # SKIP no other name server is installed (Debian: knot, nsd, unbound)"
    exit 0
fi

dir=$(new_dir)
zone=$dir/plain.example.zone
cat >"$zone" <<'END'
$TTL 3600
$ORIGIN plain.example.
@         SOA   ns hostmaster 2026112001 7200 900 1209600 60
          NS    ns
          NS    ns2
          MX    10 mail
          TXT   "v=spf1 mx -all"
          CAA   0 issue "ca.example"
ns        A     192.0.2.53
ns2       A     192.0.2.54
www       A     192.0.2.80
www       A     192.0.2.81
www       AAAA  2001:db8::80
WWW2      A     192.0.2.82
mail      A     192.0.2.25
_sip._tls SRV   0 0 443 www
https     HTTPS 1 . alpn=h2 ipv4hint=192.0.2.80
odd       TYPE65280 \# 4 00010203
alias     CNAME www
alias2    CNAME alias
lost      CNAME nothing
away      CNAME www.elsewhere.example.
*.wild    A     192.0.2.99
deep.under.empty A 192.0.2.90
tree      DNAME other.plain.example.
x.other   A     192.0.2.91
sub       NS    ns.sub
ns.sub    A     192.0.2.55
END
for i in $(seq -w 60); do
    printf 'big TXT "%0200d %s"\n' 0 "$i"
done >>"$zone"

names="plain.example A,SOA,NS,MX,TXT,CAA,AAAA
www.plain.example A,AAAA,MX,TXT
wWw.PLAIN.example A
www2.plain.example A,AAAA
_sip._tls.plain.example SRV
https.plain.example TYPE65,A
odd.plain.example TYPE65280
alias.plain.example A,AAAA,CNAME,MX
alias2.plain.example A
lost.plain.example A
any.wild.plain.example A,AAAA
a.b.wild.plain.example A
wild.plain.example A
empty.plain.example A
under.empty.plain.example A
missing.plain.example A,TXT
x.missing.plain.example A
x.tree.plain.example A
none.tree.plain.example A
tree.plain.example TYPE39,A
big.plain.example TXT"

# ---- the peers ----
start_knot() {
    cat >"$dir/knot.conf" <<END
server:
  rundir: "$dir"
  listen: 127.0.0.1@$1
  udp-workers: 1
  tcp-workers: 1
database:
  storage: "$dir"
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "$dir"
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: all
    dnssec-signing: on
zone:
  - domain: "plain.example"
    file: "$zone"
END
    exec knotd -c "$dir/knot.conf"
}

start_nsd() {
    cat >"$dir/nsd.conf" <<END
server:
  ip-address: 127.0.0.1@$1
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "$dir"
  logfile: "$dir/nsd.log"
  pidfile: "$dir/nsd.pid"
  xfrdfile: "$dir/xfrd.state"
  xfrdir: "$dir"
  zonelistfile: "$dir/zone.list"
  cookie-secret-file: "$dir/cookies"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "plain.example"
  zonefile: "$zone"
END
    exec nsd -d -c "$dir/nsd.conf"
}

start_unbound() {
    cat >"$dir/unbound.conf" <<END
server:
  interface: 127.0.0.1@$1
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  do-not-query-localhost: no
  chroot: ""
  username: ""
  directory: "$dir"
  pidfile: "$dir/unbound.pid"
  logfile: "$dir/unbound.log"
  module-config: "iterator"
remote-control:
  control-enable: no
auth-zone:
  name: "plain.example"
  zonefile: "$zone"
  for-downstream: yes
  for-upstream: yes
  fallback-enabled: no
forward-zone:
  name: "."
  forward-addr: $behind
END
    exec unbound -d -c "$dir/unbound.conf"
}

start_upstream behind 127.0.1.9 || bail_out "no upstream"
behind=$UPSTREAM
running=
stop_peers() {
    # shellcheck disable=SC2086
    kill -TERM $running 2>/dev/null
    for pid in $running; do
        wait_exit "$pid" 5 || kill -KILL "$pid" 2>/dev/null
    done
}
trap 'status=$?; stop_peers; (exit $status); lib_cleanup' EXIT

mkdir -p "$dir/zones/internet"
printf '[view internet]\nclients = any\n' >"$dir/zones/policy.conf"
number=10
for peer in $peers; do
    port=$("$ask" port) || bail_out "no free port"
    : >"$dir/$peer.log"
    "start_$peer" "$port" >"$dir/$peer.out" 2>&1 </dev/null 7>&- &
    running="$running $!"
    number=$((number + 1))
    eval "port_$peer=$port from_$peer=127.$number.0.1"
    cat >>"$dir/zones/policy.conf" <<END
[view $peer]
clients = 127.$number.0.0/16
base    = internet
side    = external
forward = $peer
[upstream $peer]
servers = 127.0.0.1@$port
END
    if [ "$peer" = unbound ]; then
        check "$peer is there" wait_line "$dir/unbound.log" "start of service"
    else
        check "$peer serves the zone" timeout 20 "$ask" wait "$peer=127.0.0.1@$port" plain.example.
    fi
done
printf '$TTL 60\n@ SOA ns.isp.example. hostmaster 1 7200 900 1209600 60\n  NS ns.isp.example.\nto CNAME alias.plain.example.\n' \
    >"$dir/zones/internet/harbor.example.zone"
repo_git "$dir/zones" init -q && repo_git "$dir/zones" add -A && repo_git "$dir/zones" commit -q -m zones
conf=$(make_conf "$dir")
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"
splitview_port=$PORT

# ---- the comparison ----
# What is judged, in any order and without TTLs: of the authority section what denies or proves.
judged() {
    rcode_of <"$1"
    awk '/^;; ANSWER/ { part = "answer"; next } /^;; AUTHORITY/ { part = "authority"; next } /^;;|^$/ { part = ""; next }
        part == "" || /^;/ { next }
        part == "authority" && $4 !~ /^(SOA|NSEC|NSEC3)$/ && !($4 == "RRSIG" && $5 ~ /^(SOA|NSEC|NSEC3)$/) { next }
        { $2 = ""; print part, $0 }' "$1" | sort
}

compare() { # PEER NAME TYPE DNSSEC
    eval "peer_port=\$port_$1 peer_from=\$from_$1"
    PORT=$peer_port fdig 127.0.0.1 "$2" "$3" "$4" "$direct_rd" >"$dir/direct" &
    direct_pid=$!
    PORT=$splitview_port fdig "$peer_from" "$2" "$3" "$4" >"$dir/through"
    wait $direct_pid
    compared=$((compared + 1))
    if [ "$(judged "$dir/direct")" != "$(judged "$dir/through")" ]; then
        differing="$differing $2/$3$4"
        { judged "$dir/direct" | sed 's/^/direct:  /' && judged "$dir/through" | sed 's/^/through: /'; } >>"$dir/differences"
    elif [ -z "$(judged "$dir/direct")" ]; then
        differing="$differing $2/$3$4:silence"
    fi
}

for peer in $peers; do
    direct_rd=+norecurse
    asked=$names
    if [ "$peer" = unbound ]; then
        # It leaves out what a CNAME leads to if there is nothing, and lets who asks find out.
        direct_rd=+recurse
        asked=$(printf '%s\n' "$names" | sed -E '/^(lost|none\.tree)\./d; s/^(alias\..*),MX$/\1/')
    fi
    for dnssec in +nodnssec +dnssec; do
        compared=0
        differing=
        : >"$dir/differences"
        while read -r name types; do
            for type in $(echo "$types" | tr , ' '); do
                compare "$peer" "$name" "$type" $dnssec
            done
        done <<END
$asked
END
        is "$differing" "" "$peer, $dnssec: $compared answers come through as they are" || head -n 40 "$dir/differences" | diag
    done
    eval "from=\$from_$peer"
    is "$(fdig "$from" www.plain.example A | flags_of)" " qr rd ra " "$peer: no AA through a forwarder"
    is "$(fask "$from" to.harbor.example A | sort)" "192.0.2.80
192.0.2.81
alias.plain.example.
www.plain.example." "$peer: a CNAME of ours into its zone"
    [ "$peer" = unbound ] && continue
    is "$(fdig "$from" x.sub.plain.example A | rcode_of)" SERVFAIL "$peer: a referral is no answer"
    is "$(fdig "$from" www.refused.example A | rcode_of)" SERVFAIL "$peer: REFUSED upstream is a failure here"
done
case $peers in
*knot*)
    # shellcheck disable=SC2154
    like "$(fdig "$from_knot" www.plain.example A +dnssec)" "RRSIG.*A 13 3 " "knot: the zone is signed"
    is "$(fdig "$from_knot" www.plain.example A | grep -c RRSIG)" 0 "knot: no signatures without DO"
    ;;
esac
case $peers in
*unbound*)
    # shellcheck disable=SC2154
    is "$(fask "$from_unbound" www.cname2.foreign.example A | tail -n 1)" "$(expected behind www.foreign.example)" \
        "unbound: what it forwards itself"
    ;;
esac
PORT=$splitview_port
check "stops" stop_daemon
tap_done

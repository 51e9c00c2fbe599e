#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# How a client gets its view, over real sockets: listen addresses, TSIG keys (dig -y), client subnets from senders that
# are believed and from others; then keys changed by SIGHUP.
. "${srcdir:-.}/tests/lib.sh"

secret=c2VjcmV0IGZvciB0aGUgdGVzdHMgb25seS4uLg==
other=YW5vdGhlciBzZWNyZXQgZm9yIHRoZSB0ZXN0cw==
dir=$(new_dir)

# Each view says its name in TXT.
for view in internet internal door keyed; do
    mkdir -p "$dir/zones/$view"
    printf '$TTL 60\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\nview TXT %s\n' "$view" >"$dir/zones/$view/x.zone"
done
cat >"$dir/zones/policy.conf" <<'EOF'
[view internet]
clients = any
[view internal]
clients = 127.10.0.0/16, 127.11.0.0/16
[view door]
listen  = 127.0.0.3
clients = any, 127.10.0.0/16
[view keyed]
keys    = inside.key, big.key, old.key
EOF
make_keys() { # SECRET
    (umask 077 && printf 'inside.key hmac-sha256 %s\nbig.key hmac-sha512 %s\nold.key hmac-sha1 %s\nspare hmac-sha384 %s\n' \
        "$1" "$1" "$1" "$1" >"$dir/keys")
}
make_keys $secret
(umask 022 && echo "open hmac-sha256 $secret" >"$dir/open-keys")

conf=$(make_conf "$dir" "tsig-keys = $dir/open-keys")
check_fails 1 "a file of keys that others can read" "$SPLITVIEWD" --config "$conf"
like "$OUTPUT" "open-keys: error: found mode 0644" "the message says so"
if printf '%s' "$OUTPUT" | grep -q "$secret"; then not_ok "no secret is printed"; else ok "no secret is printed"; fi

conf=$(LISTEN="127.0.0.1@0" make_conf "$dir" "tsig-keys = $dir/keys" "trust-ecs = 127.20.0.0/16")
check "import" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"

# ---- one address that views are limited to ----
# The listener of 127.0.0.3 takes the same port as the first.
stop_daemon || not_ok "stop"
conf=$(LISTEN="127.0.0.1@$PORT, 127.0.0.3@$PORT" make_conf "$dir" "tsig-keys = $dir/keys" "trust-ecs = 127.20.0.0/16")
start_daemon "$conf" || bail_out "splitviewd does not start on two addresses"

at() { # LISTEN FROM [OPTION...]: the view's name, or the rcode
    at_listen=$1
    at_from=$2
    shift 2
    at_text=$(dig @"$at_listen" -p "$PORT" -b "$at_from" +tries=1 +time=5 +norecurse "$@" view.x TXT)
    printf '%s\n' "$at_text" | sed -n 's/^view\.x\..*TXT[[:space:]]*"\(.*\)"$/\1/p;s/^;; ->>HEADER<<- .*status: \(NOTAUTH\|REFUSED\|FORMERR\|SERVFAIL\),.*/\1/p'
}
is "$(at 127.0.0.1 127.99.0.1)" internet "everybody"
is "$(at 127.0.0.1 127.10.0.1)" internal "by network"
is "$(at 127.0.0.3 127.99.0.1)" door "everybody at the address of a view"
is "$(at 127.0.0.3 127.10.0.1)" door "the same network, at the address of a view"
is "$(at 127.0.0.3 127.11.0.1)" internal "the longer network wins at that address too"
is "$(at 127.0.0.3 127.10.0.1 +tcp)" door "over TCP"

# ---- keys ----
for key in hmac-sha256:inside.key hmac-sha512:big.key hmac-sha1:old.key; do
    is "$(at 127.0.0.1 127.10.0.1 -y "$key:$secret")" keyed "$key chooses the view"
done
is "$(at 127.0.0.3 127.10.0.1 -y "hmac-sha256:inside.key:$secret")" keyed "before the listen address"
is "$(at 127.0.0.1 127.99.0.1 +tcp -y "hmac-sha256:inside.key:$secret")" keyed "over TCP"
is "$(at 127.0.0.1 127.10.0.1 -y "hmac-sha384:spare:$secret")" internal "a key that no view names: by address"
text=$(dig @127.0.0.1 -p "$PORT" +norecurse -y "hmac-sha256:inside.key:$secret" view.x TXT)
like "$text" "^inside\.key\..*TSIG.*hmac-sha256\. .* NOERROR 0" "the reply is signed"
if printf '%s' "$text" | grep -qi "couldn't verify\|tsig.*fail"; then not_ok "dig verifies it"; else ok "dig verifies it"; fi
text=$(dig @127.0.0.1 -p "$PORT" +norecurse -y "hmac-sha256:inside.key:$secret" none.x TXT)
like "$text" "status: NXDOMAIN" "a negative reply"
like "$text" "^inside\.key\..*TSIG" "is signed too"
is "$(at 127.0.0.1 127.10.0.1 -y "hmac-sha256:inside.key:$other" 2>/dev/null)" NOTAUTH "a wrong secret is refused"
text=$(dig @127.0.0.1 -p "$PORT" +norecurse -y "hmac-sha256:inside.key:$other" view.x TXT)
like "$text" "BADSIG" "with BADSIG"
text=$(dig @127.0.0.1 -p "$PORT" +norecurse -y "hmac-sha256:nobody.key:$secret" view.x TXT)
like "$text" "BADKEY" "an unknown key: BADKEY"
like "$(control "$dir/control" status)" '"tsig-refused":3' "status counts them"
text=$(dig @127.0.0.1 -p "$PORT" +norecurse +fuzztime=1000000000 -y "hmac-sha256:inside.key:$secret" view.x TXT)
like "$text" "BADTIME" "another time: BADTIME"

# ---- client subnets ----
scope() { # FROM SUBNET
    dig @127.0.0.1 -p "$PORT" -b "$1" +tries=1 +time=5 +norecurse +subnet="$2" view.x TXT |
        sed -n 's/^; CLIENT-SUBNET: //p'
}
is "$(at 127.0.0.1 127.20.0.1)" internet "a sender that is believed, for itself"
is "$(at 127.0.0.1 127.20.0.1 +subnet=127.10.3.0/24)" internal "for a network of a view"
is "$(scope 127.20.0.1 127.10.3.0/24)" "127.10.3.0/24/15" "the scope is that of the decision"
is "$(at 127.0.0.1 127.20.0.1 +subnet=127.8.0.0/14)" internet "for a network in several views: nobody's"
is "$(scope 127.20.0.1 127.8.0.0/14)" "127.8.0.0/14/15" "its scope says that more bits are needed"
is "$(scope 127.20.0.1 192.0.2.0/24)" "192.0.2.0/24/1" "scope of the default"
is "$(at 127.0.0.1 127.20.0.1 +subnet=0.0.0.0/0)" internet "for nobody"
is "$(scope 127.20.0.1 0.0.0.0/0)" "0.0.0.0/0/0" "source 0 gives scope 0"
is "$(at 127.0.0.1 127.99.0.1 +subnet=127.10.3.0/24)" internet "from others it counts for nothing"
is "$(scope 127.99.0.1 127.10.3.0/24)" "" "and is not repeated"
is "$(at 127.0.0.1 127.10.0.1 +subnet=192.0.2.0/24)" internal "it takes no view away from them either"

# ---- other keys by SIGHUP ----
make_keys $other
kill -HUP "$DAEMON_PID"
check "reload" wait_line "$DAEMON_LOG" '^splitviewd: reloaded '
is "$(at 127.0.0.1 127.10.0.1 -y "hmac-sha256:inside.key:$other")" keyed "the new secret"
is "$(at 127.0.0.1 127.10.0.1 -y "hmac-sha256:inside.key:$secret" 2>/dev/null)" NOTAUTH "the old one is refused"
check "stop" stop_daemon
tap_done

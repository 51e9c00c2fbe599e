#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Thousands of questions to splitviewd and to the name servers of others that are installed (knotd, nsd, named), all
# serving the same zones: the hand-written ones of tests/peers/zones and random ones. Every disagreement must be
# explained by a rule of tests/peers/explanations. The peers run as this user, on free ports of 127.0.0.1, with
# configurations in a folder of the test; nothing of the system's is read or changed.
#
#   SEEDS="1 2 3"   seeds of the random zones; default: twelve that between them need most rules
#   QUESTIONS=N     questions per seed (default 900)
#   SHOWN=N         disagreements shown per zone set and peer (default 20)
#   KEEP=DIR        copy zones, questions and logs there
. "${srcdir:-.}/tests/lib.sh"

PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
peers_dir=$srcdir/tests/peers
ask=$builddir/tests/peers/ask
generate=$builddir/tests/peers/generate
seeds=${SEEDS:-1 2 3 8 15851 110879 154858641 229664 261340 332611 340688997 727835572}
questions=${QUESTIONS:-900}
counts=$test_root/counts
total=0
unexplained=0
: >"$counts"

peers=
command -v knotd >/dev/null && peers="$peers knot"
command -v nsd >/dev/null && peers="$peers nsd"
command -v named >/dev/null && peers="$peers bind"
if [ -z "$peers" ]; then
    echo "1..0 # SKIP no other name server is installed (Debian: knot, nsd, bind9)"
    exit 0
fi

running=
stop_peers() {
    for pid in $running; do
        kill -TERM "$pid" 2>/dev/null
    done
    for pid in $running; do
        wait_exit "$pid" 5 || kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    running=
}
trap 'status=$?; stop_peers; (exit $status); lib_cleanup' EXIT

# Lines "NUMBER APEX" of a zone set; zone NUMBER is in SET/z/NUMBER.zone.
number_zones() { # SET
    local file apex number=0
    mkdir -p "$1/z"
    for file in "$1"/*.zone; do
        number=$((number + 1))
        cp "$file" "$1/z/$number.zone"
        apex=$(sed -n 's/^; apex //p;q' "$file")
        [ -n "$apex" ] || apex=$(basename "$file" .zone).
        printf '%d %s\n' "$number" "$apex"
    done >"$1/list"
}

conf_knot() { # DIR SET PORT
    printf 'server:\n  rundir: "%s"\n  listen: 127.0.0.1@%d\n  udp-max-payload: 1232\n  tcp-workers: 1\n  udp-workers: 1\n' "$1" "$3"
    printf 'database:\n  storage: "%s"\nlog:\n  - target: stderr\n    any: warning\n' "$1"
    printf 'template:\n  - id: default\n    storage: "%s"\n    semantic-checks: off\n    journal-content: none\n' "$1"
    printf '    zonefile-sync: -1\n    zonefile-load: whole\nzone:\n'
    while read -r number apex; do
        printf '  - domain: "%s"\n    file: "%s/z/%d.zone"\n' "$apex" "$2" "$number"
    done <"$2/list"
}

conf_nsd() { # DIR SET PORT
    printf 'server:\n  ip-address: 127.0.0.1@%d\n  do-ip6: no\n  server-count: 1\n  username: ""\n  chroot: ""\n' "$3"
    printf '  database: ""\n  zonesdir: "%s"\n  logfile: "%s/nsd.log"\n  pidfile: "%s/nsd.pid"\n' "$1" "$1" "$1"
    printf '  xfrdfile: "%s/xfrd.state"\n  xfrdir: "%s"\n  zonelistfile: "%s/zone.list"\n' "$1" "$1" "$1"
    printf '  cookie-secret-file: "%s/cookies"\n' "$1"
    printf '  ipv4-edns-size: 1232\n  minimal-responses: no\n  refuse-any: no\n  rrl-ratelimit: 0\n  answer-cookie: no\n'
    printf '  tcp-query-count: 0\n  tcp-count: 200\nremote-control:\n  control-enable: no\n'
    while read -r number apex; do
        printf 'zone:\n  name: "%s"\n  zonefile: "%s/z/%d.zone"\n' "$apex" "$2" "$number"
    done <"$2/list"
}

conf_bind() { # DIR SET PORT
    printf 'options {\n  directory "%s";\n  listen-on port %d { 127.0.0.1; };\n  listen-on-v6 { none; };\n' "$1" "$3"
    printf '  pid-file none;\n  session-keyfile "%s/session.key";\n  lock-file none;\n  recursion no;\n' "$1"
    printf '  allow-query { any; };\n  allow-transfer { none; };\n  dnssec-validation no;\n  notify no;\n'
    printf '  minimal-responses no-auth;\n  minimal-any no;\n  max-udp-size 1232;\n  edns-udp-size 1232;\n'
    printf '  empty-zones-enable no; zero-no-soa-ttl no;\n  answer-cookie no;\n  check-names primary ignore;\n  check-integrity no;\n'
    printf '  check-mx ignore;\n  check-mx-cname ignore;\n  check-srv-cname ignore;\n  check-sibling no;\n  rrset-order { order none; };\n'
    printf '  check-wildcard no;\n  masterfile-format text; max-records-per-type 0; max-types-per-name 0;\n  tcp-clients 500;\n};\ncontrols { };\n'
    while read -r number apex; do
        printf 'zone "%s" { type primary; file "%s/z/%d.zone"; };\n' "$apex" "$2" "$number"
    done <"$2/list"
}

run_peer() { # PEER DIR
    case $1 in
    knot) exec knotd -c "$2/conf" ;;
    nsd) exec nsd -d -c "$2/conf" ;;
    bind) exec named -g -n 1 -c "$2/conf" ;;
    esac
}

# Start a peer with the zones of a set; sets ADDRESS, or fails and says why.
start_peer() { # PEER SET
    local dir port apexes
    dir=$(new_dir)
    port=$("$ask" port) || return 1
    "conf_$1" "$dir" "$2" "$port" >"$dir/conf"
    run_peer "$1" "$dir" >"$dir/log" 2>&1 </dev/null &
    running="$running $!"
    ADDRESS=$1=127.0.0.1@$port
    mapfile -t apexes < <(cut -d ' ' -f 2- "$2/list")
    "$ask" wait "$ADDRESS" "${apexes[@]}" >"$dir/wait" 2>&1 && return 0
    diag "$1 does not serve every zone of ${2##*/}:"
    diag <"$dir/wait"
    cat "$dir/log" "$dir/nsd.log" 2>/dev/null | grep -iE 'error|fail|refus|not loaded|warn' | head -n 12 | diag
    return 1
}

start_splitview() { # SET
    local dir conf apexes
    dir=$(new_dir)
    mkdir -p "$dir/zones/all"
    printf '[view all]\nclients = any\n' >"$dir/zones/policy.conf"
    cp "$1"/*.zone "$dir/zones/all/"
    conf=$(make_conf "$dir")
    if ! "$SPLITVIEW" --config "$conf" import >"$dir/import.log" 2>&1; then
        diag "splitview does not import ${1##*/}:"
        grep -v warning "$dir/import.log" | head -n 12 | diag
        return 1
    fi
    start_daemon "$conf" || return 1
    ADDRESS=splitview=127.0.0.1@$PORT
    mapfile -t apexes < <(cut -d ' ' -f 2- "$1/list")
    "$ask" wait "$ADDRESS" "${apexes[@]}" || return 1
}

# One line of TAP for each peer of a zone set.
compare_set() { # SET
    local name=${1##*/} servers options=() number apex result peer why
    number_zones "$1"
    if ! start_splitview "$1"; then
        not_ok "$name: splitview serves the zones"
        return
    fi
    servers=$ADDRESS
    for peer in $peers; do
        # SET/without: lines "PEER WHY".
        if why=$(sed -n "s/^$peer //p" "$1/without" 2>/dev/null) && [ -n "$why" ]; then
            skip "$name: splitview and $peer agree" "$peer $why"
            continue
        fi
        if start_peer "$peer" "$1"; then servers="$servers $ADDRESS"; else not_ok "$name: $peer serves the zones"; fi
    done
    while read -r number apex; do options+=(-z "$apex=$1/z/$number.zone"); done <"$1/list"
    # shellcheck disable=SC2086
    "$ask" -r "$peers_dir/explanations" -n "${SHOWN:-20}" -c "$counts" "${options[@]}" "$1/questions" $servers >"$1/result" 2>&1
    grep -v '^peer ' "$1/result" | diag
    while read -r _ peer _ asked _ differ _ left _ silent; do
        result="$name: splitview and $peer agree ($asked questions, $differ differences, $left unexplained, $silent unanswered)"
        if [ "$left" -eq 0 ]; then ok "$result"; else not_ok "$result"; fi
        unexplained=$((unexplained + left))
    done < <(grep '^peer ' "$1/result")
    grep -q '^peer ' "$1/result" || not_ok "$name: the questions were asked"
    total=$((total + $(grep -c '^[^#]' "$1/questions")))
    stop_peers
    stop_daemon || not_ok "$name: splitviewd ends well"
}

# One RRset that fills a message to the brim: 243 strings of 255 octets are 65,124 bytes.
make_big() { # DIR
    local text
    text=$(printf '%0250d' 0)
    {
        echo '$TTL 60'
        echo '@ SOA ns hostmaster 1 7200 900 1209600 60'
        echo '@ NS ns'
        echo 'ns A 192.0.2.1'
        for number in $(seq -w 243); do echo "big TXT \"$text..$number\""; done
        for number in $(seq 300); do echo "many A 198.51.100.$((number % 250 + 1))"; done | sort -u
    } >"$1/big.test.zone"
    for flags in tcp 'tcp do' 'tcp edns=512' '' 'edns=1232' 'edns=65535 do'; do
        for name in big many BiG; do echo "$name.big.test. TXT $flags"; echo "$name.big.test. A $flags"; done
        echo "big.big.test. ANY tcp"
    done >"$1/questions"
}

for folder in "$peers_dir"/zones/*/; do
    [ -e "$folder/questions" ] || continue
    set_dir=$(new_dir)/$(basename "$folder")
    mkdir "$set_dir" && cp "$folder"* "$set_dir/" && chmod -R u+w "$set_dir"
    compare_set "$set_dir"
    [ -z "$KEEP" ] || cp -R "$set_dir" "$KEEP/"
done
set_dir=$(new_dir)/big
mkdir "$set_dir" && make_big "$set_dir" && compare_set "$set_dir"
[ -z "$KEEP" ] || cp -R "$set_dir" "$KEEP/"
diag "seeds: $seeds"
for seed in $seeds; do
    set_dir=$(new_dir)/seed-$seed
    mkdir "$set_dir"
    "$generate" "$seed" "$set_dir" "$questions" || bail_out "no random zones"
    compare_set "$set_dir"
    [ -z "$KEEP" ] || cp -R "$set_dir" "$KEEP/"
done

diag "differences explained, by rule:"
awk '{ used[$1] += $2 } END { for (rule in used) print "  " rule, used[rule] }' "$counts" | sort | diag
unused=$(awk '{ used[$1] += $2 } END { for (rule in used) if (used[rule] == 0) printf " %s", rule }' "$counts")
[ -z "$unused" ] || diag "rules that explained nothing:$unused"
[ "$total" -ge 5000 ] || [ -n "$SEEDS" ] || not_ok "at least 5,000 questions were asked"
is "$unexplained" 0 "no unexplained disagreement in $total questions, asked of$peers"
tap_done

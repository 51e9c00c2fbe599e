# SPDX-License-Identifier: BSD-2-Clause
# servers.sh: the servers that are measured: how each is configured and started. Bash; sourced by tests/bench/bench,
# which sets dir (a private folder), srcdir, builddir, SPLITVIEW and SPLITVIEWD.
#
#   is_installed SERVER           is there such a program here
#   configure_SERVER SET FOLDER   write the configuration for $taken_port and the zones of SET below FOLDER; sets the
#                                 array command
#   start_server SERVER SET [OPTION…]   configure and start WORKERS (1) threads on SERVER_CPUS (0), options for
#                                 tests/bench/first; sets start_ms[KEY], port[KEY] and pid[KEY] for KEY = SERVER.SET
#   options_of SERVER             what peak must know of it
#   pids_of KEY                   "--pid N" for each process of the server
#   memory_of KEY                 PSS in KiB
#   stop_server KEY, stop_servers
#
# Nothing runs as a service, nothing is read from or written to outside the private folder; ports are free ones of
# 127.0.0.1. Peers get what makes them fast here: one thread, no rate limit, no log, minimal answers.

declare -A port pid start_ms

is_installed() {
    case $1 in
    reflector | splitviewd | forward-splitviewd) true ;;
    nsd) command -v nsd >/dev/null ;;
    knot) command -v knotd >/dev/null ;;
    gdnsd | gdnsd-geo) command -v gdnsd >/dev/null ;;
    unbound | unbound-views) command -v unbound >/dev/null ;;
    dnsdist) command -v dnsdist >/dev/null ;;
    named) command -v named >/dev/null ;;
    *) false ;;
    esac
}

# A port of 127.0.0.1 that nobody has, below those the system hands out.
free_port() {
    local hex
    while :; do
        taken_port=$((20000 + RANDOM % 12000))
        hex=$(printf ':%04X ' "$taken_port")
        grep -q "$hex" /proc/net/udp /proc/net/tcp || return 0
    done
}

options_of() {
    case $1 in
    reflector) echo --reflector ;;
    nsd | knot | named) echo --plain ;;
    gdnsd) echo --plain --no-chase ;;
    gdnsd-geo | unbound-views) echo --geo ;;
    esac
}

# SET: its zones, as apex and file, one a line.
plain_zones() {
    (cd "$dir/peers/$1/plain" && printf '%s\n' *.zone) | awk -v folder="$dir/peers/$1/plain" '{
        apex = $0
        sub(/\.zone$/, "", apex)
        print apex, folder "/" $0
    }'
}

# ---- one function a server ----

configure_reflector() {
    command=("$builddir/tests/bench/reflector" "127.0.0.1@$taken_port" "${WORKERS:-1}")
}

configure_splitviewd() {
    splitview_conf "$1" "$2" "$taken_port"
    command=("$SPLITVIEWD" --config "$2/splitview.conf")
}

# SET FOLDER PORT: one store for each set, made by import_set.
splitview_conf() {
    printf '[server]\nlisten = 127.0.0.1@%s\nstore = %s\nzones = %s\nworkers = %s\ncontrol = %s\n' "$3" \
        "$dir/stores/$1" "$dir/data/$1" "${WORKERS:-1}" "$2/control" >"$2/splitview.conf"
}

import_set() {
    mkdir -p "$dir/stores" "$dir/import.$1"
    splitview_conf "$1" "$dir/import.$1" 0
    "$SPLITVIEW" --config "$dir/import.$1/splitview.conf" import >"$dir/import.$1/log" 2>&1 ||
        { cat "$dir/import.$1/log" >&2; stop "no import of $1"; }
}

configure_nsd() {
    {
        cat <<END
server:
    ip-address: 127.0.0.1@$taken_port
    do-ip6: no
    server-count: 1
    username: ""
    database: ""
    pidfile: ""
    xfrdfile: ""
    xfrdir: "$2"
    zonesdir: "$2"
    zonelistfile: "$2/zone.list"
    rrl-ratelimit: 0
    minimal-responses: yes
    receive-buffer-size: 4194304
    tcp-count: 200
    log-only-syslog: no
    verbosity: 0
remote-control:
    control-enable: no
END
        plain_zones "$1" | awk '{ printf "zone:\n    name: %s\n    zonefile: \"%s\"\n", $1, $2 }'
    } >"$2/nsd.conf"
    command=(nsd -d -c "$2/nsd.conf")
}

configure_knot() {
    {
        cat <<END
server:
  rundir: $2
  listen: 127.0.0.1@$taken_port
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  identity: ""
  version: ""
database:
  storage: $2
log:
  - target: stderr
    any: error
template:
  - id: default
    storage: $dir/peers/$1/plain
    file: "%s.zone"
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
zone:
END
        plain_zones "$1" | awk '{ printf "  - domain: %s\n", $1 }'
    } >"$2/knot.conf"
    command=(knotd -c "$2/knot.conf")
}

# FOLDER: files are named as the zones; a folder `zones` there.
gdnsd_conf() {
    cat <<END
options => {
    listen => "127.0.0.1:$taken_port"
    udp_threads => 1
    tcp_threads => 1
    udp_rcvbuf => 1048576
    run_dir => "$1/run"
    state_dir => "$1/state"
}
END
}

configure_gdnsd() {
    local apex file
    mkdir -p "$2/zones" "$2/run" "$2/state"
    plain_zones "$1" | while read -r apex file; do ln -sf "$file" "$2/zones/$apex"; done
    gdnsd_conf "$2" >"$2/config"
    command=(gdnsd -c "$2" start)
}

# The discovery names of each zone by client network, flattened: gdnsd's way to have views.
configure_gdnsd-geo() {
    local apex file
    mkdir -p "$2/zones" "$2/run" "$2/state"
    {
        gdnsd_conf "$2"
        echo 'plugins => { geoip => { maps => { m => { datacenters => [internet, inside]'
        echo 'nets => { 127.10.0.0/16 => [ inside ] } } } resources => {'
        plain_zones "$1" | awk '
            {
                number = $1
                gsub(/[^0-9]/, "", number)
                rest = int(number / 65536) "." int(number / 256) % 256 "." number % 256
                public = "198." 18 + int(number / 65536) "." int(number / 256) % 256 "." number % 256
                proxy = "172." 16 + int(number / 65536) "." int(number / 256) % 256 "." number % 256
                printf "d%d => { map => m, dcmap => { internet => %s, inside => %s } }\n", number, public, proxy
                printf "i%d => { map => m, dcmap => { internet => 10.%s, inside => 10.%s } }\n", number, rest, rest
            }'
        echo '} } }'
    } >"$2/config"
    plain_zones "$1" | while read -r apex file; do
        echo "$apex ${apex//[^0-9]/} $file"
    done | awk -v folder="$2/zones" '{
        out = folder "/" $1
        while ((getline line < $3) > 0) {
            if (line ~ /^lyncdiscoverinternal /)
                line = "lyncdiscoverinternal DYNA geoip!i" $2
            else if (line ~ /^lyncdiscover /)
                line = "lyncdiscover DYNA geoip!d" $2
            print line > out
        }
        close($3)
        close(out)
    }'
    command=(gdnsd -c "$2" start)
}

# Views of local data. They hold no aliases that are followed, so the discovery names are flattened.
configure_unbound-views() {
    unbound_head "$2" >"$2/unbound.conf"
    {
        echo ' access-control-view: 127.10.0.0/16 inside'
        echo ' access-control-view: 127.99.0.0/16 internet'
        for view in inside internet; do
            printf 'view:\n name: %s\n' "$view"
            plain_zones "$1" | awk -v view="$view" '{
                apex = $1
                number = apex
                gsub(/[^0-9]/, "", number)
                printf " local-zone: \"%s\" static\n", apex
                while ((getline line < $2) > 0) {
                    split(line, word, " ")
                    if (word[1] == "$TTL")
                        continue
                    name = word[1] == "@" ? apex : word[1] "." apex
                    sub(/^[^ ]+ /, "", line)
                    if (word[1] == "lyncdiscoverinternal")
                        line = "A 10." int(number / 65536) "." int(number / 256) % 256 "." number % 256
                    else if (word[1] == "lyncdiscover" && view == "internet")
                        line = "A 198." 18 + int(number / 65536) "." int(number / 256) % 256 "." number % 256
                    else if (word[2] ~ /^(SOA|NS|SRV)$/)
                        gsub(/(ns|hostmaster|sip)( |$)/, "&." apex ". ", line)
                    gsub(/ \./, ".", line)
                    printf " local-data: \"%s. 3600 IN %s\"\n", name, line
                }
                close($2)
            }'
        done
        printf 'remote-control:\n control-enable: no\n'
    } >>"$2/unbound.conf"
    command=(unbound -d -c "$2/unbound.conf")
}

configure_named() {
    {
        cat <<END
options {
    directory "$2";
    listen-on port $taken_port { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    session-keyfile none;
    recursion no;
    minimal-responses yes;
    notify no;
    allow-transfer { none; };
    empty-zones-enable no;
};
controls { };
logging { category default { null; }; };
END
        plain_zones "$1" | awk '{ printf "zone \"%s\" { type primary; file \"%s\"; };\n", $1, $2 }'
    } >"$2/named.conf"
    command=(named -f -n 1 -c "$2/named.conf")
}

# ---- forwarding: the same upstream behind each ----

start_upstream() {
    free_port
    upstream_port=$taken_port
    command=("$builddir/tests/bench/upstream" "127.0.0.1@$upstream_port")
    SERVER_CPUS=1 launch upstream.forward --rd --name "$(probe_name forward)"
}

# False: this splitview cannot forward yet.
import_forward() {
    mkdir -p "$dir/data/forward/internet" "$dir/stores" "$dir/import.forward"
    printf '[view internet]\nclients = any\n[view forwarding]\nclients = 127.20.0.0/16\nforward = upstream\n%s' \
        "[upstream upstream]
servers = 127.0.0.1@$upstream_port
" >"$dir/data/forward/policy.conf"
    printf '$TTL 60\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n' \
        >"$dir/data/forward/internet/site1.example.zone"
    splitview_conf forward "$dir/import.forward" 0
    "$SPLITVIEW" --config "$dir/import.forward/splitview.conf" import >"$dir/import.forward/log" 2>&1
}

configure_forward-splitviewd() {
    configure_splitviewd "$1" "$2"
}

# FOLDER: what unbound needs to know of any set.
unbound_head() {
    cat <<END
server:
    interface: 127.0.0.1@$taken_port
    do-ip6: no
    num-threads: 1
    chroot: ""
    username: ""
    directory: "$1"
    pidfile: ""
    use-syslog: no
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    module-config: "iterator"
    so-rcvbuf: 4m
    outgoing-range: 4096
    num-queries-per-thread: 2048
    msg-cache-size: 64m
    rrset-cache-size: 128m
    minimal-responses: yes
END
}

configure_forward-unbound() {
    {
        unbound_head "$2"
        cat <<END
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@$upstream_port
END
    } >"$2/unbound.conf"
    command=(unbound -d -c "$2/unbound.conf")
}

configure_forward-dnsdist() {
    {
        printf 'setLocal("127.0.0.1:%s")\nsetACL("127.0.0.0/8")\nsetSecurityPollSuffix("")\n' "$taken_port"
        printf 'newServer({address="127.0.0.1:%s", sockets=8})\n' "$upstream_port"
        printf 'getPool(""):setCache(newPacketCache(100000))\n'
    } >"$2/dnsdist.conf"
    command=(dnsdist --supervised --disable-syslog -C "$2/dnsdist.conf")
}

# ---- running ----

# A process and all below it.
family() {
    local child
    echo "$1"
    for child in $(cat "/proc/$1/task"/*/children 2>/dev/null); do
        family "$child"
    done
}

pids_of() {
    local each
    for each in $(family "${pid[$1]}"); do
        printf -- '--pid %s ' "$each"
    done
}

memory_of() {
    local each
    for each in $(family "${pid[$1]}"); do
        cat "/proc/$each/smaps_rollup"
    done 2>/dev/null | awk '$1 == "Pss:" { sum += $2 } END { print sum + 0 }'
}

# KEY OPTION…: run $command on $taken_port below $dir/KEY and wait until it answers.
launch() {
    local key=$1 answer
    shift
    mkdir -p "$dir/$key"
    # shellcheck disable=SC2046,SC2086
    answer=$("$builddir/tests/bench/first" --server "127.0.0.1@$taken_port" --log "$dir/$key/log" \
        --pid-file "$dir/$key/pid" --wait 120 --cpu 1 "$@" \
        $(printf -- '--on %s ' ${SERVER_CPUS:-0}) -- "${command[@]}") || {
        rm -f "$dir/$key/pid"
        tail -n 5 "$dir/$key/log" >&2
        return 1
    }
    # shellcheck disable=SC2086
    set -- $answer
    start_ms[$key]=$2
    pid[$key]=$4
    port[$key]=$taken_port
}

start_server() {
    local server=$1 set=$2 key=$1.$2
    shift 2
    rm -rf "${dir:?}/$key"
    mkdir -p "$dir/$key"
    free_port
    "configure_$server" "$set" "$dir/$key"
    launch "$key" --from 127.10.0.1 --name "$(probe_name "$set")" "$@" || {
        echo "$server does not start with $set: left out" >&2
        return 1
    }
}

# A name that every server of the set answers.
probe_name() {
    case $1 in
    *million*) echo www.site1.big.example ;;
    forward*) echo name0.hit.forward.example ;;
    *) echo www.site1.example ;;
    esac
}

stop_server() {
    local each all tries=0
    [ -n "${pid[$1]:-}" ] || return 0
    all=$(family "${pid[$1]}")
    kill -TERM "${pid[$1]}" 2>/dev/null
    for each in $all; do
        while kill -0 "$each" 2>/dev/null && [ $((tries += 1)) -le 100 ]; do
            sleep 0.05
        done
        kill -KILL "$each" 2>/dev/null
    done
    unset "pid[$1]"
    rm -f "$dir/$1/pid"
}

# Also one that was being started when a signal came.
stop_servers() {
    local file key
    for file in "$dir"/*/pid; do
        [ -s "$file" ] || continue
        key=${file%/pid}
        key=${key##*/}
        pid[$key]=$(cat "$file")
        stop_server "$key"
    done
}

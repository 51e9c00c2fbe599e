# SPDX-License-Identifier: BSD-2-Clause
# lib.sh: what the shell tests share. POSIX sh; source it first:
#
#     . "${srcdir:-.}/tests/lib.sh"
#
# builddir (default .) is where the programs are, srcdir (default .) where the data is. SPLITVIEWD and SPLITVIEW name
# other programs to run instead. Everything a test starts or writes is gone when its shell ends.
#
#   ok TEXT, not_ok TEXT, skip TEXT WHY, diag TEXT   one TAP line each ("# ..." for diag); diag without arguments reads stdin
#   is GOT WANTED TEXT                    ok if the two texts are equal, else not_ok with both
#   like GOT PATTERN TEXT                 ok if the extended regular expression matches a line of GOT
#   check TEXT COMMAND [ARGUMENT...]      ok if the command succeeds; its output, kept in $OUTPUT, is shown if
#                                         it does not
#   check_fails STATUS TEXT COMMAND...    ok if the command exits with STATUS; the output is in $OUTPUT
#   tap_done                              print the plan and exit: 0 if all were ok
#   bail_out TEXT                         stop at once
#   dir=$(new_dir)                        a new folder
#   conf=$(make_conf DIR [LINE...])       write DIR/splitview.conf (store, zones, control below DIR); more lines of [server]
#                                         may follow; $LISTEN replaces "127.0.0.1@0", $WORKERS "2"
#   make_repo DIR EXAMPLE                 a git repository DIR from a folder of zone files
#   repo_git DIR ARGUMENT...              git in it, with an author
#   start_daemon CONF [ARGUMENT...]       start splitviewd, wait until it is ready; sets DAEMON_PID, DAEMON_LOG (its output), PORT
#                                         (and PORT6 if it listens on ::1). Fails if it does not come up.
#   stop_daemon [PID]                     SIGTERM and wait; fails unless the daemon exits with 0
#   wait_line FILE PATTERN [SECONDS [N]]  wait until N lines (default 1) of a growing file match; fails when the time
#                                         (default 20) is over
#   wait_exit PID [SECONDS]               wait until a process is gone
#   ask FROM NAME TYPE [OPTION...]        dig from address FROM, short answer, no retry; IPv6 addresses ask ::1
#   ask_rcode FROM NAME TYPE [OPTION...]  the same, prints the rcode (NOERROR, REFUSED...)
#   control SOCKET LINE                   send a line to a control socket and print the answer line

builddir=${builddir:-.}
srcdir=${srcdir:-.}
SPLITVIEWD=${SPLITVIEWD:-$builddir/splitviewd}
SPLITVIEW=${SPLITVIEW:-$builddir/splitview}
LC_ALL=C
export LC_ALL

tap_count=0
tap_failed=0
daemons=

test_root=$(mktemp -d "${TMPDIR:-/tmp}/splitview-test.XXXXXX") || exit 99

lib_cleanup() {
    status=$?
    trap - EXIT INT TERM HUP
    for pid in $daemons; do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -rf "$test_root"
    exit "$status"
}
trap lib_cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

ok() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1"
}

not_ok() {
    tap_count=$((tap_count + 1))
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $1"
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

diag() {
    if [ $# -gt 0 ]; then
        printf '%s\n' "$*" | sed 's/^/# /'
    else
        sed 's/^/# /'
    fi
}

is() {
    if [ "$1" = "$2" ]; then
        ok "$3"
    else
        not_ok "$3"
        diag "got:    $1"
        diag "wanted: $2"
        return 1
    fi
}

like() {
    if printf '%s\n' "$1" | grep -Eq -- "$2"; then
        ok "$3"
    else
        not_ok "$3"
        diag "got:    $1"
        diag "wanted: a line like $2"
        return 1
    fi
}

check() {
    text=$1
    shift
    "$@" >"$test_root/output" 2>&1
    got=$?
    OUTPUT=$(cat "$test_root/output")
    if [ "$got" -eq 0 ]; then
        ok "$text"
    else
        not_ok "$text"
        diag "command: $*"
        diag "$OUTPUT"
        return 1
    fi
}

check_fails() {
    wanted=$1
    text=$2
    shift 2
    "$@" >"$test_root/output" 2>&1
    got=$?
    OUTPUT=$(cat "$test_root/output")
    if [ "$got" -eq "$wanted" ]; then
        ok "$text"
    else
        not_ok "$text"
        diag "command: $*"
        diag "exit status $got, wanted $wanted"
        diag "$OUTPUT"
        return 1
    fi
}

tap_done() {
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ] || exit 1
    exit 0
}

bail_out() {
    echo "Bail out! $1"
    exit 99
}

new_dir() {
    mktemp -d "$test_root/dir.XXXXXX"
}

make_conf() {
    conf_dir=$1
    shift
    {
        echo "[server]"
        echo "listen = ${LISTEN:-127.0.0.1@0}"
        echo "store = $conf_dir/store"
        echo "zones = $conf_dir/zones"
        echo "control = $conf_dir/control"
        echo "workers = ${WORKERS:-2}"
        for conf_line in "$@"; do
            printf '%s\n' "$conf_line"
        done
    } >"$conf_dir/splitview.conf"
    echo "$conf_dir/splitview.conf"
}

repo_git() {
    repo_dir=$1
    shift
    git -C "$repo_dir" -c user.name=test -c user.email=test@harbor.example -c commit.gpgsign=false \
        -c init.defaultBranch=main "$@"
}

make_repo() {
    mkdir -p "$1" && cp -R "$2/." "$1/" && chmod -R u+w "$1" &&
        repo_git "$1" init -q && repo_git "$1" add -A && repo_git "$1" commit -q -m "zones"
}

start_daemon() {
    daemon_conf=$1
    shift
    DAEMON_LOG=$(mktemp "$test_root/daemon.XXXXXX")
    "$SPLITVIEWD" --config "$daemon_conf" "$@" </dev/null >"$DAEMON_LOG" 2>&1 &
    DAEMON_PID=$!
    daemons="$daemons $DAEMON_PID"
    if ! timeout 20 tail -n +1 -s 0.1 -f --pid="$DAEMON_PID" "$DAEMON_LOG" | grep -q '^splitviewd: ready'; then
        diag "splitviewd did not start:"
        diag <"$DAEMON_LOG"
        return 1
    fi
    PORT=$(sed -n 's/^splitviewd: listening on .*@\([0-9]*\)$/\1/p' "$DAEMON_LOG" | head -n 1)
    PORT6=$(sed -n 's/^splitviewd: listening on ::1@\([0-9]*\)$/\1/p' "$DAEMON_LOG" | head -n 1)
}

wait_line() {
    [ "$(timeout "${3:-20}" tail -n +1 --retry -f "$1" 2>/dev/null | grep -c -m "${4:-1}" -- "$2")" = "${4:-1}" ]
}

wait_exit() {
    timeout "${2:-20}" tail -s 0.05 -f /dev/null --pid="$1"
}

stop_daemon() {
    stop_pid=${1:-$DAEMON_PID}
    kill -TERM "$stop_pid" || return 1
    if ! wait_exit "$stop_pid"; then
        diag "splitviewd does not stop; killed"
        kill -KILL "$stop_pid"
    fi
    wait "$stop_pid"
    stop_status=$?
    remaining=
    for pid in $daemons; do
        [ "$pid" = "$stop_pid" ] || remaining="$remaining $pid"
    done
    daemons=$remaining
    if [ "$stop_status" -ne 0 ]; then
        diag "splitviewd ended with status $stop_status"
        [ -n "$1" ] || diag <"$DAEMON_LOG"
        return 1
    fi
}

ask_dig() {
    ask_from=$1
    ask_name=$2
    ask_type=$3
    shift 3
    case $ask_from in
    *:*) dig @::1 -p "${PORT6:-$PORT}" -b "$ask_from" +tries=1 +time=5 +norecurse "$@" "$ask_name" "$ask_type" ;;
    *) dig @127.0.0.1 -p "$PORT" -b "$ask_from" +tries=1 +time=5 +norecurse "$@" "$ask_name" "$ask_type" ;;
    esac
}

ask() {
    ask_dig_from=$1
    ask_dig_name=$2
    ask_dig_type=$3
    shift 3
    ask_dig "$ask_dig_from" "$ask_dig_name" "$ask_dig_type" +short "$@"
}

ask_rcode() {
    ask_dig "$@" | sed -n 's/^;; ->>HEADER<<- .*status: \([A-Z0-9]*\),.*/\1/p'
}

control() {
    "$builddir/tests/client" control "$1" "$2"
}

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A bare repository with the hooks of contrib/hooks: a push is checked and published, a bad one is refused on the
# pusher's terminal, only commits of the branch and, if wanted, signed ones are published. As the user who runs the test;
# as root also with a daemon and a git user of their own, who share only the store's group.
. "${srcdir:-.}/tests/lib.sh"

command -v dig >/dev/null 2>&1 || bail_out "dig is missing (Debian: bind9-dnsutils)"
command -v git >/dev/null 2>&1 || bail_out "git is missing (Debian: git)"
client=127.99.0.1
git_id=4242 daemon_id=4243 group=4250 # of nobody; they need no account
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@harbor.example
export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@harbor.example
unset GIT_DIR GIT_WORK_TREE GIT_OBJECT_DIRECTORY GIT_QUARANTINE_PATH GIT_ALTERNATE_OBJECT_DIRECTORIES

# Programs and hooks where every user can reach them.
chmod 755 "$test_root"
bin=$test_root/bin
mkdir "$bin" && chmod 755 "$bin" && cp "$SPLITVIEW" "$bin/splitview" && cp "$SPLITVIEWD" "$bin/splitviewd" &&
    chmod 755 "$bin"/* || bail_out "the programs cannot be copied"
SPLITVIEW=$bin/splitview
plain_daemon=$bin/splitviewd

as_user() { # ID GROUP-ID COMMAND...
    local id=$1 gid=$2
    shift 2
    setpriv --reuid="$id" --regid="$gid" --groups="$group" "$@"
}

as_git() { # COMMAND...
    if [ -n "$separate" ]; then
        as_user $git_id $git_id env HOME="$dir/work" "$@"
    else
        "$@"
    fi
}

in_work() { as_git git -C "$dir/work" "$@"; }
import() { as_git "$SPLITVIEW" --config "$conf" import "$@"; }
www() { ask "$client" www.harbor.example A; }
tip() { as_git git -C "$dir/zones" rev-parse -q --verify main; }

write_www() { # ADDRESS
    as_git sed -i "s/^www .*/www 60 A $1/" "$dir/work/internet/harbor.example.zone"
}

commit() { # SUBJECT [OPTION...]
    local subject=$1
    shift
    in_work commit -q -a -m "$subject" "$@" || bail_out "no commit $subject"
}

# A bare repository with the hooks, a clone to work in, a store, and a daemon that waits.
new_server() { # [LINE...]
    dir=$(new_dir)
    mkdir -p "$dir/zones" "$dir/work/internet" "$dir/store" "$dir/run"
    printf '[view internet]\nclients = any\n' >"$dir/work/policy.conf"
    cat >"$dir/work/internet/harbor.example.zone" <<ZONE
\$TTL 3600
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 192.0.2.1
www 60 A 192.0.2.80
ZONE
    conf=$(make_conf "$dir" "branch = main ; which is served" "$@")
    sed -i "s|^control = .*|control = $dir/run/control|" "$conf"
    chmod 755 "$dir"
    chmod 644 "$conf"
    chmod 2750 "$dir/store"
    chmod 770 "$dir/run"
    if [ "$(id -u)" -eq 0 ]; then
        [ -z "$separate" ] || chown -R $git_id:$git_id "$dir/zones" "$dir/work"
        chown "${separate:+$git_id}:$group" "$dir/store"
        chown $daemon_id:$group "$dir/run"
    fi
    chmod 2750 "$dir/store"
    as_git git init -q --bare -b main "$dir/zones" && in_work init -q -b main . &&
        in_work remote add origin "$dir/zones" && in_work add -A || bail_out "no git repository"
    as_git cp "$srcdir/contrib/hooks/pre-receive" "$srcdir/contrib/hooks/post-receive" "$dir/zones/hooks/" 2>/dev/null ||
        cp "$srcdir/contrib/hooks/pre-receive" "$srcdir/contrib/hooks/post-receive" "$dir/zones/hooks/"
    chmod 755 "$dir"/zones/hooks/*-receive
    commit "the first zones"
}

start_other_daemon() {
    SPLITVIEWD=$plain_daemon
    if [ -n "$can_switch" ]; then
        printf '#!/bin/sh\nexec setpriv --reuid=%s --regid=%s --clear-groups %s "$@"\n' $daemon_id $group "$plain_daemon" \
            >"$dir/splitviewd" && chmod 755 "$dir/splitviewd"
        SPLITVIEWD=$dir/splitviewd
    fi
    start_daemon "$conf" || bail_out "splitviewd does not start"
}

test_pushes() { # TITLE
    local before
    new_server
    start_other_daemon
    is "$(ask_rcode $client www.harbor.example A)" REFUSED "$1: nothing is served before the first push"
    SPLITVIEW_CONFIG=$dir/none.conf check_fails 1 "$1: a push without a machine configuration is refused" \
        in_work push origin main
    like "$OUTPUT" 'splitview: push refused: .*/none\.conf cannot be read' "$1: it says so"
    as_git git -C "$dir/zones" config splitview.config "$conf"
    as_git git -C "$dir/zones" config splitview.program "$SPLITVIEW"

    check "$1: the first push" in_work push origin main
    like "$OUTPUT" '^remote: generation 1: 1 view, 1 zone, .* "the first zones"' "$1: the pusher sees what was published"
    like "$OUTPUT" '^remote: splitviewd serves generation 1' "$1: and that it is served"
    is "$(www)" 192.0.2.80 "$1: it is served"
    [ -z "$can_switch" ] || is "$(stat -c %u "/proc/$DAEMON_PID")" "$daemon_id" "$1: by a daemon of another user"
    write_www 192.0.2.81
    commit "www moves"
    check "$1: a push that changes an answer" in_work push origin main
    like "$OUTPUT" '^remote: .*192\.0\.2\.80.*192\.0\.2\.81' "$1: the pusher sees which answer changes"
    is "$(www)" 192.0.2.81 "$1: the new answer is served"

    before=$(tip)
    write_www 192.0.2.300
    commit "a bad address"
    check_fails 1 "$1: a bad push is refused" in_work push origin main
    like "$OUTPUT" '^remote: internet/harbor\.example\.zone:5:[0-9]*:? *error: ' "$1: the pusher sees file and line"
    like "$OUTPUT" '^remote: splitview: push refused' "$1: and that it was refused"
    is "$(tip)" "$before" "$1: the branch stays"
    is "$(www)" 192.0.2.81 "$1: the old answer is served"
    check_fails 1 "$1: a bad push with another branch beside it is refused" in_work push --atomic origin main main:side
    check "$1: another branch passes" in_work push origin main:side
    is "$(www)" 192.0.2.81 "$1: it is not published"
    check "$1: a tag passes" in_work push origin HEAD:refs/tags/bad
    check "$1: the side branch may be deleted" in_work push origin :side
    as_git git -C "$dir/zones" config receive.denyDeleteCurrent ignore
    check_fails 1 "$1: the branch that is served may not be deleted" in_work push origin :main
    like "$OUTPUT" 'main is the branch that is served; it cannot be deleted' "$1: the pusher sees why"
    is "$(tip)" "$before" "$1: the branch is still there"

    # A push that is accepted but cannot be published.
    write_www 192.0.2.82
    commit "www moves again"
    mv "$dir/run" "$dir/gone"
    check "$1: a push while no daemon can be told" in_work push origin main
    mv "$dir/gone" "$dir/run"
    check "$1: the daemon finds it by itself" wait_www 192.0.2.82
    check "$1: a rollback" as_git "$SPLITVIEW" --config "$conf" rollback
    is "$(www)" 192.0.2.81 "$1: it is served"
    write_www 192.0.2.83
    commit "while rolled back"
    in_work push origin main >"$dir/pinned.log" 2>&1
    like "$(cat "$dir/pinned.log")" '^remote: .*rollback' "$1: a push after a rollback tells of it"
    like "$(cat "$dir/pinned.log")" '^remote: splitview: the push was accepted but could not be published' "$1: and what to do"
    is "$(www)" 192.0.2.81 "$1: and is not published"
    check "$1: release" as_git "$SPLITVIEW" --config "$conf" rollback --release
    in_work push origin main >/dev/null 2>&1
    check "$1: import after the release" import
    is "$(www)" 192.0.2.83 "$1: what was pushed is served"
    test_revisions "$1"
    stop_daemon && ok "$1: the daemon stops" || not_ok "$1: the daemon stops"
}

# The daemon looks at the store by itself, too; each question waits for an answer.
wait_www() { # ADDRESS
    local until=$((SECONDS + 20))
    while [ $SECONDS -lt $until ]; do
        [ "$(www)" != "$1" ] || return 0
    done
    return 1
}

test_revisions() { # TITLE
    local side
    in_work checkout -q -b side HEAD~1
    write_www 192.0.2.90
    commit "on the side"
    side=$(in_work rev-parse --short=12 HEAD)
    in_work push -q origin side >/dev/null 2>&1
    in_work checkout -q main
    check "$1: an older commit of the branch is imported" import --rev main~1
    check_fails 1 "$1: a commit that is not on the branch is refused" import --rev side
    like "$OUTPUT" "error: commit $side \(--rev side\) is not on branch \"main\" of .*/zones; --force" "$1: it says which and why"
    check "$1: its dry run" import --rev side --dry-run
    like "$OUTPUT" "warning: commit $side .* is not on branch \"main\".*needs --force" "$1: warns of it"
    check "$1: --force publishes it" import --rev side --force
    is "$(www)" 192.0.2.90 "$1: it is served"
    check "$1: the branch again" import
}

# A repository with a work tree that follows the pushes.
test_work_tree() {
    new_server
    git clone -q "$dir/work" "$dir/live" 2>/dev/null && git -C "$dir/live" config receive.denyCurrentBranch updateInstead &&
        cp "$dir"/zones/hooks/*-receive "$dir/live/.git/hooks/" || bail_out "no repository with a work tree"
    write_www 192.0.2.84
    commit "www moves"
    check "a push to a repository with a work tree" \
        env SPLITVIEW_CONFIG="$conf" SPLITVIEW_PROGRAM="$SPLITVIEW" git -C "$dir/work" push "$dir/live" main
    like "$OUTPUT" '^remote: generation 1: ' "is published"
    write_www 192.0.2.300
    commit "a bad address"
    check_fails 1 "a bad push to it is refused" \
        env SPLITVIEW_CONFIG="$conf" SPLITVIEW_PROGRAM="$SPLITVIEW" git -C "$dir/work" push "$dir/live" main
    like "$OUTPUT" '^remote: internet/harbor\.example\.zone:5:10: error: ' "the pusher sees file and line"
}

test_signatures() {
    local signing
    new_server "require-signed = yes" "allowed-signers = $test_root/signers"
    for name in ada eve; do
        ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$dir/$name" || bail_out "ssh-keygen makes no key"
    done
    printf 'ada@harbor.example namespaces="git" %s\n' "$(cat "$dir/ada.pub")" >"$test_root/signers"
    signing="in_work -c gpg.format=ssh -c user.signingkey=$dir"
    as_git git -C "$dir/zones" config splitview.config "$conf"
    as_git git -C "$dir/zones" config splitview.program "$SPLITVIEW"
    # What the repository says about signatures does not count.
    as_git git -C "$dir/zones" config gpg.ssh.program true
    as_git git -C "$dir/zones" config gpg.ssh.allowedSignersFile "$dir/eve.pub"
    start_other_daemon

    check_fails 1 "an unsigned push is refused" in_work push origin main
    like "$OUTPUT" '^remote: error: commit [0-9a-f]{12}: found no signature, wanted one of a signer in .*/signers' \
        "the pusher sees why"
    $signing/eve commit -q --amend -S -m "signed by somebody else"
    check_fails 1 "a push signed with another key is refused" in_work push origin main
    like "$OUTPUT" '^remote: error: commit [0-9a-f]{12}: found no good signature' "the pusher sees why"
    is "$(ask_rcode $client www.harbor.example A)" REFUSED "nothing was published"
    $signing/ada commit -q --amend -S -m "signed"
    check "a signed push" in_work push origin main
    is "$(www)" 192.0.2.80 "it is served"
    write_www 192.0.2.81
    commit "not signed"
    in_work push -q --no-verify origin main:later >/dev/null 2>&1
    check_fails 1 "--force is no signature" import --rev later --force
    $signing/ada tag -s -m "release 1" v1
    in_work push -q origin v1 >/dev/null 2>&1
    check "a signed tag stands for its commit" import --rev v1 --force
    is "$(www)" 192.0.2.81 "it is served"
    $signing/eve tag -s -m "release 2" v2
    in_work push -q origin v2 >/dev/null 2>&1
    check_fails 1 "a tag signed with another key does not" import --rev v2 --force
    like "$OUTPUT" 'error: tag [0-9a-f]{12}: found no good signature' "both are named"
    like "$OUTPUT" 'error: commit [0-9a-f]{12}: found no signature' "both are named"
    mkdir "$dir/empty"
    check_fails 3 "without git nothing is published" env PATH="$dir/empty" "$SPLITVIEW" --config "$conf" import
    like "$OUTPUT" 'error: cannot run git .* require-signed needs the programs git and ssh-keygen' "it says what is missing"
    rm "$test_root/signers"
    check_fails 3 "without the file of signers nothing is published" import
    like "$OUTPUT" 'error: cannot read the allowed signers .*/signers: No such file' "it says what is missing"
    is "$(www)" 192.0.2.81 "the old answer is served"
    stop_daemon && ok "the daemon stops" || not_ok "the daemon stops"
}

can_switch=
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=$daemon_id --regid=$group --clear-groups true 2>/dev/null; then
    can_switch=yes
fi
separate=
if [ "$(id -u)" -eq 0 ]; then
    test_pushes "as root"
else
    test_pushes "as uid $(id -u)"
fi
if [ -n "$can_switch" ]; then
    separate=yes
    test_pushes "as a git user with the store's group"
    separate=
else
    skip "as a git user with the store's group" "needs root and setpriv"
fi
test_work_tree
if ! command -v ssh-keygen >/dev/null 2>&1; then
    skip "signed commits" "ssh-keygen is missing (Debian: openssh-client)"
elif ! id -un >/dev/null 2>&1; then
    skip "signed commits" "ssh-keygen wants a user with an account"
else
    test_signatures
fi
tap_done

# What the test files share.  KLOG_BIN is the directory of the tools under
# test; each test has a cluster of its own in $BATS_TEST_TMPDIR/cluster.
# shellcheck shell=bash disable=SC2154	# bats sets output, stderr and status

bats_require_minimum_version 1.5.0

setup() {
	local root
	root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
	export KLOG_BIN=${KLOG_BIN:-$root/bin}
	export PATH=$KLOG_BIN:$KLOG_TEST_TOOLS:$PATH
	export KLOG_CLUSTER=$BATS_TEST_TMPDIR/cluster
	export LC_ALL=C TZ=UTC
	umask 022
	cd "$BATS_TEST_TMPDIR" || return
	# A test may put its fixture here.
	if declare -F fixture >/dev/null; then
		fixture
	fi
}

# Whoever is left from a test that failed in the middle is ended.
teardown() {
	local pid
	for pid in $(jobs -p); do
		kill -9 "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	if mountpoint -q "$BATS_TEST_TMPDIR/small"; then
		umount -l "$BATS_TEST_TMPDIR/small"
	fi
}

fail() {
	printf '%s\n' "$*" >&2
	return 1
}

# Says what was run and what came of it; bats shows this when a test fails.
explain() {
	printf '$ %s\nstatus %s\n' "$*" "$status"
	[ -z "$output" ] || printf 'stdout:\n%s\n' "${output:0:3000}"
	[ -z "$stderr" ] || printf 'stderr:\n%s\n' "${stderr:0:3000}"
}

# klog STATUS TOOL [ARG...]: runs klog-TOOL, which must end with STATUS.
# $output and $stderr are what it said, $lines and $stderr_lines the lines.
klog() {
	local want=$1 tool=$2
	shift 2
	run --separate-stderr timeout 60 "klog-$tool" "$@"
	explain "klog-$tool" "$@"
	[ "$status" -eq "$want" ] || fail "expected status $want"
}

# shell STATUS COMMAND: the same for a line of shell, pipelines failing whole.
shell() {
	local want=$1
	shift
	run --separate-stderr timeout 120 bash -o pipefail -c "$@"
	explain "$@"
	[ "$status" -eq "$want" ] || fail "expected status $want"
}

# one_line_error TOOL [WORD...]: the last run said one line on stderr, and
# nothing on stdout; it begins with the tool's name and has every WORD.
one_line_error() {
	local tool=$1 word
	shift
	[ -z "$output" ] || fail "something on stdout"
	error_line "$tool" "$@"
}

# The same, whatever is on stdout.
error_line() {
	local tool=$1 word
	shift
	[ "${#stderr_lines[@]}" -eq 1 ] ||
		fail "${#stderr_lines[@]} lines on stderr, expected one"
	[[ ${stderr_lines[0]} == "klog-$tool: "* ]] ||
		fail "the line does not begin with klog-$tool:"
	for word in "$@"; do
		[[ ${stderr_lines[0]} == *"$word"* ]] ||
			fail "the line does not say '$word'"
	done
	[[ ${stderr_lines[0]} != *$'\e'* ]] || fail "an escape in a message"
}

# Usage errors may go on with a hint; the first line is the message.
usage_error() {
	local tool=$1 word
	shift
	[ "$status" -eq 2 ] || fail "expected status 2"
	[ -z "$output" ] || fail "something on stdout"
	[[ ${stderr_lines[0]:-} == "klog-$tool: "* ]] ||
		fail "stderr does not begin with klog-$tool:"
	[ "${#stderr_lines[@]}" -le 2 ] || fail "more than a line and a hint"
	for word in "$@"; do
		[[ $stderr == *"$word"* ]] || fail "stderr does not say '$word'"
	done
}

equal() {
	[ "$1" == "$2" ] || fail "$(printf 'have: %q\nwant: %q' "$1" "$2")"
}

# Produces its operands as lines, to TOPIC; synced.
put() {
	local topic=$1
	shift
	printf '%s\n' "$@" | klog-produce "$topic"
}

# What the topic holds, in order of partition and offset.
stored() {
	klog-consume -F '%p %o %s\n' "$1" | sort -s -k1,1n -k2,2n
}

# partition DIR of TOPIC [PARTITION]
partition() {
	printf '%s/%s/%s' "$KLOG_CLUSTER" "$1" "${2:-0}"
}

# The partitions of TOPIC are as Kafka expects them, to the byte.
sound() {
	local topic=$1 dir
	shift
	for dir in "$KLOG_CLUSTER/$topic"/[0-9]*/; do
		partition-check -q "$@" "${dir%/}" >&2 || return
	done
}

# until_true SECONDS COMMAND...: polls until it is, fails when time is over.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "not within time: $*"
		sleep 0.02
	done
}

has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# stored_lines TOPIC N: so many records can be read.
stored_lines() {
	[ "$(klog-consume "$1" | wc -l)" -ge "$2" ]
}

# opened LINE [ARG...] TOPIC: klog-produce has stored the line, and waits for
# more on descriptor 5.  $writer is its process; what it says goes to err.
opened() {
	rm -f input
	mkfifo input
	klog-produce "${@:2}" <input 2>err &
	# shellcheck disable=SC2034	# the tests use it
	writer=$!
	exec 5>input
	echo "$1" >&5
	until_true 20 stored_lines "${!#}" 1
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# follows PID FILE: it sleeps in the kernel, with nothing left to do.
asleep() {
	[ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = S ]
}

need_strace() {
	command -v strace >/dev/null || skip 'needs strace'
	[ -z "${KLOG_SANITIZED:-}" ] || skip 'a sanitizer and strace do not go together'
	strace -qqq -o /dev/null true 2>/dev/null ||
		skip 'strace cannot trace here'
	! strace -qqq -o /dev/null -e inject=openat:error=EIO true 2>/dev/null ||
		skip 'strace cannot inject here'
}

is_stopped() {
	[ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = T ]
}

# stop_it PID: on return it is stopped.
stop_it() {
	kill -STOP "$1"
	until_true 20 is_stopped "$1"
}

need_perl() {
	command -v perl >/dev/null || skip "needs perl to hold a lock"
}

# hold BYTE DIRECTORY: an OFD write lock on a byte of its .klog.lock, as a
# stopped writer holds it, in another process, until let_go.
hold() {
	perl -e 'use Fcntl; open(my $f, "+<", $ARGV[0]) or die;
		my $l = pack("s s x4 q q i x4", 1, 0, $ARGV[1], 1, 0);
		fcntl($f, 37, $l) or die "lock: $!"; sleep 100' \
		"$2/.klog.lock" "$1" &
	holder=$!
	until_true 20 locked "$2/.klog.lock"
}

locked() {
	grep -q ":$(stat -c %i "$1") " /proc/locks
}

let_go() {
	kill -9 "$holder"
	wait "$holder" 2>/dev/null || true
}

# ended STATUS PID: waits for it, a minute at most.
ended() {
	local status=0
	until_true 60 is_zombie_or_gone "$2"
	wait "$2" || status=$?
	[ "$status" -eq "$1" ] || fail "it ended with $status, expected $1"
}

is_zombie_or_gone() {
	local state
	state=$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ]
}

# hex DIGITS: the bytes.
hex() {
	local digits=${1//[[:space:]]/}
	# shellcheck disable=SC2059,SC2001	# the escapes are the point
	printf "$(sed 's/../\\x&/g' <<<"$digits")"
}

# Runs as somebody who is not root and owns nothing here.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become another user"
	command -v setpriv >/dev/null || skip "needs setpriv (util-linux)"
	# The way to the test's directory must be open to others.
	local dir=$BATS_TEST_TMPDIR
	while [ "$dir" != / ]; do
		[ -n "$(find "$dir" -maxdepth 0 -perm -o+x)" ] ||
			chmod o+x "$dir"
		dir=$(dirname "$dir")
	done
	as_nobody test -x "$KLOG_BIN" || skip "others cannot reach $KLOG_BIN"
}

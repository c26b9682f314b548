#!/usr/bin/env bats
# Signals at every call, writers that are stopped while they hold a lock, and
# users who share a topic.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load ../helpers
load common

# ---- INT, TERM, HUP at each system call -------------------------------------

# It ends by the signal or with 0, says what is stored, and tears no batch: the
# next writer finds nothing to say.
each_call() {
	held t
	lines 3
	swept 100 -n -d "$1" -i input t -- --batch-size 1
	nearly_full roll
	make-lines v 2 9000 >input
	swept 100 -n -d "$1" -i input roll -- --batch-size 1
	held stream
	lines 12
	swept 80 -n -d "$1" -i input stream -- --batch-size 80
	klog-create -q -p 3 keyed
	lines 12 keyed
	swept 100 -n -d "$1" -i input keyed -- -K =
	torn_copy recovery
	lines 1
	swept 60 -d "$1" -i input recovery
}

@test "signals: TERM at each call of a writer" {
	each_call TERM
}

@test "signals: INT at each call of a writer" {
	each_call INT
}

@test "signals: HUP at each call of a writer" {
	each_call HUP
}

@test "signals: at each call of a reader: whole lines, and its end" {
	local sig n calls status number
	klog-create -q -X segment.bytes=1MiB t
	make-lines v 50 26050 >expected
	klog-produce t <expected
	calls=$(at-call 0 TERM klog-consume t 2>&1 >/dev/null | tail -1)
	[ "$calls" -ge 30 ]
	for sig in TERM INT HUP; do
		number=$(kill -l "$sig")
		for ((n = 1; n <= calls; n++)); do
			status=0
			at-call "$n" "$sig" klog-consume t >have 2>err || status=$?
			[ "$status" -eq 0 ] || [ "$status" -eq $((128 + number)) ] ||
				fail "$sig at $n: $status"
			equal "$(cat err)" ""
			cmp -n "$(stat -c %s have)" have expected
			[ ! -s have ] || equal "$(tail -c 1 have | od -An -tx1)" " 0a"
			[ "$status" -ne 0 ] || cmp have expected
		done
	done
}

# ---- the last words ---------------------------------------------------------

@test "signals: TERM, INT and HUP to app | klog-produce: the last words are stored" {
	local sig app pid
	for sig in TERM INT HUP; do
		klog-create -q "t-$sig"
		mkfifo "pipe-$sig"
		env "--default-signal=$sig" bash -c "trap 'echo last words; exit' $sig; echo first; : >up-$sig
			while :; do sleep 0.05; done" >"pipe-$sig" &
		app=$!
		# Background jobs of a shell ignore INT; this one shall not.
		env --default-signal=INT klog-produce "t-$sig" <"pipe-$sig" 2>err &
		pid=$!
		until_true 20 stored_is "t-$sig" first
		kill "-$sig" "$pid"
		# It reads on, as its input has not ended.
		kill "-$sig" "$app"
		ended $((128 + $(kill -l "$sig"))) "$pid"
		grep -qx "klog-produce: SIG$sig: 2 records stored, 0 not" err || fail "$(cat err)"
		equal "$(klog-consume --synced "t-$sig")" $'first\nlast words'
	done
}

stored_is() {
	[ "$(klog-consume "$1")" = "$2" ]
}

@test "signals: the second ends it at once, and tears nothing" {
	mkfifo input
	held t
	klog-produce t <input 2>err &
	local pid=$!
	exec 5>input
	echo first >&5
	until_true 20 stored_is t $'b 0\nb 1\nfirst'
	printf 'half a line' >&5
	kill -TERM "$pid"
	until_true 20 eval '[ -z "$(sed -n "s/^SigPnd:\t0*//p;s/^ShdPnd:\t0*//p" /proc/'"$pid"'/status)" ]'
	kill -TERM "$pid"
	ended 143 "$pid"
	exec 5>&-
	klog 0 produce t <<<next
	equal "$stderr" ""
	equal "$(klog-consume t)" $'b 0\nb 1\nfirst\nnext'
}

# ---- a lock holder that is stopped ------------------------------------------

stopped() {
	[ "$(awk '{ print $3 }' "/proc/$1/stat")" = T ]
}

# held_up CALL NTH WHEN LOCKS: a writer is stopped at that call of its.  LOCKS
# is "append" when nobody else can append then, "sync" when nobody can sync.
held_up() {
	local topic=t-$1-$2-$3 holder waiter
	held "$topic"
	FAULT_EXEC=exec FAULT_PATH="$KLOG_CLUSTER/$topic/*" faulty "$1" "$2" "$3" produce "$topic" <<<"holder's" &
	holder=$!
	until_true 20 stopped "$holder"
	# A bound on the wait: exit 1, and who it was.
	klog 1 produce --lock-timeout 1500ms "$topic" <<<lost
	[[ ${stderr_lines[0]} == "klog-produce: $topic/0: waiting for process $holder (klog-produce), which holds the lock" ]] ||
		fail "not named: $stderr"
	[[ ${stderr_lines[1]} == *"$topic/0: locked by process $holder (klog-produce) for more than 1500 ms"* ]] ||
		fail "not named: $stderr"
	[[ $stderr == *'--lock-timeout'* ]]
	# Readers do not wait.
	klog 0 consume -n 1 "$topic"
	# Nor does --no-sync for the byte of those who sync.
	if [ "$4" = sync ]; then
		klog 0 produce --no-sync --lock-timeout 10s "$topic" <<<unsynced
		equal "$stderr" ""
	fi
	# Without a bound it waits, says so once, and goes on.
	klog-produce "$topic" <<<waiter 2>waiter.err &
	waiter=$!
	until_true 20 grep -q "waiting for process $holder (klog-produce)" waiter.err
	until_true 20 asleep "$waiter"
	kill -CONT "$holder"
	ended 0 "$holder"
	ended 0 "$waiter"
	equal "$(wc -l <waiter.err)" 1
	klog-consume --synced "$topic" >have
	grep -qx "holder's" have
	equal "$(tail -1 have)" waiter
	sound "$topic"
}

@test "signals: a writer stopped while it writes the log is named, and goes on" {
	held_up pwrite 1 stop append
	held_up pwrite 1 stop-after append
}

@test "signals: a writer stopped while it writes the state is named, and goes on" {
	held_up pwrite 2 stop append
}

@test "signals: a writer stopped in its sync holds up only those who sync" {
	held_up fdatasync 1 stop sync
}

@test "signals: a writer stopped while it rolls is named, and goes on" {
	local holder
	nearly_full t
	make-lines v 1 9000 >input
	FAULT_EXEC=exec FAULT_PATH="$KLOG_CLUSTER/t/*" faulty create 1 stop produce t <input &
	holder=$!
	until_true 20 stopped "$holder"
	klog 1 produce --lock-timeout 1500ms t <<<lost
	[[ $stderr == *"process $holder (klog-produce)"* ]] || fail "$stderr"
	klog 0 consume -n 1 t
	kill -CONT "$holder"
	ended 0 "$holder"
	klog 0 produce t <<<next
	equal "$stderr" ""
	equal "$(klog-consume t | wc -l)" 42
	sound t
}

# suspended CALL NTH: Ctrl-Z comes at that call; it stops where it holds no lock.
suspended() {
	local topic=z-$1-$2 pid
	held "$topic"
	# In a process group of its own: an orphaned one is not stopped by it.
	set -m
	FAULT_EXEC=exec FAULT_PATH="$KLOG_CLUSTER/$topic/*" faulty "$1" "$2" ctrl-z \
		produce "$topic" <<<suspended &
	pid=$!
	set +m
	until_true 20 stopped "$pid"
	klog 0 produce --lock-timeout 5s "$topic" <<<other
	equal "$stderr" ""
	kill -CONT "$pid"
	ended 0 "$pid"
	equal "$(klog-consume --synced "$topic" | sort)" $'b 0\nb 1\nother\nsuspended'
	sound "$topic"
}

@test "signals: Ctrl-Z stops a writer where it holds up nobody (L5)" {
	suspended pwrite 1
	suspended pwrite 2
	suspended pwrite 3
	suspended fdatasync 1
}

# ---- users who share a topic ------------------------------------------------

# As one of two users of a group, or as somebody else; none of them is root.
as_member() {
	local user=$1
	shift
	setpriv --reuid="$user" --regid="$user" --groups=65100 "$@"
}

as_stranger() {
	setpriv --reuid=65103 --regid=65103 --clear-groups "$@"
}

@test "signals: root and a user with umasks 077 and 002 share a topic of a group" {
	need_root
	local mode=$BATS_TEST_TMPDIR/shared n
	install -d -g 65100 -m 2775 "$mode"
	export KLOG_CLUSTER=$mode/cluster
	(umask 002 && klog-create -q --mode 2775 --owner-group 65100 -X segment.bytes=1MiB t)
	# Each of them makes files: the first segment, a roll, a checkpoint.
	for n in 1 2; do
		(umask 077 && make-lines r$n 5 200000 | klog-produce t)
		(umask 002 && make-lines m$n 5 200000 | as_member 65101 klog-produce t)
		(umask 077 && make-lines p$n 5 200000 | as_member 65102 klog-produce t)
	done
	rm "$(partition t)/.klog"
	(umask 077 && as_member 65101 klog-produce -q t <<<'after T4' 2>/dev/null)
	(umask 077 && klog-produce t <<<"root again")
	as_member 65102 klog-produce t <<<"member again"
	equal "$(klog-consume t | wc -l)" 33
	sound t -s 1048576
	[ "$(find "$(partition t)" -name '*.log' | wc -l)" -ge 6 ]
	# All files are the group's and no wider than the directory.
	equal "$(find "$(partition t)" -type f ! -perm 664 -printf '%f %m\n')" ""
	equal "$(find "$(partition t)" ! -group 65100)" ""
	# A third user may read, follow, and not write.
	as_stranger klog-consume t | cmp - <(klog-consume t)
	as_stranger klog-consume -f t >seen &
	local pid=$!
	until_true 20 has_lines seen 33
	as_member 65101 klog-produce t <<<"for the follower"
	until_true 20 has_lines seen 34
	kill "$pid"
	wait "$pid" || true
	run --separate-stderr as_stranger klog-produce t <<<lost
	equal "$status" 1
	one_line_error produce t 'Permission denied'
}

@test "signals: a topic of a group alone, mode 2770: strangers are told no" {
	need_root
	export KLOG_CLUSTER=$BATS_TEST_TMPDIR/shared/cluster
	install -d -m 2777 "$BATS_TEST_TMPDIR/shared"
	(umask 022 && klog-create -q --mode 2770 --owner-group 65100 t)
	(umask 077 && klog-produce t <<<root)
	(umask 077 && as_member 65101 klog-produce t <<<one)
	(umask 002 && as_member 65102 klog-produce t <<<two)
	(umask 077 && klog-produce t <<<root)
	equal "$(as_member 65102 klog-consume t)" $'root\none\ntwo\nroot'
	equal "$(find "$(partition t)" -type f ! -perm 660 -printf '%f %m\n')" ""
	run --separate-stderr as_stranger klog-consume t
	equal "$status" 1
	one_line_error consume t 'Permission denied'
	run --separate-stderr as_stranger klog-produce t <<<lost
	equal "$status" 1
	one_line_error produce t 'Permission denied'
}

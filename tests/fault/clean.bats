#!/usr/bin/env bats
# klog-clean that is killed, or meets a full or failing disk: the log is as
# before or as after, and the next run finishes (C1 to C3).
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load ../helpers
load common

# say TIME KEY VALUE...: a batch, and a segment, of records with that time after
# $since.
say() {
	local ts=$((${since:-0} + $1))
	shift
	while [ $# -gt 0 ]; do
		printf '{"ts":%s,"key":"%s","payload":%s}\n' "$ts" "$1" "$2"
		shift 2
	done | klog-produce -J c
}

# Six segments: keys across them, a tombstone, a batch of which nothing stays.
segments() {
	klog-create -q -X segment.ms=1 -X min.cleanable.dirty.ratio=0 "$@" c
	say 100 a '"1"' b '"1"' c '"1"'
	say 200 a '"2"' b '"2"'
	say 300 c '"3"' d '"3"'
	say 400 b null e '"4"'
	say 500 a '"5"'
	say 600 f '"6"'
}

# What each key has last; a tombstone counts.
last_values() {
	klog-consume -Z -F '%k=%s\n' c | awk -F = '{ last[$1] = $2 }
		END { for (k in last) print k "=" last[k] }' | sort
}

content() {
	klog-consume -Z -F '%o %k=%s\n' c
}

leftovers() {
	find "$(partition c)" -name '*.cleaned' -o -name '*.swap' -o -name '*.new'
	# A plan that names groups is of a run that did not end.
	sed '1,2d;$d' "$(partition c)/.klog.clean" 2>/dev/null || true
}

# killed ARG...: klog-clean ARG c at each of its calls, from the same log each
# time.  Readers see all that counts at once, the next run makes of it what an
# undisturbed one does.
killed() {
	local n=0 status calls want keys
	keys=$(last_values)
	cp -a "$KLOG_CLUSTER/c" before
	klog-clean "$@" c
	want=$(content)
	again
	calls=$(at-call 0 KILL klog-clean "$@" c 2>&1 >/dev/null | tail -n 1)
	[ "$calls" -ge 60 ]
	while [ "$n" -lt "$calls" ]; do
		n=$((n + 1))
		again
		status=0
		at-call "$n" KILL klog-clean "$@" c >said 2>&1 || status=$?
		[ "$status" -eq 137 ] || [ "$status" -eq 0 ] ||
			fail "call $n: status $status: $(cat said)"
		after_kill "call $n" "$@"
	done
}

again() {
	rm -r "$KLOG_CLUSTER/c"
	cp -a before "$KLOG_CLUSTER/c"
}

# The locals of its caller: keys, want.
after_kill() {
	local where=$1
	shift
	content >have 2>err || fail "$where: not read: $(cat err)"
	[ ! -s err ] || fail "$where: a reader says $(cat err)"
	cut -d ' ' -f 1 have | sort -n -c -u || fail "$where: out of order"
	klog-inspect --verify -J c >have 2>&1 || fail "$where: damage: $(cat have)"
	! grep -v '"severity":"leftover"' have || fail "$where: not left over"
	[ -n "${keys_go-}" ] || [ "$(last_values)" = "$keys" ] ||
		fail "$where: a key lost its value"
	klog-clean "$@" c || fail "$where: the next run fails"
	[ "$(content)" = "$want" ] || fail "$where: not as undisturbed: $(content)"
	[ -z "$(leftovers)" ] || fail "$where: left: $(leftovers)"
	klog-inspect --verify -J c >have 2>&1 || fail "$where: damage: $(cat have)"
	[ ! -s have ] || fail "$where: left over: $(cat have)"
	echo x | klog-produce -k x c || fail "$where: not written to"
}

# killed_by_name ARG...: the same, but only before each name that changes.
killed_by_name() {
	local n=0 want keys
	keys=$(last_values)
	cp -a "$KLOG_CLUSTER/c" before
	klog-clean "$@" c
	want=$(content)
	while n=$((n + 1)); do
		again
		rm -f log
		FAULT_LOG=$PWD/log faulty rename,unlink "$n" kill clean "$@" c \
			>said 2>&1 || true
		grep -q '^!' log || break
		after_kill "name $n" "$@"
	done
	[ "$n" -gt 10 ]
}

@test "clean: compaction killed before each name that it changes" {
	segments -X cleanup.policy=compact
	killed_by_name --quiet
}

@test "clean: retention killed before each name that it changes" {
	local keys_go=1
	segments -X retention.ms=1000
	killed_by_name
}

@test "clean: compaction killed at each call" {
	segments -X cleanup.policy=compact
	killed
}

@test "clean: compaction killed at each call of the run after a kill" {
	local n=0 calls keys want at
	segments -X cleanup.policy=compact
	keys=$(last_values)
	cp -a "$KLOG_CLUSTER/c" before
	klog-clean c
	want=$(content)
	again
	calls=$(at-call 0 KILL klog-clean c 2>&1 >/dev/null | tail -n 1)
	# A state in the middle of each step, and every call of what follows.
	for at in $((calls * 5 / 10)) $((calls * 7 / 10)) $((calls * 8 / 10)) \
		$((calls * 9 / 10)); do
		n=0
		while [ "$n" -lt "$calls" ]; do
			n=$((n + 3))
			again
			at-call "$at" KILL klog-clean c >/dev/null 2>&1 || true
			at-call "$n" KILL klog-clean c >/dev/null 2>&1 || true
			after_kill "calls $at and $n"
		done
	done
}

@test "clean: retention killed at each call" {
	local keys_go=1
	segments -X retention.ms=1000
	killed
	equal "$(klog-consume -F '%k' c)" x
}

@test "clean: --before killed at each call" {
	local keys_go=1
	segments -X retention.ms=-1
	killed --before 6
}

@test "clean: compact,delete killed at each call" {
	local keys_go=1
	segments -X cleanup.policy=compact,delete -X retention.ms=-1 \
		-X retention.bytes=200
	killed
}

@test "clean: several groups of large segments, killed at every tenth call" {
	local n=0 calls keys want
	klog-create -q -X cleanup.policy=compact -X segment.bytes=1MiB \
		-X max.message.bytes=200000 -X min.cleanable.dirty.ratio=0 c
	seq 0 69999 | awk '{ print "k" ($1 * 7919) % 30000 ":" $1 "-0123456789012345678901234567890123456789" }' |
		klog-produce -K : c
	keys=$(last_values)
	cp -a "$KLOG_CLUSTER/c" before
	klog-clean c
	want=$(content)
	again
	calls=$(at-call 0 KILL klog-clean c 2>&1 >/dev/null | tail -n 1)
	while [ "$n" -lt "$calls" ]; do
		n=$((n + 10))
		again
		at-call "$n" KILL klog-clean c >/dev/null 2>&1 || true
		after_kill "call $n"
	done
}

@test "clean: ENOSPC and EIO at each change of a file: as before or after" {
	local n what keys want status hit=0
	segments -X cleanup.policy=compact
	keys=$(last_values)
	cp -a "$KLOG_CLUSTER/c" before
	klog-clean c
	want=$(content)
	for what in ENOSPC EIO; do
		n=0
		while n=$((n + 1)); do
			again
			status=0
			rm -f log
			FAULT_LOG=$PWD/log faulty change "$n" "$what" clean c \
				>said 2>&1 || status=$?
			grep -q '^!' log || break
			if [ "$status" -ne 0 ]; then
				hit=$((hit + 1))
				[ "$status" -eq 1 ] || [ "$status" -eq 3 ] ||
					fail "$what $n: status $status: $(cat said)"
				equal "$(grep -c '^klog-clean: ' said)" \
					"$(wc -l <said)"
			fi
			after_kill "$what $n"
		done
		[ "$n" -gt 30 ]
	done
	[ "$hit" -gt 40 ] || fail "only $hit failed"
}

# ---- who writes meanwhile ---------------------------------------------------------

# beside CALLS ARG...: klog-clean ARG c, stopped before each such call; a writer
# comes in between.  Its record is there, whatever has been decided before.
beside() {
	local calls=$1 n=0 stored=0 pid
	shift
	cp -a "$KLOG_CLUSTER/c" before
	while n=$((n + 1)); do
		again
		rm -f log
		FAULT_EXEC=exec FAULT_LOG=$PWD/log faulty "$calls" "$n" stop \
			clean "$@" c >said 2>&1 &
		pid=$!
		until_true 20 stopped_or_gone "$pid"
		grep -q '^!' log || break
		! klog-produce --lock-timeout 50ms -k x c <<<"beside" 2>err ||
			stored=$((stored + 1))
		kill -CONT "$pid"
		wait "$pid" || fail "call $n: $(cat said)"
		grep -q . err || klog-consume c | grep -qx beside ||
			fail "call $n: what was stored is gone"
		klog 0 inspect --verify c
	done
	wait "$pid"
	[ "$stored" -gt 4 ] || fail "only $stored times of $n"
}

@test "clean: who appends while all segments are being removed loses nothing" {
	local since=$((${EPOCHREALTIME%.*} * 1000 - 60000))
	segments -X retention.ms=1000
	# so that the writer's record goes where the last one went
	klog-alter -q -X segment.ms=7d c
	beside change,lock,pread
}

@test "clean: who rolls while segments are being removed loses nothing" {
	segments -X retention.ms=1000
	beside open,lock,pread
}

@test "clean: who appends beside compaction loses nothing" {
	segments -X cleanup.policy=compact
	beside change,lock
}

@test "clean: who appends beside --before loses nothing" {
	segments -X retention.ms=-1
	beside change,lock,pread --before 9
}

# looked_at ARG...: klog-clean ARG, stopped before each file that it opens and
# each piece that it reads; another one removes segments in between.
looked_at() {
	local n=0 pid status
	segments -X retention.ms=1000
	cp -a "$KLOG_CLUSTER/c" before
	while n=$((n + 1)); do
		again
		rm -f log
		FAULT_EXEC=exec FAULT_LOG=$PWD/log faulty open,pread "$n" stop \
			clean "$@" >said 2>&1 &
		pid=$!
		until_true 20 stopped_or_gone "$pid"
		grep -q '^!' log || break
		# it may be stopped while it has the lock
		klog-clean --lock-timeout 50ms c 2>err || true
		kill -CONT "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq 0 ] || fail "look $n: $(cat said)"
	done
	wait "$pid"
	[ "$n" -gt 20 ] || fail "only $n looks"
}

@test "clean: --explain and --dry-run beside a cleaner at work" {
	looked_at --explain
	klog-delete c
	looked_at --dry-run c
}

@test "clean: --min-free beside a cleaner at work" {
	looked_at --min-free 1
}

@test "clean: a log start is never ahead of what is on the disk" {
	klog-create -q c
	klog-produce c <<<a
	seq 5 | klog-produce --no-sync c
	strace -f -y -e trace=pwrite64,fdatasync -o trace \
		klog-clean --before end c
	# the log first, then the state that has the new start
	awk '/fdatasync.*\.log>/ { log_synced = NR }
		/pwrite64.*\.klog>/ { state = NR }
		/fdatasync.*\.klog>/ { state_synced = NR }
		END { exit !(log_synced && log_synced < state &&
			state < state_synced) }' trace
	# as after a power cut that took what was never synced
	cp -r "$KLOG_CLUSTER/c" "$KLOG_CLUSTER/d"
	truncate -s 69 "$(partition d)"/*.log
	klog 3 produce d <<<more
	error_line produce "the file ends at 69, before what was synced"
	klog 0 inspect --repair d
	klog 0 produce d <<<more
	equal "$(klog-consume d)" more
	klog 0 inspect --verify d
}

# ---- what a killed run leaves to the next one ----------------------------------------

@test "clean: a run killed in a compaction, done again with a small buffer" {
	local want
	klog-create -q -X cleanup.policy=compact -X segment.bytes=1MiB \
		-X max.message.bytes=200000 -X min.cleanable.dirty.ratio=0 c
	seq 0 69999 | awk '{ print "k" ($1 * 7919) % 30000 ":" $1 "-0123456789012345678901234567890123456789" }' |
		klog-produce -K : c
	cp -a "$KLOG_CLUSTER/c" before
	klog-clean c
	want=$(klog-consume -F '%o' c)
	again
	# all that it means to do is written down, nothing is done
	FAULT_PATH='*.swap' faulty rename 1 kill clean c >/dev/null 2>&1 || true
	grep -q '^0 ' "$(partition c)/.klog.clean"
	# each run maps what its buffer holds, until all is clean
	for _ in $(seq 100); do
		klog-clean --buffer 64KiB -v c 2>said
		[ -z "$(leftovers)" ]
		grep -q ' 0 partitions compacted' said && break
	done
	grep -q ' 0 partitions compacted' said
	equal "$(klog-consume -F '%o' c)" "$want"
}

@test "clean: what tidying drops is dropped in an order that a power cut keeps (C3)" {
	segments -X cleanup.policy=compact
	# killed between the renames to .swap: two are, the .log is not
	faulty rename 4 kill clean c >/dev/null 2>&1 || true
	ls "$(partition c)" >names
	grep -q '\.swap$' names
	grep -q '\.cleaned$' names
	strace -f -e trace=unlinkat,fsync -o trace klog-clean c
	# every .swap first, and durably
	awk '/unlinkat.*\.swap"/ { if (synced) exit 1; swap = NR }
		/fsync/ && swap { synced = NR }
		/unlinkat.*\.cleaned"/ && !done { if (!synced) exit 1; done = 1 }
		/unlinkat.*\.cleaned"/ { cleaned = NR }
		done && /renameat/ { exit }
		END { exit !(swap && synced && cleaned) }' trace
}

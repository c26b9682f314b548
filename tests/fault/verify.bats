#!/usr/bin/env bats
# klog-inspect --verify, while others are at work between any two of its looks
# at the disk: what they do is no damage.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load ../helpers
load common

# meanwhile LEAST WORK...: klog-inspect --verify of the cluster, stopped before
# each file that it opens and each piece that it reads; WORK is done in between.
# Nothing is found.
meanwhile() {
	local least=$1 n=0 pid status
	shift
	cp -a "$KLOG_CLUSTER" before
	while n=$((n + 1)); do
		rm -rf "$KLOG_CLUSTER" log
		cp -a before "$KLOG_CLUSTER"
		# what was copied is looked at as if it was written here
		adopt
		FAULT_EXEC=exec FAULT_LOG=$PWD/log faulty open,pread "$n" stop \
			inspect --verify >said 2>&1 &
		pid=$!
		until_true 20 stopped_or_gone "$pid"
		grep -q '^!' log || break
		"$@" || fail "look $n: $*"
		kill -CONT "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status$(cat said)" = 0 ] ||
			fail "look $n, at$(grep '^!' log | cut -d ' ' -f 2-): status $status: $(cat said)"
	done
	wait "$pid"
	[ "$n" -gt "$least" ] || fail "only $n looks"
}

adopt() {
	echo x | klog-produce t
}

# Segments with many keys; each key has several values.
segments() {
	local i
	klog-create -q -X segment.ms=1 -X min.cleanable.dirty.ratio=0 "$@" t
	for i in 1 2 3 4; do
		printf '{"ts":%s,"key":"k%s","payload":"v"}\n' $((i * 100)) 1 \
			$((i * 100)) $((i / 3)) | klog-produce -J t
	done
}

@test "verify: while settings are changed" {
	segments
	meanwhile 30 klog-alter -q -X flush.ms=5 t
}

@test "verify: while lines are appended, and a segment begins" {
	segments -X retention.ms=-1
	meanwhile 30 eval 'seq 3 | klog-produce t; seq 3 | klog-produce t'
}

# The end is torn, and cut by who comes next; that is a leader epoch each.
two_epochs() {
	local i last
	for i in 1 2; do
		last=$(find "$(partition t)" -name '*.log' | sort | tail -n 1)
		head -c 50 /dev/zero >>"$last"
		echo x | klog-produce t 2>/dev/null
	done
}

@test "verify: while an end is cut, and leader epochs begin" {
	segments
	meanwhile 30 two_epochs
}

@test "verify: while a compaction takes place" {
	segments -X cleanup.policy=compact
	meanwhile 30 klog-clean t
}

@test "verify: while what was compacted is compacted again" {
	segments -X cleanup.policy=compact
	klog-clean t
	printf '{"ts":900,"key":"k%s","payload":"w"}\n' 0 1 2 | klog-produce -J t
	meanwhile 30 klog-clean t
}

@test "verify: while retention removes segments" {
	segments -X retention.ms=1000
	meanwhile 30 klog-clean t
}

@test "verify: while delete-records removes some" {
	segments -X retention.ms=-1
	meanwhile 30 klog-clean --before 5 t
}

@test "verify: while a topic is deleted, and while it is made again" {
	segments
	klog-create -q u
	echo x | klog-produce u
	meanwhile 30 klog-delete -q t
	rm -r "$KLOG_CLUSTER" before
	mkdir "$KLOG_CLUSTER"
	segments
	meanwhile 30 eval 'klog-delete -q t; klog-create -q t; echo y | klog-produce t'
}

@test "verify: while a group commits" {
	segments
	klog-consume -g g t >/dev/null
	meanwhile 20 klog-offsets -q --reset earliest -g g t
}

@test "verify: while it is repaired" {
	segments
	rm "$(partition t)/00000000000000000000.index"
	local status=0
	klog-inspect --verify t >/dev/null || status=$?
	[ "$status" -eq 3 ]
	klog-inspect --repair t >/dev/null
	meanwhile 30 klog-inspect --repair t
}

@test "repair: a topic that is deleted meanwhile is no damage" {
	local n=0 pid status deleted=0
	segments -X retention.ms=-1
	cp -a "$KLOG_CLUSTER" before
	while n=$((n + 1)); do
		rm -rf "$KLOG_CLUSTER" log
		cp -a before "$KLOG_CLUSTER"
		adopt
		FAULT_EXEC=exec FAULT_LOG=$PWD/log faulty open "$n" stop \
			inspect --repair t >said 2>&1 &
		pid=$!
		until_true 20 stopped_or_gone "$pid"
		grep -q '^!' log || break
		# it waits for who has the lock
		klog-delete -q --lock-timeout 50ms t 2>err || true
		kill -CONT "$pid"
		status=0
		wait "$pid" || status=$?
		# or it was done with it
		[ "$status$(cat said)" != 0 ] || continue
		[ ! -d "$KLOG_CLUSTER/t" ] || fail "look $n: $(cat said)"
		deleted=$((deleted + 1))
		equal "$status$(wc -l <said)" 11
		grep -q 'deleted\|no topic t' said || fail "look $n: $(cat said)"
	done
	wait "$pid"
	[ "$deleted" -gt 3 ] || fail "deleted only $deleted times of $n"
}

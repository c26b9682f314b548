#!/usr/bin/env bats
# klog-delete: a topic goes, and takes its writers and followers along.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

fixture() {
	klog-create -q -p 2 t
	put t one two
}

left() {
	find "$KLOG_CLUSTER" -mindepth 1 ! -name .klog.lock -printf '%P\n'
}

@test "delete: nothing is left, and the name is free" {
	klog 0 delete t
	equal "$output$stderr" ""
	equal "$(left)" ""
	klog 1 consume t
	klog-create -q t
	equal "$(klog-consume t)" ""
}

@test "delete: several topics, by name and by path" {
	klog-create -q u
	klog-create -q v
	klog 0 delete u "$KLOG_CLUSTER/v"
	equal "$(ls "$KLOG_CLUSTER")" t
}

@test "delete: the longest name" {
	local long
	long=$(printf 'n%.0s' $(seq 249))
	klog-create -q "$long"
	klog 0 delete "$long"
	[ ! -e "$KLOG_CLUSTER/$long" ]
	klog 0 delete t
	equal "$(left)" ""
}

@test "delete: a topic that is missing is an error, or not with --if-exists" {
	klog 1 delete nowhere
	one_line_error delete nowhere "$KLOG_CLUSTER"
	klog 0 delete --if-exists nowhere t
	equal "$output$stderr" ""
	equal "$(left)" ""
}

@test "delete: misuse deletes nothing" {
	klog 2 delete
	usage_error delete
	klog 2 delete t t
	usage_error delete
	klog 2 delete t:0
	usage_error delete
	klog 2 delete t 'no topic'
	usage_error delete
	equal "$(klog-consume t | sort)" $'one\ntwo'
}

@test "delete: a partition's directory is no topic" {
	klog 2 delete "$KLOG_CLUSTER/t/0"
	equal "$(klog-consume t | sort)" $'one\ntwo'
}

@test "delete: a running writer ends with 1 and a line, also when the topic is made anew" {
	local again
	for again in '' yes; do
		klog-delete --if-exists t
		klog-create -q t
		opened one t
		klog-delete t
		[ -z "$again" ] || klog-create -q t
		echo two >&5
		exec 5>&-
		ended 1 "$writer"
		cat err
		equal "$(wc -l <err)" 1
		grep -q '^klog-produce: .*t.*deleted' err
		[ -n "$again" ] || equal "$(left)" ""
		[ -z "$again" ] || equal "$(klog-consume t)" ""
	done
}

@test "delete: a follower ends with 1 and a line, also when the topic is made anew" {
	local again
	for again in '' yes; do
		klog-delete --if-exists t
		klog-create -q t
		put t one
		rm -f seen
		klog-consume -f t >seen 2>err &
		local pid=$!
		until_true 20 has_lines seen 1
		klog-delete t
		[ -z "$again" ] || { klog-create -q t && put t two; }
		ended 1 "$pid"
		cat err
		equal "$(cat seen)" one
		equal "$(wc -l <err)" 1
		grep -q '^klog-consume: .*t.*deleted' err
	done
}

@test "delete: no batch follows the mark, whoever writes" {
	klog-create -q -X segment.bytes=1MiB busy
	local i pids=()
	for i in 0 1 2 3; do
		make-lines "$i" 1000000 100 | klog-produce --batch-size 4KiB busy 2>>err &
		pids+=($!)
	done
	until_true 20 stored_lines busy 1000
	klog-delete busy
	for i in "${pids[@]}"; do
		ended 1 "$i"
	done
	cat err
	equal "$(wc -l <err)" 4
	[ ! -e "$KLOG_CLUSTER/busy" ]
	klog-delete t
	equal "$(left)" ""
}

# killed N: klog-delete is killed as it enters its N-th call that changes the
# disk; false when it has fewer.
killed() {
	strace -qqq -o /dev/null \
		-e "inject=pwrite64,fdatasync,renameat2,fsync,unlinkat:signal=KILL:when=$1" \
		klog-delete t && return 1
	[ $? -eq 137 ]
}

@test "delete: killed at each of its calls, the next delete finishes" {
	need_strace
	local n
	for n in $(seq 100); do
		killed "$n" || break
		# What is there is the topic, or nothing at all by that name.
		klog-delete -q --if-exists t
		klog-create -q other
		klog-delete other
		equal "$(left)" ""
		fixture
	done
	[ "$n" -gt 10 ]
}

@test "delete: killed after the marks, the next writer finishes" {
	need_strace
	# the two partitions' marks, a sync after each slot; then the rename
	strace -qqq -o /dev/null \
		-e inject=renameat2:signal=KILL:when=1 klog-delete t || [ $? -eq 137 ]
	[ -d "$KLOG_CLUSTER/t" ]
	klog 1 consume t
	error_line consume t deleted
	klog 1 produce t <<<three
	error_line produce t deleted
	[ ! -e "$KLOG_CLUSTER/t" ]
	equal "$(left)" ""
}

@test "delete: killed after the marks, a create of that name finishes" {
	need_strace
	strace -qqq -o /dev/null \
		-e inject=renameat2:signal=KILL:when=1 klog-delete t || [ $? -eq 137 ]
	klog 0 create t
	equal "$(klog-consume t)" ""
	put t three
	equal "$(klog-consume t)" three
}

@test "delete: what others put into the cluster stays" {
	mkdir "$KLOG_CLUSTER/.deleted-mine" "$KLOG_CLUSTER/.deleted-by-me-or-so"
	klog-delete t
	[ -d "$KLOG_CLUSTER/.deleted-mine" ]
	[ -d "$KLOG_CLUSTER/.deleted-by-me-or-so" ]
}

@test "delete: a topic without .klog, or without a partition" {
	rm "$(partition t)/.klog"
	rm -r "$(partition t 1)"
	klog 0 delete t
	equal "$(left)" ""
}

@test "delete: a topic.yaml that cannot be read is damage, and nothing is deleted" {
	echo nonsense >"$KLOG_CLUSTER/t/topic.yaml"
	klog 3 delete t
	one_line_error delete t/topic.yaml
	[ -d "$KLOG_CLUSTER/t/0" ]
}

@test "delete: who may not write cannot" {
	need_root
	run --separate-stderr as_nobody klog-delete t
	explain klog-delete
	[ "$status" -eq 1 ]
	one_line_error delete
	equal "$(klog-consume t | sort)" $'one\ntwo'
}

#!/usr/bin/env bats
# klog-inspect --repair killed at each of its system calls: what was before the
# damage stays, what is cut is kept, and the next repair finishes (F4).
# shellcheck disable=SC2154

load ../helpers
load common

first=00000000000000000000

# damaged: a topic whose last three of six batches are lost.
damaged() {
	local i
	klog-create -q -X index.interval.bytes=0 t
	for i in 1 2 3 4 5 6; do
		echo "v $i" | klog-produce -q t
	done
	dir=$(partition t)
	cp "$dir/$first.log" whole
	printf X | dd of="$dir/$first.log" bs=1 seek=$((3 * 71 + 65)) \
		conv=notrunc status=none
	cp "$dir/$first.log" damaged
	: >"$dir/$first.index"
	echo junk >"$dir/leader-epoch-checkpoint"
	cp -r "$KLOG_CLUSTER" before
}

@test "repair: killed at each call, and done again" {
	local calls n
	damaged
	klog-inspect --batches -J t >batches || true
	equal "$(jq -s '.[3].position' batches)" 213
	run --separate-stderr at-call 0 KILL klog-inspect --repair t
	calls=${stderr_lines[-1]}
	[ "$calls" -gt 60 ]
	for ((n = 1; n <= calls; n++)); do
		# the same inodes: a copy would be recovered first
		for file in "$dir"/* "$dir"/.klog; do
			[ ! -f "$file" ] || cat "before/t/0/${file##*/}" >"$file"
		done
		rm -rf "$dir/.klog.removed" "$dir"/.leader-epoch*
		at-call "$n" KILL klog-inspect --repair t >out 2>&1 || true
		# what was good is good
		klog-consume t >seen 2>/dev/null || true
		equal "$(head -n 3 seen)" $'v 1\nv 2\nv 3'
		klog-inspect --repair t >out 2>&1 || fail "$n: $(cat out)"
		klog-inspect --verify t >out 2>&1 || fail "$n: $(cat out)"
		equal "$(cat out)" ''
		equal "$(klog-consume t)" $'v 1\nv 2\nv 3'
		tail -c +214 damaged >removed
		for file in "$dir/.klog.removed"/*; do
			! cmp -s removed "$file" || break
		done
		cmp removed "$file"
	done
	echo next | klog-produce t
	equal "$(klog-consume t | tail -n 1)" next
}

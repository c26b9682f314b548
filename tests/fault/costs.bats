#!/usr/bin/env bats
# Appending a record, and reading at an offset or a time, costs the same in
# 10 GB as in 10 MB.  System calls are counted; what a listing of the directory
# takes is left out.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers

# Three topics for all tests: `small` has 10 MB; `big` 10 GB in 10 segments and
# an active one; `many` 10 GB in 10,000.  Records are zeros, and those are
# holes, so the disk has little of it.
fixture() {
	export PATH=$KLOG_FAULT:$PATH
	KLOG_CLUSTER=$BATS_FILE_TMPDIR/cluster
	[ ! -e "$BATS_FILE_TMPDIR/done" ] || return 0
	[ "$(df --output=avail -k "$BATS_FILE_TMPDIR" | tail -1)" -gt 3000000 ] ||
		skip "needs 3 GB of disk"
	[ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -gt 3000000 ] ||
		skip "needs 3 GB of memory"
	rm -rf "$KLOG_CLUSTER"
	klog-create -q small big
	klog-create -q -X segment.bytes=1MiB many
	zeros 10 | klog-produce small
	zeros 2 | klog-produce many
	grow 10000 "$(partition many)"
	zeros 1070 | klog-produce big
	# an active segment of a GiB, for as long as it is one
	warm calls klog-produce big
	cp calls "$BATS_FILE_TMPDIR/calls-full"
	zeros 10 | klog-produce big
	grow 10 "$(partition big)"
	: >"$BATS_FILE_TMPDIR/done"
}

teardown_file() {
	rm -rf "$BATS_FILE_TMPDIR/cluster"
}

zeros() {
	perl -e 'for (1 .. $ARGV[0]) { print "\0" x 1000000, "\n" }' "$1"
}

# calls COMMAND...: its system calls in the file `trace`, $calls how many
# beyond those of a listing, $listings.
calls() {
	strace -f -o trace "$@" >out
	calls=$(grep -vc getdents64 trace)
	listings=$(grep -c 'openat([0-9]*, "\.", .*O_DIRECTORY' trace) || true
	echo "$calls calls, $listings listings: $*"
	echo "$calls" >calls
}

# The second time: the first one may be the first since a roll.
warm() {
	"$@" <<<first >/dev/null
	"$@" <<<second
}

# within WHAT CALLS SMALL
within() {
	[ $(($2 * 5)) -le $(($3 * 6)) ] ||
		fail "$1: $2 system calls, and $3 in a small topic"
}

@test "costs: large topics are as klog would have written them" {
	equal "$(klog-consume -o 5000 -c 2 -F '%o %S\n' many)" \
		$'5000 1000000\n5001 1000000'
	equal "$(klog-consume -o 5000 -c 2 -F '%o %S\n' big)" \
		$'5000 1000000\n5001 1000000'
	[ "$(find "$(partition many)" -name '*.log' | wc -l)" -eq 10001 ]
	[ "$(find "$(partition big)" -name '*.log' | wc -l)" -eq 11 ]
	local topic
	for topic in big many; do
		[ "$(du -b "$(partition "$topic")" | cut -f1)" -gt 10000000000 ]
		klog-produce "$topic" <<<last
		equal "$(klog-consume -o -1 "$topic")" last
	done
}

@test "costs: appending one record" {
	local small
	warm calls klog-produce small
	small=$calls
	[ "$listings" -eq 0 ]
	warm calls klog-produce big
	within "10 GB" "$calls" "$small"
	[ "$listings" -eq 0 ]
	warm calls klog-produce many
	within "10,000 segments" "$calls" "$small"
	[ "$listings" -eq 0 ]
	within "an active segment of 1 GiB" "$(cat "$BATS_FILE_TMPDIR/calls-full")" \
		"$small"
}

@test "costs: appending one record that is not synced" {
	local small
	warm calls klog-produce --no-sync small
	small=$calls
	warm calls klog-produce --no-sync big
	within "10 GB" "$calls" "$small"
	warm calls klog-produce --no-sync many
	within "10,000 segments" "$calls" "$small"
}

# at TOPIC: offsets at its beginning, in the middle, and near its end.
at() {
	local end
	end=$(klog-consume -o -1 -F %o "$1")
	echo 3 $((end / 2)) $((end / 3)) $((end - 1))
}

@test "costs: reading at an offset, beyond one listing" {
	local small=0 topic offset
	for topic in small big many; do
		for offset in $(at "$topic") -2; do
			calls klog-consume -o "$offset" -c 1 "$topic"
			[ "$listings" -le 1 ] || fail "$listings listings"
			if [ "$topic" != small ]; then
				within "offset $offset" "$calls" "$small"
			elif [ "$calls" -gt "$small" ]; then
				small=$calls
			fi
		done
	done
}

@test "costs: reading the last records, and following from the end" {
	local small topic
	for topic in small big many; do
		calls klog-consume -n 3 "$topic"
		[ "$topic" != small ] || small=$calls
		within "-n 3" "$calls" "$small"
	done
	for topic in small big many; do
		calls klog-consume -f -o end --idle-timeout 1ms "$topic"
		[ "$topic" != small ] || small=$calls
		within "-f -o end" "$calls" "$small"
	done
}

# A time is searched for by halves: a few calls for each, and one time index.
@test "costs: reading at a time opens few of the time indexes" {
	local topic offset time small=0 opened most
	for topic in small big many; do
		case $topic in
		small) most=2 ;;
		big) most=6 ;;
		many) most=16 ;;
		esac
		for offset in $(at "$topic"); do
			time=$(klog-consume -o "$offset" -c 1 -F %T "$topic")
			calls klog-consume --since "${time}ms" -c 1 -F %T "$topic"
			equal "$(cat out)" "$time"
			opened=$(grep -c 'openat.*\.timeindex' trace)
			[ "$opened" -le "$most" ] ||
				fail "$opened time indexes of $topic"
			[ "$topic" != small ] || [ "$calls" -lt "$small" ] ||
				small=$calls
			within "time of $offset" "$calls" \
				"$((small + opened * 16))"
			[ "$listings" -le 3 ] || fail "$listings listings"
		done
	done
}

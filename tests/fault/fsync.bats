#!/usr/bin/env bats
# A sync that fails: told by who made it, found out by the next, and never
# made good by asking again (S2, S4, F).
#
# A device that does not have what the cache shows is made by overwriting the
# block of a file in the image below the file system.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load ../helpers
load common

log=00000000000000000000.log

# on_disk KIND MIB [OPTION...]: a file system of that kind, with the cluster.
on_disk() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a loop device"
	command -v filefrag >/dev/null || skip "needs filefrag (e2fsprogs)"
	command -v "mkfs.$1" >/dev/null || skip "needs mkfs.$1"
	mkdir small
	truncate -s "${2}M" image
	"mkfs.$1" "${@:3}" -q image >/dev/null || fail "mkfs.$1"
	mount -o loop image small 2>/dev/null || skip "cannot mount a loop device"
	export KLOG_CLUSTER=$BATS_TEST_TMPDIR/small/c
}

# lost FILE POSITION: the device has another byte there than the cache, as
# after a write-back that failed and that nobody was told of.  Not in the last
# page of the file: with the next record that page is written whole.
lost() {
	local file=$1 position=$2 block at
	sync -f small
	block=$(filefrag -b4096 -v "$file" | awk -v b=$((position / 4096)) '
		$1 ~ /^[0-9]+:$/ {
			gsub(/[.:]+/, " ")
			if (b >= $2 && b <= $3)
				print $4 + b - $2
		}')
	[ -n "$block" ] || fail "no block of $file: $(filefrag -b4096 -v "$file")"
	at=$((block * 4096 + position % 4096))
	# It is the right place: the bytes are the file's.
	cmp <(dd if=image bs=1 skip="$at" count=9 status=none) \
		<(dd if="$file" bs=1 skip="$position" count=9 status=none)
	printf '\xff\xff' | dd of=image bs=1 seek="$at" conv=notrunc status=none
	# And the cache still has them.
	if dd if="$file" bs=1 skip="$position" count=2 status=none | cmp -s - <(printf '\xff\xff'); then
		fail "the cache has the device's bytes"
	fi
}

# One klog-produce whose fdatasync of the log fails: once, or always.
unsynced_once() {
	FAULT_PATH="*/$log" faulty fdatasync 1 EIO produce "$@"
}

unsynced() {
	FAULT_STICKY=1 FAULT_PATH="*/$log" faulty fdatasync 1 EIO produce "$@"
}

# next_one TOPIC LINE: the next writer, which looks at the device before it appends;
# what it says goes to `next`.
next_one() {
	echo "$2" | klog-produce "$1" 2>>next || fail "$(cat next)"
}

@test "fsync: it fails once: exit 1, what is not durable is named; the next finds all there" {
	held t
	run --separate-stderr unsynced_once t <<<"not durable"
	equal "$status" 1
	one_line_error produce t 'not durable from offset 2 on' 'Input/output error' '0 records stored, 1 appended'
	# A reader that wants only what is durable does not see it.
	klog 0 consume --synced t
	equal "$output" $'b 0\nb 1'
	rm -f calls
	FAULT_LOG=calls faulty dread 0 none produce t <<<next
	# It was the device that was asked.
	grep -q "dread .*/$log" calls
	klog 0 consume --synced -F '%e %s\n' t
	equal "$output" $'0 b 0\n0 b 1\n0 not durable\n0 next'
	sound t
}

@test "fsync: asked again, the kernel says yes: what is reported was looked at on the device" {
	local stored
	held t
	seq 5 >input
	rm -f calls
	FAULT_LOG=$PWD/calls FAULT_PATH="*/$log" run --separate-stderr \
		faulty fdatasync,dread 1 EIO produce --batch-size 1 \
		-X flush.messages=1 t <input
	equal "$status" 1
	one_line_error produce 'not durable from offset 2 on'
	[[ $stderr =~ \ ([0-9]+)\ records\ stored ]]
	stored=${BASH_REMATCH[1]}
	equal "$(klog-consume --synced t | wc -l)" $((2 + stored))
	[ "$stored" -eq 0 ] || grep -q dread calls
}

@test "fsync: it fails at each sync of a run: what was reported is what was durable" {
	local n calls stored
	seq 6 >input
	klog-create -q t0
	FAULT_LOG=calls FAULT_PATH="*/$log" faulty fdatasync 0 none produce \
		--batch-size 1 -X flush.messages=1 t0 <input
	calls=$(wc -l <calls)
	[ "$calls" -ge 5 ]
	for ((n = 1; n <= calls; n++)); do
		klog-create -q "t$n"
		run --separate-stderr env FAULT_STICKY=1 LD_PRELOAD="$KLOG_FAULT/libfault.so" \
			FAULT_CALLS=fdatasync FAULT_NTH="$n" FAULT_DO=EIO FAULT_PATH="*/$log" \
			klog-produce --batch-size 1 -X flush.messages=1 "t$n" <input
		equal "$status" 1
		[[ $stderr =~ not\ durable\ from\ offset\ ([0-9]+)\ on.*\ ([0-9]+)\ records\ stored ]]
		stored=$(klog-consume --synced "t$n" | wc -l)
		equal "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}" "$stored $stored"
		equal "$stored" $((n - 1))
		next_one "t$n" next
		sound "t$n"
	done
}

@test "fsync: it fails in a roll: no next segment, and the next writer rolls" {
	nearly_full t
	make-lines v 1 9000 >input
	run --separate-stderr unsynced t <input
	equal "$status" 1
	one_line_error produce 'Input/output error' '0 records stored, 1 not'
	equal "$(find "$(partition t)" -name '*.log' | wc -l)" 1
	klog 0 produce t <input
	equal "$(find "$(partition t)" -name '*.log' | wc -l)" 2
	equal "$(klog-consume --synced t | wc -l)" 41
	sound t
}

# lost_once KIND MIB [OPTION...]: records of a failed sync are not on the device.
lost_once() {
	local at follower synced
	on_disk "$@"
	klog-create -q t
	put t 'a 0' 'a 1'
	klog-consume -f --synced t >synced 2>synced.err &
	synced=$!
	klog-consume -f -F '%o %e %s\n' t >seen 2>seen.err &
	follower=$!
	until_true 20 has_lines synced 2
	put t 'a 2'
	at=$(stat -c %s "$(partition t)/$log")
	# Two batches; the first of them is not on the device.
	make-lines lost 2 9000 >input
	run --separate-stderr unsynced t --batch-size 1 <input
	equal "$status" 1
	one_line_error produce 'not durable from offset 3 on'
	until_true 20 has_lines seen 5
	lost "$(partition t)/$log" $((at + 5000))
	# Who comes next sees it in the device.
	next_one t 'b 0'
	grep -q 'a sync had failed: cut [0-9]* bytes after offset 2 ' next || fail "$(cat next)"
	grep -q 'leader epoch 1$' next
	put t 'b 1'
	klog-consume -F '%o %e %s\n' t | cmp - <(printf '%s\n' \
		'0 0 a 0' '1 0 a 1' '2 0 a 2' '3 1 b 0' '4 1 b 1')
	# No reader with --synced ever saw what was cut.
	until_true 20 has_lines synced 5
	cmp synced <(printf '%s\n' 'a 0' 'a 1' 'a 2' 'b 0' 'b 1')
	equal "$(cat synced.err)" ""
	# The other one was told where its records are no more (D3).
	until_true 20 grep -q '4 1 b 1' seen
	kill "$follower" "$synced"
	wait "$follower" "$synced" || true
	equal "$(sort seen | uniq -d)" ""
	awk '$2 == 1 || $1 < 3' seen | cmp - <(klog-consume -F '%o %e %s\n' t)
	[ -s seen.err ]
	[ "$(wc -l <seen.err)" -le 2 ] || fail "$(cat seen.err)"
	sound t
	# And it is on the device now.
	umount small
	mount -o loop image small
	klog-consume t | cmp - synced
	sound t
	umount small
}

@test "fsync: the device does not have it, ext4: cut, a new epoch, and on" {
	lost_once ext4 32 -b 4096
}

@test "fsync: the device does not have it, XFS: cut, a new epoch, and on" {
	lost_once xfs 320
}

@test "fsync: nobody was told, all have gone: the next to open looks at the device (S2)" {
	local at
	on_disk ext4 32 -b 4096
	klog-create -q t
	put t 'a 0'
	at=$(stat -c %s "$(partition t)/$log")
	make-lines lost 1 9000 | klog-produce --no-sync t
	lost "$(partition t)/$log" $((at + 5000))
	next_one t 'b 0'
	equal "$(klog-consume -F '%o %e %s\n' t)" $'0 0 a 0\n1 1 b 0'
	umount small
	mount -o loop image small
	equal "$(klog-consume -F '%o %e %s\n' t)" $'0 0 a 0\n1 1 b 0'
	umount small
}

@test "fsync: a writer whose records another one's check cut exits 1, never 0 (S1)" {
	local at more pid
	on_disk ext4 32 -b 4096
	for more in no yes; do
		rm -rf "$KLOG_CLUSTER"
		klog-create -q t
		put t 'a 0'
		at=$(stat -c %s "$(partition t)/$log")
		mkfifo input
		klog-produce -X flush.ms=1h t <input 2>err &
		pid=$!
		exec 5>input
		make-lines mine 1 9000 >&5
		until_true 20 has_stored t 2
		run --separate-stderr unsynced t <<<'theirs'
		equal "$status" 1
		lost "$(partition t)/$log" $((at + 5000))
		next_one t 'b 0'
		grep -q 'a sync had failed: cut' next
		[ "$more" = no ] || echo more >&5
		exec 5>&-
		ended 1 "$pid"
		equal "$(wc -l <err)" 1
		grep -q 'from offset 1 on was cut; send it again; 0 records stored' err
		equal "$(klog-consume t | tail -1)" 'b 0'
		! klog-consume t | grep -e theirs -e mine
		sound t
		rm input next
	done
	umount small
}

has_stored() {
	[ "$(klog-consume "$1" | wc -l)" -ge "$2" ]
}

@test "fsync: killed while the device is found to lie, at each call, twice (F3)" {
	local at
	klog-create -q t
	put t 'b 0' 'b 1'
	printf 'b 2\nb 3\n' | klog-produce --no-sync t
	at=$(stat -c %s "$(partition t)/$log")
	printf 'b 4\nb 5\n' | klog-produce --no-sync t
	lines 1
	# One byte of the last batch reads otherwise past the cache.
	export LD_PRELOAD=$KLOG_FAULT/libfault.so FAULT_CALLS=dread FAULT_NTH=1 \
		FAULT_STICKY=1 FAULT_DO=garble:$((at + 30))
	swept 1000 -2 -l -d kill -i input t
}

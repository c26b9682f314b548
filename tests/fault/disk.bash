# A file system on a loop device, from which the power can be taken.  Its load
# comes after that of helpers: it ends what they end, and unmounts.
# shellcheck shell=bash disable=SC2034,SC2154

# on_disk: the cluster of this test is on the file system that `disk` makes.
on_disk() {
	export PATH=$KLOG_FAULT:$PATH
	disk=$BATS_TEST_TMPDIR/disk
	KLOG_CLUSTER=$disk/cluster
}

teardown() {
	local pid
	for pid in $(jobs -p) $(cat pids 2>/dev/null); do
		kill -9 "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	[ -n "${disk:-}" ] || return 0
	if mountpoint -q "$disk"; then
		umount -l "$disk"
	fi
	rm -f "$disk.img"
}

# disk ext4|xfs [OPTIONS]: an empty one, mounted; its loop device goes with
# the mount.
disk() {
	local type=$1
	mount_options=loop${2:+,$2}
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	command -v "mkfs.$type" >/dev/null || skip "needs mkfs.$type"
	rm -f "$disk.img"
	truncate -s 512M "$disk.img"
	mkfs."$type" -q "$disk.img" || fail "mkfs.$type"
	mkdir -p "$disk"
	mount -o "$mount_options" "$disk.img" "$disk" 2>mount.err ||
		skip "no $type on a loop device: $(cat mount.err)"
}

remount() {
	umount "$disk"
	mount -o "$mount_options" "$disk.img" "$disk"
}

# power_cut [FILE...]: the sizes of the files just before it, in `sizes`.
power_cut() {
	power-cut "$disk" "$@" >sizes
	after_cut
}

# Everybody who was at work is gone.
after_cut() {
	local pid
	for pid in $(jobs -p) $(cat pids 2>/dev/null); do
		kill -9 "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	: >pids
	remount
}

# cut_at CALL COMMAND...: the power goes before that call of the command, of
# those that change or sync something; $cut is empty when it made fewer.  Its
# exit status is no acknowledgement: a sync of what is shut down may return 0
# (XFS, a directory), and a process would not live to see it.
cut_at() {
	local call=$1 result=0
	shift
	cut=yes
	LD_PRELOAD=$KLOG_FAULT/libpower.so KLOG_POWER_CUT="$call $disk" \
		"$@" >out 2>err || result=$?
	[ "$result" -le 1 ] || fail "call $call: status $result: $(cat err)"
	if touch "$disk/probe" 2>/dev/null; then
		[ "$result" -eq 0 ] || fail "call $call: $(cat err)"
		cut=
		return
	fi
	after_cut
}

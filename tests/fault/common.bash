# What the fault tests share.
# shellcheck shell=bash disable=SC2154	# bats sets output, stderr and status

export PATH=$KLOG_FAULT:$PATH

# held TOPIC [OPTION...]: a topic with two lines that were acknowledged.
held() {
	local topic=$1
	shift
	klog-create -q "$@" "$topic"
	printf 'b 0\nb 1\n' | klog-produce "$topic"
}

# lines COUNT [keyed]: as many lines for fault-sweep, in `input`.
lines() {
	if [ -n "${2:-}" ]; then
		seq 0 $(($1 - 1)) | sed 's/.*/&=v &/' >input
	else
		seq -f 'v %.0f' 0 $(($1 - 1)) >input
	fi
}

# nearly_full TOPIC: a segment with room for less than a batch.
nearly_full() {
	klog-create -q -X segment.bytes=1MiB "$1"
	make-lines b 40 26050 | klog-produce "$1"
}

# torn_copy TOPIC: as after a power cut: another inode, half a batch, a sync that did not end.
torn_copy() {
	local i
	held whole
	for i in 2 4; do
		printf 'b %d\nb %d\n' $i $((i + 1)) | klog-produce --no-sync whole
	done
	cp -r "$KLOG_CLUSTER/whole" "$KLOG_CLUSTER/$1"
	rm -r "$KLOG_CLUSTER/whole"
	truncate -s -5 "$(partition "$1")/00000000000000000000.log"
}

stopped_or_gone() {
	local state
	state=$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null) || return 0
	[ "$state" = T ] || [ "$state" = Z ]
}

# swept LEAST ARG...: fault-sweep finds nothing wrong at LEAST points or more;
# one that hits nothing finds nothing.
swept() {
	local least=$1
	shift
	run --separate-stderr fault-sweep "$@"
	explain fault-sweep "$@"
	[ "$status" -eq 0 ]
	[ "${output%% *}" -ge "$least" ] || fail "expected $least points or more"
}

# faulty CALLS NTH DO TOOL [ARG...]: klog-TOOL with a fault, in the cluster;
# FAULT_STICKY, FAULT_WHILE, FAULT_LOG and FAULT_PATH are the caller's.  In the
# background FAULT_EXEC=exec makes $! the tool and not a shell.
faulty() {
	local calls=$1 nth=$2 what=$3 tool=$4
	shift 4
	${FAULT_EXEC:-} env LD_PRELOAD="$KLOG_FAULT/libfault.so" \
		FAULT_CALLS="$calls" FAULT_NTH="$nth" FAULT_DO="$what" \
		FAULT_PATH="${FAULT_PATH:-$KLOG_CLUSTER/*}" "klog-$tool" "$@"
}

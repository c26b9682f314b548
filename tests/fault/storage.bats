#!/usr/bin/env bats
# Disks that are full, fail, or do not let themselves be written: one clear
# line, and no repair when the cause is gone.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load ../helpers
load common

# ---- every call fails, in every way -----------------------------------------

# each_error ERRNO: once and for good, at each changing call of a run that
# appends, one that rolls, one that recovers a torn log, one without .klog.
each_error() {
	local how
	for how in once sticky; do
		held "append-$how" -X index.interval.bytes=1
		lines 12
		swept 15 -d "$how:$1" -i input "append-$how" -- --batch-size 80
		nearly_full "roll-$how"
		make-lines v 2 9000 >input
		swept 14 -d "$how:$1" -i input "roll-$how"
		torn_copy "tail-$how"
		lines 3
		swept 15 -r -s 01 -d "$how:$1" -i input "tail-$how"
		torn_copy "state-$how"
		rm "$(partition "state-$how")/.klog"
		swept 15 -r -s 01 -d "$how:$1" -i input "state-$how"
	done
}

@test "storage: ENOSPC at each call that changes something, once and for good" {
	each_error ENOSPC
}

@test "storage: EIO at each call that changes something, once and for good" {
	each_error EIO
}

@test "storage: EROFS at each call that changes something, once and for good" {
	each_error EROFS
}

@test "storage: EDQUOT at each call that changes something, once and for good" {
	each_error EDQUOT
}

@test "storage: no more descriptors, no right to open, at each open" {
	local error
	for error in EMFILE EACCES; do
		held "$error"
		lines 3
		swept 6 -d "once:$error" -c open,create -i input "$error"
		swept 6 -d "sticky:$error" -c open,create -i input "$error"
	done
}

@test "storage: locks that fail, at each lock" {
	held t
	lines 3
	swept 3 -d once:ENOLCK -c lock -i input t
	swept 3 -d sticky:EIO -c lock -i input t
}

@test "storage: reads that fail, at each read of a writer" {
	held t
	lines 3
	swept 3 -d once:EIO -s 13 -c pread,read -i input t
	swept 3 -d sticky:EIO -s 13 -c pread,read -i input t
}

@test "storage: no memory, at each allocation of a writer" {
	held t
	lines 3
	swept 20 -d once:ENOMEM -s 012 -e 'out of memory' -c malloc -i input t
	swept 20 -d sticky:ENOMEM -s 12 -e 'out of memory' -c malloc -i input t
}

@test "storage: short writes and reads, and EINTR, at each call: nothing is said" {
	local here="$BATS_TEST_TMPDIR/*"
	held t -X index.interval.bytes=1
	lines 12
	swept 20 -d short -c write,pwrite,read,pread -p "$here" -i input t -- --batch-size 80
	swept 20 -d EINTR -c write,pwrite,read,pread,ftruncate,lock -p "$here" -i input t -- --batch-size 80
	torn_copy u
	lines 3
	swept 20 -r -d short -c pwrite,pread -i input u
	swept 10 -r -d EINTR -c pwrite,pread,ftruncate,lock -i input u
}

# ---- a disk that is full ----------------------------------------------------

# As after a failed run of `make-lines v ...` in $input: it said one line with
# WORDS; what it reported is there, nothing torn; when ROOM is made the next
# run goes on.  TOPIC held no line of v before.
failed_run() {
	local topic=$1 status=$2 words=$3 room=$4 reported=0
	# What recovery had to say comes first.
	[ -z "${recovers:-}" ] || sed -i '/ made anew \| recovered: /d' err
	if [ "$status" -eq 0 ]; then
		equal "$(cat err)" ""
		reported=$(wc -l <input)
	else
		[ "$status" -eq 1 ] || fail "status $status: $(cat err)"
		[ "$(wc -l <err)" -eq 1 ] || fail "not one line: $(cat err)"
		grep -q "^klog-produce: .*$words" err || fail "not '$words': $(cat err)"
		[[ $(cat err) =~ \ ([0-9]+)\ records\ stored ]] &&
			reported=${BASH_REMATCH[1]}
	fi
	# Readers go on, on the full disk.
	klog-consume "$topic" >have || fail "a reader failed"
	grep '^v ' have >of-v || true
	cmp -n "$(stat -c %s of-v)" of-v input || fail "not a prefix"
	[ "$(wc -l <of-v)" -ge "$reported" ] ||
		fail "$reported reported, $(wc -l <of-v) there"
	$room
	echo next | klog-produce "$topic" 2>err || fail "next: $(cat err)"
	[ "$(wc -l <err)" -le 2 ] || fail "next said: $(cat err)"
	klog-consume "$topic" | cmp - <(cat have && echo next) || fail "not what was there"
	sound "$topic"
}

room_small() {
	mount -o remount,size=100m small
}

# full_at KIB FIXTURE [OPTION...]: FIXTURE makes a topic `t` on a file system
# that has then KIB KiB left.
full_at() {
	local left=$1 fixture=$2 status=0 used
	shift 2
	mount -t tmpfs -o size=100m tmpfs small || skip "cannot mount a tmpfs"
	(KLOG_CLUSTER=$PWD/small/c && $fixture)
	used=$(df --output=used -k small | tail -1)
	mount -o remount,size=$((used + left))k small
	KLOG_CLUSTER=$PWD/small/c
	klog-produce "$@" t <input 2>err || status=$?
	ends="$ends $status"
	failed_run t "$status" 'No space left on device' room_small
	umount small
}

# sweep_full FIXTURE TO [OPTION...]: with 0, 4, ... TO KiB left.
sweep_full() {
	local fixture=$1 to=$2 left ends=
	shift 2
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small disk"
	mkdir -p small
	for ((left = 0; left <= to; left += 4)); do
		full_at "$left" "$fixture" "$@"
	done
	# It did fail on the way, and in the end there was room.
	[[ $ends == *1* && $ends == *0 ]] || fail "statuses$ends"
}

fresh_t() {
	klog-create -q -X index.interval.bytes=1 t
}

@test "storage: a full disk, in steps of 4 KiB: batches and indexes" {
	make-lines v 600 100 >input
	sweep_full fresh_t 96 --batch-size 3000
}

@test "storage: a full disk, in steps of 4 KiB: large batches" {
	make-lines v 600 200 >input
	sweep_full fresh_t 160 --batch-size 50000
}

full_segment() {
	klog-create -q -X segment.bytes=1MiB t
	make-lines b 40 26050 | klog-produce t
}

@test "storage: a full disk, in steps of 4 KiB: rolls" {
	make-lines v 90 400 >input
	sweep_full full_segment 72 --batch-size 6000
}

torn_t() {
	torn_copy t
	rm "$(partition t)/.klog"
}

@test "storage: a full disk, in steps of 4 KiB: recovery" {
	lines 30
	recovers=1
	sweep_full torn_t 24
}

three_parts() {
	klog-create -q -p 3 t
}

@test "storage: a full disk with three partitions: each keeps what was reported" {
	local left used status stored ends=
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small disk"
	mkdir small
	seq 0 999 | sed 's/.*/&=v &/' >input
	for ((left = 0; left <= 80; left += 4)); do
		mount -t tmpfs -o size=100m tmpfs small || skip "cannot mount a tmpfs"
		KLOG_CLUSTER=$PWD/small/c
		three_parts
		used=$(df --output=used -k small | tail -1)
		mount -o remount,size=$((used + left))k small
		status=0
		klog-produce -K = --batch-size 1000 t <input 2>err || status=$?
		ends="$ends $status"
		stored=1000
		if [ "$status" -ne 0 ]; then
			[ "$status" -eq 1 ]
			[ "$(wc -l <err)" -eq 1 ] || fail "$(cat err)"
			[[ $(cat err) =~ \ ([0-9]+)\ records\ stored ]]
			stored=${BASH_REMATCH[1]}
		fi
		room_small
		# Sent again from the first line that is not there, as one would.
		klog-consume t | sort -u >have
		[ "$(wc -l <have)" -ge "$stored" ] || fail "$stored reported"
		[ "$(klog-consume t | wc -l)" -eq "$(wc -l <have)" ] || fail "a line twice"
		for i in 0 1 2; do
			echo next | klog-produce "t:$i"
		done
		sound t
		umount small
	done
	[[ $ends == *1* && $ends == *0 ]] || fail "statuses$ends"
}

@test "storage: no inodes left, from none on: making a topic, rolling" {
	local n used status made=0 rolled=0
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small disk"
	mkdir small
	KLOG_CLUSTER=$PWD/small/c
	make-lines v 4 9000 >input
	for ((n = 0; n <= 24; n++)); do
		mount -t tmpfs -o size=100m tmpfs small || skip "cannot mount a tmpfs"
		full_segment
		used=$(df --output=iused small | tail -1)
		mount -o "remount,nr_inodes=$((used + n))" small
		status=0
		klog-create -q -p 3 new 2>err || status=$?
		if [ "$status" -eq 0 ]; then
			made=$((made + 1))
		else
			[ "$status" -eq 1 ]
			[ "$(wc -l <err)" -eq 1 ] || fail "$(cat err)"
			grep -q 'No space left on device' err
			[ ! -e small/c/new ] || fail "half a topic"
			equal "$(klog-inspect --quiet 2>&1 | grep -c new)" 0
		fi
		status=0
		klog-produce --batch-size 1 t <input 2>err || status=$?
		[ "$status" -ne 0 ] || rolled=$((rolled + 1))
		failed_run t "$status" 'No space left on device' room_inodes
		klog-create -q --if-not-exists -p 3 new
		put new:2 one
		umount small
	done
	[ "$made" -gt 0 ] && [ "$made" -lt 25 ]
	[ "$rolled" -gt 0 ] && [ "$rolled" -lt 25 ]
}

room_inodes() {
	mount -o remount,nr_inodes=1000 small
}

@test "storage: --on-full wait, at each call: when there is room all is stored once" {
	local n pids=() calls
	lines 12
	klog-create -q -X index.interval.bytes=1 t0
	FAULT_LOG=calls faulty change 0 none produce --batch-size 80 t0 <input
	calls=$(wc -l <calls)
	[ "$calls" -ge 10 ]
	touch full
	for ((n = 1; n <= calls; n++)); do
		klog-create -q -X index.interval.bytes=1 "t$n"
		FAULT_EXEC=exec FAULT_STICKY=1 FAULT_WHILE=$PWD/full faulty change "$n" \
			"$([ $((n % 2)) = 0 ] && echo ENOSPC || echo EDQUOT)" \
			produce --on-full wait --batch-size 80 "t$n" <input 2>"err$n" &
		pids+=($!)
	done
	# Each has met the full disk, but those whose last call is of an index.
	until_true 20 all_said "$calls"
	rm full
	for n in "${pids[@]}"; do
		ended 0 "$n"
	done
	for ((n = 1; n <= calls; n++)); do
		klog-consume "t$n" | cmp - input
		[ "$(wc -l <"err$n")" -le 1 ] || fail "call $n: $(cat "err$n")"
		sound "t$n"
	done
}

all_said() {
	local n
	for ((n = 1; n <= $1; n++)); do
		[ -s "err$n" ] || klog-consume "t$n" 2>/dev/null | cmp -s - input ||
			return
	done
}

# ---- limits -----------------------------------------------------------------

@test "storage: ulimit -f from 1 on: status 1, never a death" {
	local n status ends=
	make-lines v 300 100 >input
	for ((n = 1; n <= 36; n++)); do
		klog-create -q -X index.interval.bytes=1 "t$n"
		status=0
		(ulimit -f "$n" && exec klog-produce --batch-size 3000 "t$n") <input 2>err ||
			status=$?
		ends="$ends $status"
		failed_run "t$n" "$status" 'File too large' true
	done
	[[ $ends == *1* && $ends == *0 ]] || fail "statuses$ends"
}

@test "storage: ulimit -n from 4 on: an error or all of it, from 20 on all" {
	local n status
	lines 300 keyed
	klog-create -q -p 3 whole
	klog-produce -K = whole <input
	klog-consume whole | sort >expected
	for ((n = 4; n <= 24; n++)); do
		klog-create -q -p 3 "t$n"
		status=0
		(ulimit -n "$n" && exec klog-produce -K = "t$n") <input 2>err || status=$?
		# Below that not even the loader has its libraries.
		if [ "$status" -ne 0 ] && [ "$status" -ne 127 ]; then
			[ "$status" -eq 1 ] || fail "$n: status $status: $(cat err)"
			[ "$(wc -l <err)" -eq 1 ] || fail "$n: $(cat err)"
			grep -q -e 'Too many open files' -e boot_id err
			[ "$n" -lt 20 ] || fail "$n: $(cat err)"
		fi
		klog-consume "t$n" | sort >have
		if [ "$status" -eq 0 ]; then
			cmp have expected
		else
			[ -z "$(comm -23 have expected)" ]
		fi
		put "t$n" next
		sound "t$n"
		status=0
		(ulimit -n "$n" && exec klog-consume whole) >have 2>err || status=$?
		if [ "$status" -eq 0 ]; then
			sort have | cmp - expected
		else
			[ "$n" -lt 20 ] || fail "$n: $(cat err)"
			[ "$status" -eq 127 ] || [ "$(wc -l <err)" -eq 1 ]
		fi
	done
	ulimit -n 20
	klog 0 create twenty
	klog 0 inspect whole
	klog-consume -f whole >seen &
	until_true 20 has_lines seen 300
	put whole:1 more
	until_true 20 has_lines seen 301
}

# ---- disks that cannot be read ----------------------------------------------

@test "storage: EIO at each read of a reader: a prefix, and where" {
	local n calls status
	klog-create -q -X segment.bytes=1MiB -X index.interval.bytes=1 t
	make-lines b 3000 500 >expected
	klog-produce --batch-size 20000 t <expected
	FAULT_LOG=calls faulty pread 0 none consume t | cmp - expected
	calls=$(wc -l <calls)
	[ "$calls" -ge 6 ]
	for ((n = 1; n <= calls; n++)); do
		status=0
		rm -f calls
		FAULT_LOG=calls faulty pread "$n" EIO consume t >have 2>err || status=$?
		cmp -n "$(stat -c %s have)" have expected
		# An index is a hint, and some reads are only a second look.
		if [ "$status" -eq 0 ]; then
			cmp have expected
			equal "$(cat err)" ""
			continue
		fi
		[[ $(grep '^!' calls) != *index ]]
		[ "$status" -eq 1 ] || [ "$status" -eq 3 ] || fail "read $n: status $status"
		[ "$(wc -l <err)" -eq 1 ] || fail "read $n: $(cat err)"
		grep -q 'Input/output error' err
		if [[ $(grep '^!' calls) == *.log ]]; then
			grep -qE '/[0-9]*: [0-9]{20}\.log: .*at [0-9]' err || fail "read $n: no place: $(cat err)"
		fi
	done
}

@test "storage: indexes that cannot be read: the same answers" {
	klog-create -q -X index.interval.bytes=1 t
	local i
	for i in 0 1 2 3 4 5 6 7; do
		put t "record $i"
	done
	local at
	at=$(klog-consume -o 5 -c 1 -F %T t)
	FAULT_STICKY=1 FAULT_PATH='*index' faulty pread 1 EIO consume -o 5 t >have
	cmp have <(seq -f 'record %g' 5 7)
	FAULT_STICKY=1 FAULT_PATH='*index' faulty open,pread 1 EIO consume --since "${at}ms" t >have
	tail -1 have | grep -qx 'record 7'
}

@test "storage: EIO on read ends a follower; others are not held up" {
	klog-create -q -p 2 t
	put t:0 zero
	put t:1 one
	touch broken
	FAULT_EXEC=exec FAULT_STICKY=1 FAULT_WHILE=$PWD/broken FAULT_PATH='*/1/*.log' \
		faulty pread 1 EIO consume -f t >seen 2>err &
	ended 1 $!
	[ "$(wc -l <err)" -eq 1 ] || fail "$(cat err)"
	grep -q 'Input/output error' err
	klog 0 consume -p 0 t
}

# ---- row 20: the cut back fails, too ----------------------------------------

@test "storage: a short write whose cut fails leaves a tail that all cope with" {
	local status=0 size
	held t
	make-lines v 1 9000 >input
	FAULT_STICKY=1 && export FAULT_STICKY
	(ulimit -f 6 && faulty ftruncate 1 EIO produce t <input 2>err) || status=$?
	unset FAULT_STICKY
	[ "$status" -eq 1 ]
	[ "$(wc -l <err)" -eq 1 ] || fail "$(cat err)"
	grep -q 'File too large; 0 records stored, 1 not' err
	size=$(stat -c %s "$(partition t)/00000000000000000000.log")
	equal "$size" 6144
	klog 0 consume t
	equal "$output" $'b 0\nb 1'
	equal "$stderr" ""
	klog 0 produce t <<<next
	error_line produce "cut"
	equal "$(klog-consume t)" $'b 0\nb 1\nnext'
	sound t
}

@test "storage: EIO once on a write: that run fails, and the next goes on" {
	held t
	run --separate-stderr faulty pwrite 1 EIO produce t <<<lost
	equal "$status" 1
	one_line_error produce 'Input/output error' '0 records stored, 1 not'
	klog 0 produce t <<<next
	equal "$stderr" ""
	equal "$(klog-consume t)" $'b 0\nb 1\nnext'
}

# ---- file systems that do not let themselves be written ---------------------

@test "storage: a read-only file system: writers say so, readers and followers go on" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small disk"
	mkdir small
	mount -t tmpfs -o size=10m tmpfs small || skip "cannot mount a tmpfs"
	export KLOG_CLUSTER=$PWD/small/c
	held t
	klog-consume -f t >seen &
	local pid=$!
	until_true 20 has_lines seen 2
	mount -o remount,ro small
	klog 1 produce t <<<lost
	one_line_error produce t 'Read-only file system'
	klog 1 create new
	one_line_error create 'Read-only file system'
	klog 0 consume t
	equal "$output" $'b 0\nb 1'
	klog 0 inspect t
	klog-consume -f t >seen-ro &
	until_true 20 has_lines seen-ro 2
	mount -o remount,rw small
	klog 0 produce t <<<next
	equal "$stderr" ""
	until_true 20 has_lines seen 3
	until_true 20 has_lines seen-ro 3
	kill "$pid" $!
	wait "$pid" $! || true
	umount small
}

@test "storage: files that are immutable or append-only" {
	local attr file
	held t
	[ "$(id -u)" -eq 0 ] || skip "needs root for chattr"
	touch probe
	chattr +i probe 2>/dev/null || skip "this file system has no immutable files"
	chattr -i probe
	for attr in i a; do
		for file in .klog 00000000000000000000.log .klog.lock; do
			chattr "+$attr" "$(partition t)/$file"
			run --separate-stderr klog-produce t <<<lost
			local how="$attr $file: status $status: $stderr"
			run --separate-stderr klog-consume t
			local read=$status:$output
			chattr "-$attr" "$(partition t)/$file"
			[[ $how == "$attr $file: status 1: klog-produce: "*"not permitted"* ]] ||
				fail "$how"
			[ "$(wc -l <<<"$how")" -eq 1 ] || fail "$how"
			equal "$read" $'0:b 0\nb 1'
		done
	done
	# A directory that takes no new file: no roll.
	nearly_full u
	chattr +i "$(partition u)"
	make-lines v 1 9000 >input
	run --separate-stderr klog-produce u <input
	chattr -i "$(partition u)"
	[ "$status" -eq 1 ]
	one_line_error produce u
	klog 0 produce t <<<next
	equal "$(klog-consume t)" $'b 0\nb 1\nnext'
	klog 0 produce u <input
	equal "$(klog-consume u | wc -l)" 41
	sound u
}

#!/usr/bin/env bats
# Members of consumer groups, and what they run, killed, stopped and signalled
# at each of their system calls; readers that go away; disks that fail or lose
# their power; offset files of somebody else's making.  What was committed was
# delivered, and what was not committed comes again.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load ../helpers
load common
load disk

# topic NAME PARTITIONS BATCHES [OPTION]: batches of two records, not synced
# where --no-sync is the option.
topic() {
	local b p
	klog-create -q -p "$2" "$1"
	for ((b = 0; b < $3; b++)); do
		for ((p = 0; p < $2; p++)); do
			printf 'r %d\n' $((2 * b)) $((2 * b + 1)) |
				klog-produce "${@:4}" "$1:$p"
		done
	done
}

# member_swept LEAST ARG...: as `swept` does with fault-sweep.
member_swept() {
	local least=$1
	shift
	run --separate-stderr group-sweep "$@"
	explain group-sweep "$@"
	[ "$status" -eq 0 ]
	[ "${output%% *}" -ge "$least" ] || fail "expected $least points or more"
}

# Time flies: it commits between any two runs of records, not once a second.
ticking() {
	LD_PRELOAD=$KLOG_FAULT/libclock.so KLOG_TICK=1000 "$@"
}

# offset_file GROUP TOPIC [PARTITION]
offset_file() {
	printf '%s/%s/groups/%s/%s' "$KLOG_CLUSTER" "$2" "$1" "${3:-0}"
}

# committed GROUP TOPIC [PARTITION]: by the newer of the file's two lines;
# nothing when there is none.
committed() {
	local file
	file=$(offset_file "$@")
	[ ! -e "$file" ] || tr -d '\0' <"$file" | awk '
		$1 == "klog-offset" && ($3 > g || ($3 == g && $2 > s)) {
			s = $2
			g = $3
			offset = $4
		}
		END { print offset }'
}

committed_is() {
	[ "$(committed "${@:2}")" = "$1" ]
}

members() {
	find "$KLOG_CLUSTER/$2/groups/$1/members" -type f | wc -l
}

# ---- killed at each system call (a) -------------------------------------------

@test "groups: killed at each call, records to a file" {
	topic t 2 1 --no-sync
	member_swept 180 -d kill t
}

@test "groups: killed at each call, records to a file, commits in between" {
	topic t 1 3 --no-sync
	ticking member_swept 180 -d kill t
}

@test "groups: killed at each call, records to a pipe" {
	topic t 2 1 --no-sync
	member_swept 180 -d kill -t pipe t
}

@test "groups: killed at each call, records to a pipe, commits in between" {
	topic t 1 3
	ticking member_swept 180 -d kill -t pipe t
}

@test "groups: killed at each call, records to a socket" {
	topic t 1 2
	member_swept 120 -d kill -t socket t
}

@test "groups: killed at each call, records to COMMAND" {
	topic t 2 1 --no-sync
	member_swept 180 -d kill -t command t
}

@test "groups: killed at each call, COMMAND fails every third time" {
	topic t 1 3
	member_swept 180 -d kill -t command -n 3 t -- --batch 2 --retry-backoff 1ms
	# without another try it ends there, and the next run has it again
	member_swept 100 -e -d kill -t command -n 3 t -- --batch 2 --retries 0
}

@test "groups: COMMAND killed at each of its calls" {
	topic t 1 2
	member_swept 60 -d child -t command t -- --batch 2 --retries 0
	member_swept 60 -d child -t command t -- --batch 2 --retry-backoff 1ms
	member_swept 40 -e -d child -t command -n 3 t -- --batch 2 --retries 0
}

@test "groups: killed at each call, and the next one at each of its calls" {
	topic t 1 1
	member_swept 800 -2 -d kill t
}

@test "groups: killed inside each write" {
	topic t 1 2
	ticking member_swept 60 -b 1 -d torn -c pwrite t
}

@test "groups: killed at each call where there is no O_TMPFILE (G4)" {
	topic t 1 1
	export FAULT_WITHOUT=tmpfile LD_PRELOAD=$KLOG_FAULT/libfault.so
	member_swept 120 -d kill t
}

# ---- a reader that goes away (b) ----------------------------------------------

# complete FILE...: all records of t are in these, none is half.
complete() {
	sort -u "$@" | cmp - <(klog-consume t | sort)
}

# readers SECONDS COMMAND...: for each k, one takes k bytes one at a time, and
# goes after so long.
readers() {
	local k size last status linger=$1
	shift
	klog-consume t >all
	size=$(stat -c %s all)
	for ((k = 0; k <= size + 1; k++)); do
		"$@" klog-consume -g "g$k-$linger" t 2>err | {
			dd bs=1 count=$k status=none
			sleep "$linger"
		} >took
		status=${PIPESTATUS[0]}
		[ "$status" -eq 0 ] || [ "$status" -eq 141 ] || fail "$k bytes: $status"
		equal "$(cat err)" ""
		# What was cut in the middle it did not take.
		head -c "$k" all | cmp - took
		last=$(head -c "$k" all | wc -l)
		[ "$(committed "g$k-$linger" t)" -le "$last" ] ||
			fail "$k bytes: $(committed "g$k-$linger" t) committed, $last taken"
		head -n "$last" all >whole
		klog-consume -g "g$k-$linger" --lock-timeout 0s t >rest 2>err
		equal "$(cat err)" ""
		complete whole rest
		equal "$(committed "g$k-$linger" t)" "$(wc -l <all)"
	done
}

@test "groups: a reader takes k bytes and goes away, for each k" {
	topic t 1 3
	readers 0 env
	readers 0.05 env
}

@test "groups: a reader takes k bytes and goes away, for each k, commits in between" {
	topic t 1 3
	readers 0.05 env LD_PRELOAD="$KLOG_FAULT/libclock.so" KLOG_TICK=1000
}

@test "groups: a reader that stays takes k bytes: no more is committed" {
	local pid took
	topic t 1 3
	mkfifo pipe
	klog-consume -g g t >pipe 2>err &
	pid=$!
	exec 5<pipe
	# "r 0\n" and half of the next one
	read -r -N 6 took <&5
	equal "$took" $'r 0\nr '
	# It waits for the rest to be taken.
	until_true 20 asleep "$pid"
	sleep 1.2
	kill -0 "$pid"
	[ "$(committed g t)" -le 1 ]
	# Nobody reads on: a signal ends it all the same.
	kill -TERM "$pid"
	ended 143 "$pid"
	exec 5<&-
	[ "$(committed g t)" -le 1 ]
	klog-consume -g g t >rest
	complete <(echo "r 0") rest
}

# ---- signals (e) ---------------------------------------------------------------

signals() {
	topic t 1 2 --no-sync
	member_swept 120 -d "$1" t
	topic u 1 2
	member_swept 120 -d "$1" -t command u -- --batch 2
}

@test "groups: TERM at each call" {
	signals TERM
}

@test "groups: INT at each call" {
	signals INT
}

@test "groups: HUP at each call" {
	signals HUP
}

@test "groups: TERM at each call, commits in between, and others at COMMAND's third failure" {
	topic t 1 3
	ticking member_swept 150 -d TERM t
	topic u 1 2
	member_swept 120 -e -d TERM -t command -n 3 u -- --batch 2 --retry-backoff 1ms
}

@test "groups: TERM at each call, records to a pipe and to a socket" {
	topic t 1 2
	member_swept 120 -d TERM -t pipe t
	member_swept 120 -d TERM -t socket t
}

# deaf: a COMMAND that ignores signals, which says that it is up.
deaf='trap "" TERM INT HUP; cat >/dev/null; echo $$ >up; while :; do sleep 0.1; done'

@test "groups: the first signal waits for COMMAND, the second ends it at once" {
	local sig pid
	topic t 1 1
	for sig in TERM INT HUP; do
		rm -f up
		# Background jobs of a shell ignore INT; this one shall not.
		env --default-signal=INT klog-consume -g "$sig" t -- sh -c "$deaf" &
		pid=$!
		until_true 20 test -s up
		kill "-$sig" "$pid"
		until_true 20 no_signal_waits "$pid"
		sleep 0.3
		kill -0 "$pid"
		kill "-$sig" "$pid"
		until_true 5 is_zombie_or_gone "$pid"
		ended $((128 + $(kill -l "$sig"))) "$pid"
		# with COMMAND, and nothing is committed
		until_true 5 is_gone "$(cat up)"
		[ "$(committed "$sig" t)" -eq -1 ]
		klog 0 consume -g "$sig" --lock-timeout 0s t
		equal "$output" $'r 0\nr 1'
	done
}

no_signal_waits() {
	[ -z "$(sed -n 's/^SigPnd:\t0*//p;s/^ShdPnd:\t0*//p' "/proc/$1/status")" ]
}

# ---- who outlives its member (f) -------------------------------------------------

@test "groups: what COMMAND left behind does not hold the partition" {
	local pid
	topic t 1 1
	klog-consume -g g t -- sh -c \
		'cat >/dev/null; setsid sleep 60 & echo $! >left; sleep 60' &
	pid=$!
	until_true 20 test -s left
	kill -9 "$pid"
	ended 137 "$pid"
	kill -0 "$(cat left)"
	klog 0 consume -g g --lock-timeout 1s t
	equal "$output" $'r 0\nr 1'
	equal "$stderr" ""
	# nor one that is alive when its member ends well
	echo more | klog-produce t
	klog 0 consume -g g t -- sh -c 'setsid sleep 60 >/dev/null 2>&1 & echo $! >>left'
	klog 0 consume -g g --lock-timeout 0s t
	equal "$output" ""
	kill "$(head -1 left)" "$(tail -1 left)"
}

@test "groups: a COMMAND that ignores signals dies with its member" {
	local pid
	topic t 1 1
	klog-consume -g g t -- sh -c "$deaf" &
	pid=$!
	until_true 20 test -s up
	kill -9 "$pid"
	ended 137 "$pid"
	klog 0 consume -g g --lock-timeout 1s t
	equal "$output" $'r 0\nr 1'
	until_true 5 is_gone "$(cat up)"
}

# ---- members that are stopped, or die, among others (g) ----------------------------

# has FILE LINE...: the file is these lines, in any order.
has() {
	[ "$(sort "$1" 2>/dev/null)" = "$(printf '%s\n' "${@:2}" | sort)" ]
}

# two_members: of a topic with five partitions; $a has 0 to 2, $b the others.
two_members() {
	klog-create -q -p 5 t
	klog-consume -f -g g -F '%p %o\n' t >a 2>a.err &
	a=$!
	until_true 20 committed_by "$a" 4
	klog-consume -f -g g -F '%p %o\n' t >b 2>b.err &
	b=$!
	until_true 20 committed_by "$b" 4
	until_true 20 committed_by "$b" 3
}

# all_offsets: what is committed in each partition.
all_offsets() {
	local p
	for p in 0 1 2 3 4; do
		committed g t $p
	done | tr '\n' ' '
}

# committed_by PID PARTITION: who has it, by its file.
committed_by() {
	[ -e "$(offset_file g t "$2")" ] || return
	tr -d '\0' <"$(offset_file g t "$2")" | awk -v pid="$1" '
		$3 >= g { g = $3; who = $8 }
		END { exit who != pid }'
}

@test "groups: the partitions of a stopped member wait, others go on; then it goes on" {
	local c
	two_members
	echo x | klog-produce t:0
	echo x | klog-produce t:4
	until_true 20 committed_is 1 g t 0
	until_true 20 committed_is 1 g t 4
	stop_it "$a"
	echo y | klog-produce t:0
	echo y | klog-produce t:2
	echo y | klog-produce t:4
	until_true 20 has b '4 0' '4 1'
	# One that comes gets what the other gives up for it, and that one waits
	# for the partition that it has instead, and goes on with what it has.
	klog-consume -f -g g -F '%p %o\n' t >c 2>c.err &
	c=$!
	until_true 20 committed_by "$c" 4
	until_true 20 grep -q "t/2: waiting for process $a (klog-consume), which holds it" b.err
	echo z | klog-produce t:3
	echo z | klog-produce t:4
	until_true 20 has c '4 2'
	until_true 20 has b '3 0' '4 0' '4 1'
	equal "$(cat a)" '0 0'
	committed_is 1 g t 0
	kill -CONT "$a"
	until_true 20 has a '0 0' '0 1'
	until_true 20 has b '2 0' '3 0' '4 0' '4 1'
	until_true 20 committed_is 2 g t 0
	kill -TERM "$a" "$b" "$c"
	ended 143 "$a"
	ended 143 "$b"
	ended 143 "$c"
	# nothing is missing, nothing came twice
	equal "$(sort a b c)" $'0 0\n0 1\n2 0\n3 0\n4 0\n4 1\n4 2'
	equal "$(all_offsets)" '2 0 1 1 3 '
	equal "$(members g t)" 0
}

@test "groups: killed while stopped: its partitions are taken over" {
	two_members
	echo x | klog-produce t:0
	until_true 20 committed_is 1 g t 0
	stop_it "$a"
	echo y | klog-produce t:0
	echo y | klog-produce t:1
	echo y | klog-produce t:4
	until_true 20 has b '4 0'
	kill -9 "$a"
	ended 137 "$a"
	# only what it had not committed
	until_true 20 has b '0 1' '1 0' '4 0'
	equal "$(cat a)" '0 0'
	kill -TERM "$b"
	ended 143 "$b"
	equal "$(all_offsets)" '2 1 0 0 1 '
}

# A member is stopped as it makes such a call for its file; another one comes,
# and goes through all files; then the first one goes on.
stopped_joining() {
	local pid
	FAULT_EXEC=exec FAULT_PATH='*/members/*' faulty "$1" 1 "$2" consume -g g t >joined 2>err &
	pid=$!
	until_true 20 is_stopped "$pid"
	klog-consume -g "g" --lock-timeout 5s t >>others
	kill -CONT "$pid"
	ended 0 "$pid"
	equal "$(cat err)" ""
	equal "$(members g t)" 0
}

@test "groups: who joins is not taken for a dead one (G4)" {
	local call
	topic t 1 1
	klog 0 consume -g g t
	for call in tmpfile lock pwrite link; do
		stopped_joining $call stop
	done
	equal "$(cat joined others)" ""
}

@test "groups: who joins is not taken for a dead one, where there is no O_TMPFILE (G4)" {
	local call
	topic t 1 1
	klog 0 consume -g g t
	export FAULT_WITHOUT=tmpfile
	for call in create lock pwrite; do
		stopped_joining $call stop
		stopped_joining $call stop-after
	done
	equal "$(cat joined others)" ""
}

# Records flow by key, into six partitions, a few every few milliseconds.
flow() {
	local i=0
	while [ ! -e stop ]; do
		seq -f '%.0f=v' $i $((i + 19)) | klog-produce -K = t || touch failed
		i=$((i + 20))
		sleep 0.01
	done
}

# enter N: the member of that number.
enter() {
	LD_PRELOAD=$KLOG_FAULT/libclock.so KLOG_TICK=20 klog-consume -f -g g \
		-F '%p %o\n' t >"out-$1" 2>>err &
	pids[$1]=$!
}

# leave N SIGNAL: what was committed by then, a line for each partition.
leave() {
	local p
	for p in 0 1 2 3 4 5; do
		echo "$1 $p $(committed g t $p)"
	done >>"before-$2"
	kill "-$2" "${pids[$1]}"
	wait "${pids[$1]}" 2>/dev/null || true
	unset "pids[$1]"
}

all_committed() {
	local p
	for p in 0 1 2 3 4 5; do
		[ "$(committed g t $p)" = "${ends[p]}" ] || return
	done
}

@test "groups: members killed at random moments: nothing lost, and what comes twice was not committed" {
	local n=0 killed=0 victim flowing p pids=() ends=()
	klog-create -q -p 6 t
	flow 2>flow.err &
	flowing=$!
	: >before-9
	: >before-TERM
	while [ "$killed" -lt 40 ]; do
		while [ "${#pids[@]}" -lt $((RANDOM % 3 + 3)) ]; do
			enter $n
			n=$((n + 1))
		done
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		victim=$(printf '%s\n' "${!pids[@]}" | shuf -n 1)
		if [ $((RANDOM % 5)) -eq 0 ]; then
			leave "$victim" TERM
		else
			leave "$victim" 9
			killed=$((killed + 1))
		fi
	done
	touch stop
	wait "$flowing"
	[ ! -e failed ] || fail "$(cat flow.err)"
	[ "${#pids[@]}" -gt 0 ] || {
		enter $n
		n=$((n + 1))
	}
	for p in 0 1 2 3 4 5; do
		ends[p]=$(($(klog-consume -p $p -o -1 -F %o t) + 1))
	done
	until_true 30 all_committed
	for p in "${!pids[@]}"; do
		leave "$p" TERM
	done
	for ((p = 0; p < n; p++)); do
		# the last line of one that was killed is whole, too
		[ ! -s "out-$p" ] || equal "$(tail -c 1 "out-$p" | od -An -tx1)" " 0a"
		sed "s/^/$p /" "out-$p"
	done >shown
	printf '%s\n' "${ends[@]}" >ends
	echo "$n members, $killed killed, $(wc -l <shown) records shown"
	awk '
		FILENAME == "before-9" { least[$1, $2] = $3; next }
		FILENAME == "ends" { end[FNR - 1] = $1; next }
		($1, $2) in last && $3 <= last[$1, $2] {
			print "member " $1 ", partition " $2 ": " $3 " after " last[$1, $2]
			bad = 1
		}
		{
			last[$1, $2] = $3
			seen[$2, $3]++
			# of these there may be one: it was committed there
			if (!(($1, $2) in least) || $3 < least[$1, $2])
				if (kept[$2, $3]++) {
					print "partition " $2 ": " $3 " twice, " \
						"once by " $1 ", and was committed"
					bad = 1
				}
		}
		END {
			for (p = 0; p < 6; p++)
				for (o = 0; o < end[p]; o++)
					if (!seen[p, o]) {
						print "partition " p ": " o " is missing"
						bad = 1
					}
			exit bad
		}' before-9 ends shown >bad || fail "$(head -20 bad)"
	equal "$(members g t)" 0
}

# ---- power cuts (c, d) ----------------------------------------------------------------

# agree: what is committed is in the log, and in `shown` on the same disk.
agree() {
	local offset
	offset=$(committed g t)
	[ "${offset:--1}" -ge 0 ] || return 0
	touch "$disk/shown"
	klog-consume -o "0..$offset" -F '%o\n' t >have 2>err || fail "$(cat err)"
	[ "$(wc -l <have)" -eq "$offset" ] ||
		fail "call $call: $offset is committed, the log ends at $(wc -l <have)"
	klog-consume -o "0..$offset" -F '%o %s\n' t | sort >want
	sort -u "$disk/shown" | comm -23 want - >missing
	[ ! -s missing ] ||
		fail "call $call: $offset is committed, missing: $(cat missing)"
}

file_cut() {
	local call
	disk "$1"
	for ((call = 1; ; call++)); do
		rm -rf "${KLOG_CLUSTER:?}/t" "$disk/shown"
		klog-create -q t
		printf 'first %d\n' 0 1 | klog-produce t
		printf 'first %d\n' 2 3 | klog-produce --no-sync t
		printf 'first %d\n' 4 5 | klog-produce --no-sync t
		cut_at "$call" bash -c '
			LD_PRELOAD="$LD_PRELOAD $KLOG_FAULT/libclock.so" KLOG_TICK=1000 \
				exec klog-consume -g g -F "%o %s\n" t >>"$0/shown"' "$disk"
		agree
		[ -n "$cut" ] || break
		printf 'second %d\n' 0 1 2 | klog-produce t
		klog-consume -g g -F '%o %s\n' t >>"$disk/shown" 2>err ||
			fail "call $call: the next member: $(cat err)"
		klog-consume -F '%o %s\n' t | sort >want
		sort -u "$disk/shown" | comm -23 want - >missing
		[ ! -s missing ] || fail "call $call: never shown: $(cat missing)"
	done
	equal "$(committed g t)" 6
	[ "$call" -gt 12 ] || fail "only $call calls"
}

@test "groups: >>file, and a power cut at each call: file and offset agree, ext4" {
	on_disk
	file_cut ext4
}

@test "groups: >>file, and a power cut at each call: file and offset agree, XFS" {
	on_disk
	file_cut xfs
}

@test "groups: a power cut takes no record that was committed (G3)" {
	local type
	on_disk
	for type in ext4 xfs; do
		disk "$type"
		klog-create -q t
		seq -f 'first %g' 10 | klog-produce t
		seq -f 'second %g' 10 | klog-produce --no-sync t
		klog 0 consume -g g t
		equal "${#lines[@]}" 20
		power_cut
		equal "$(klog-consume t)" "$(seq -f 'first %g' 10 && seq -f 'second %g' 10)"
		klog 0 consume -g g t
		equal "$output$stderr" ""
		seq -f 'third %g' 5 | klog-produce t
		klog 0 consume -g g t
		equal "$output" "$(seq -f 'third %g' 5)"
		equal "$stderr" ""
		umount "$disk"
	done
}

@test "groups: the first commit makes its file's name durable, later ones sync the file alone" {
	topic t 1 1
	strace -y -o trace -e trace=openat,pwrite64,fdatasync,fsync \
		klog-consume -g g -c 1 t >out
	sed -nE 's/^openat\(.*\/groups\/g>, "0", .*O_CREAT.* = [0-9].*/create/p
		s/^fsync\([0-9]+<.*\/groups\/g>\).*/directory/p
		s/^pwrite64\([0-9]+<.*\/groups\/g\/0>, "klog-offset ([0-9]*) .*/write \1/p
		s/^fdatasync\([0-9]+<.*\/groups\/g\/0>\).*/sync/p' trace >events
	equal "$(sed -n '/create/,$p' events | tr '\n' ' ')" "create write 1 directory write 2 sync "
	strace -y -o trace -e trace=fdatasync,fsync klog-consume -g g t >out
	equal "$(grep -c '/groups/' trace)" 1
	grep -q 'fdatasync.*/groups/g/0>' trace
}

@test "groups: an offset beyond the end of its epoch goes back (G3)" {
	on_disk
	disk ext4
	klog-create -q t
	seq -f 'first %g' 10 | klog-produce t
	seq -f 'lost %g' 10 | klog-produce --no-sync t
	klog 0 consume -g g t
	# As a commit would be that did not sync: the records go, it stays.
	cp "$(offset_file g t)" kept
	rm -r "$KLOG_CLUSTER/t"
	klog-create -q t
	seq -f 'first %g' 10 | klog-produce t
	seq -f 'lost %g' 10 | klog-produce --no-sync t
	mkdir -p "$KLOG_CLUSTER/t/groups/g"
	cp kept "$(offset_file g t)"
	sync "$(offset_file g t)" "$KLOG_CLUSTER/t/groups/g" "$KLOG_CLUSTER/t/groups" "$KLOG_CLUSTER/t"
	power_cut
	seq -f 'second %g' 15 | klog-produce t
	klog-consume t >have
	if [ "$(wc -l <have)" -eq 35 ]; then
		skip "the sync of another file took the log along"
	fi
	equal "$(committed g t)" 20
	klog 0 consume -g g t
	error_line consume "10 to 19"
	equal "$output" "$(seq -f 'second %g' 15)"
	equal "$(committed g t)" 25
}

# ---- faults (h) ---------------------------------------------------------------------

@test "groups: short writes and reads, and EINTR, at each call: nothing is said" {
	topic t 1 2 --no-sync
	member_swept 40 -d short -c write,pwrite,read,pread t
	member_swept 2 -d short -c write -p '/memfd:stdout*' t
	member_swept 10 -d EINTR -c write,pwrite,read,pread t
	member_swept 1 -d EINTR -c write -p '/memfd:stdout*' t
}

@test "groups: a disk that fails or is full at each call: a line, and nothing committed too much" {
	local what
	topic t 2 1 --no-sync
	for what in EIO ENOSPC EROFS EDQUOT; do
		member_swept 15 -d "once:$what" t
		member_swept 15 -d "sticky:$what" t
		member_swept 2 -d "once:$what" -p '/memfd:stdout*' t
		member_swept 2 -d "sticky:$what" -p '/memfd:stdout*' t
	done
	# and in the middle, with commits before and behind it
	topic u 1 3 --no-sync
	ticking member_swept 10 -b 1 -d once:EIO u
	ticking member_swept 6 -b 1 -d once:EIO -p '/memfd:stdout*' u
}

@test "groups: what cannot be opened, read or locked: a line, and nothing committed too much" {
	topic t 2 1 --no-sync
	member_swept 30 -d once:EMFILE -c open,create,tmpfile t
	member_swept 30 -d once:EACCES -c open,create,tmpfile t
	member_swept 15 -d once:EIO -c read,pread t
	member_swept 3 -d once:ENOLCK -c lock t
}

@test "groups: a COMMAND beside a disk that fails" {
	topic t 1 2 --no-sync
	member_swept 10 -d once:EIO -t command t -- --batch 2
	member_swept 10 -d sticky:ENOSPC -t command t -- --batch 2
}

@test "groups: no memory at each allocation: nothing committed too much" {
	topic t 1 2
	member_swept 50 -s 12 -d once:ENOMEM -c malloc t
}

@test "groups: a read-only file system: a member says so" {
	on_disk
	disk ext4
	topic t 1 1
	klog 0 consume -g g -c 1 t
	mount -o remount,ro "$disk"
	klog 1 consume -g g t
	one_line_error consume 'Read-only file system'
	klog 1 consume -g new t
	one_line_error consume 'Read-only file system'
	klog 0 consume t
	mount -o remount,rw "$disk"
	klog 0 consume -g g t
	equal "$output" "r 1"
}

@test "groups: who may only read is no member" {
	need_root
	topic t 1 1
	klog 0 consume -g g -c 1 t
	for group in g new; do
		run --separate-stderr as_nobody klog-consume -g "$group" t
		equal "$status" 1
		one_line_error consume 'Permission denied'
	done
	[ ! -e "$KLOG_CLUSTER/t/groups/new" ]
	klog 0 consume -g g t
	equal "$output" "r 1"
}

@test "groups: a full disk: the group goes on where it was when there is room" {
	on_disk
	disk ext4
	topic t 1 2
	klog 0 consume -g g -c 1 t
	head -c 600M /dev/zero >"$disk/fill" 2>/dev/null || true
	# Its files are there: it may come through, or say so.
	klog-consume -g g t >one 2>err || equal "$?" 1
	klog-consume -g new t >two 2>err2 || {
		equal "$?" 1
		equal "$(wc -l <err2)" 1
	}
	rm "$disk/fill"
	klog-consume -g g t >>one
	equal "$(sort -u one)" $'r 1\nr 2\nr 3'
	klog-consume -g new t >>two
	equal "$(sort -u two)" $'r 0\nr 1\nr 2\nr 3'
}

# They share, one dies, the other takes over and hears of new records.
share_and_take_over() {
	local a b
	klog-create -q -p 2 t
	"$@" klog-consume -f -g g -F '%p %o\n' t >a 2>a.err &
	a=$!
	until_true 20 committed_by "$a" 1
	"$@" klog-consume -f -g g -F '%p %o\n' t >b 2>b.err &
	b=$!
	until_true 20 committed_by "$b" 1
	echo x | klog-produce t:0
	echo x | klog-produce t:1
	until_true 20 has a '0 0'
	until_true 20 has b '1 0'
	until_true 20 committed_is 1 g t 0
	kill -9 "$a"
	ended 137 "$a"
	echo y | klog-produce t:0
	until_true 20 has b '0 1' '1 0'
	kill -TERM "$b"
	ended 143 "$b"
	equal "$(committed g t 0)" 2
	equal "$(cat a.err b.err)" ""
	equal "$(members g t)" 0
}

@test "groups: without inotify members share, and take over" {
	share_and_take_over env FAULT_WITHOUT=inotify LD_PRELOAD="$KLOG_FAULT/libfault.so"
}

@test "groups: without O_TMPFILE members share, and take over" {
	share_and_take_over env FAULT_WITHOUT=tmpfile LD_PRELOAD="$KLOG_FAULT/libfault.so"
}

# ---- offset files of somebody else's making (i) -----------------------------------------

# At each byte: a cut one is refused, or the other slot counts, with a line.
@test "groups: an offset file that is cut, at each byte" {
	local at file out
	topic t 1 2
	klog 0 consume -g g -c 1 t
	klog 0 consume -g g -c 1 t
	file=$(offset_file g t)
	cp "$file" whole
	equal "$(stat -c %s whole)" 4608
	equal "$(committed g t)" 2
	# each byte of the text, some of the blanks behind it, and the ends
	for at in {1..140} {141..511..10} 511 512 513 {600..4000..200} 4095 \
		{4096..4240} {4241..4607..10} 4607; do
		cat whole >"$file"
		truncate -s "$at" "$file"
		status=0
		klog-consume -g g -c 1 t >out 2>err || status=$?
		out=$(cat out)
		if [ "$status" -eq 3 ]; then
			[ "$at" -lt 512 ] && [ -z "$out" ] ||
				fail "cut at $at: 3, and $out"
			grep -q "^klog-consume: .*g.*t/0.*damaged" err ||
				fail "cut at $at: $(cat err)"
			equal "$(stat -c %s "$file")" "$at"
		else
			[ "$status" -eq 0 ] && [ "$at" -ge 512 ] ||
				fail "cut at $at: $status, $(cat err)"
			# The older slot stands at 0 or behind.
			case $out in
			'r 1' | 'r 2') ;;
			*) fail "cut at $at: it printed '$out'" ;;
			esac
			[ "$at" -le 4096 ] ||
				grep -q "one of two commits is torn" err ||
				fail "cut at $at: silent"
		fi
	done
}

# Whatever stands there: refused, or on from a slot that is whole.
@test "groups: an offset file with random bytes" {
	local n file size at out slot
	topic t 1 2
	klog 0 consume -g g -c 1 t
	klog 0 consume -g g -c 1 t
	file=$(offset_file g t)
	cp "$file" whole
	for ((n = 0; n < 150; n++)); do
		cat whole >"$file"
		size=$((RANDOM % 60 + 1))
		slot=$((n % 2 * 4096))
		at=$((RANDOM % 100 + slot))
		head -c "$size" /dev/urandom |
			dd of="$file" bs=1 seek="$at" conv=notrunc status=none
		if [ $((n % 3)) -eq 0 ]; then
			# and the other one
			head -c 40 /dev/urandom | dd of="$file" bs=1 \
				seek=$((20 + 4096 - slot)) conv=notrunc status=none
		fi
		cmp -s whole "$file" && continue
		status=0
		klog-consume -g g -c 1 t >out 2>err || status=$?
		if [ $((n % 3)) -eq 0 ]; then
			equal "$status $(cat out)" "3 "
			grep -q damaged err
		else
			equal "$status" 0
			grep -q "one of two commits is torn" err || fail "silent"
			[[ $(cat out) = 'r 1' || $(cat out) = 'r 2' ]] ||
				fail "it printed $(cat out)"
		fi
	done
}

# slot FILE SEQUENCE GENERATION OFFSET EPOCH: as klog writes one, at 0.
slot() {
	local line="klog-offset $2 $3 $4 $5 1 1 0 - -"
	printf '%s %s' "$line" "$(crc32c "$line")" | dd conv=sync bs=512 status=none |
		tr '\0' ' ' | head -c 511 >"$1"
	echo >>"$1"
}

crc32c() {
	awk -v text="$1" 'BEGIN {
		for (i = 32; i < 127; i++)
			code[sprintf("%c", i)] = i
		crc = 4294967295
		for (i = 1; i <= length(text); i++) {
			crc = xor(crc, code[substr(text, i, 1)])
			for (k = 0; k < 8; k++) {
				low = crc % 2
				crc = int(crc / 2)
				if (low)
					crc = xor(crc, 2197175160)
			}
		}
		printf "%08x", xor(crc, 4294967295)
	}
	function xor(a, b,    r, bit) {
		for (bit = 1; a > 0 || b > 0; bit *= 2) {
			if (a % 2 != b % 2)
				r += bit
			a = int(a / 2)
			b = int(b / 2)
		}
		return r + 0
	}'
}

@test "groups: an offset that is negative, or no number, with a right checksum" {
	local file offset
	topic t 1 1
	klog 0 consume -g g -c 1 t
	file=$(offset_file g t)
	slot "$file" 1 1 1 0
	klog 0 consume -g g t
	equal "$output" "r 1"
	for offset in -2 -9223372036854775808 9223372036854775808 +1 01 1x ''; do
		slot "$file" 1 1 "$offset" 0
		klog 3 consume -g g t
		one_line_error consume damaged
	done
	for offset in -1 x 99999999999999999999; do
		slot "$file" 1 "$offset" 1 0
		klog 3 consume -g g t
		slot "$file" "$offset" 1 1 0
		klog 3 consume -g g t
		one_line_error consume damaged
	done
}

@test "groups: an offset past the end is said, and on from the one before it" {
	local file
	topic t 1 2
	klog 0 consume -g g -c 1 t
	file=$(offset_file g t)
	slot past 9 9 1000 -1
	# the other slot is of the first run: offset 1
	dd if=past of="$file" conv=notrunc status=none
	klog 0 consume -g g t
	equal "$output" $'r 1\nr 2\nr 3'
	error_line consume 'committed offset 1000 is past the end at 4; going on at 1'
	equal "$(committed g t)" 4
	# without one it begins where auto.offset.reset says, and says so
	cp past "$file"
	klog 0 consume -g g t
	equal "${#lines[@]}" 4
	error_line consume 'going on at 0'
	cp past "$file"
	klog 0 consume -g g -X auto.offset.reset=latest t
	equal "$output" ""
	error_line consume 'going on at 4'
	cp past "$file"
	klog 1 consume -g g -X auto.offset.reset=none t
	one_line_error consume 1000
	equal "$(committed g t)" 1000
}

@test "groups: an offset before the log's start is said" {
	topic t 1 2
	klog 0 consume -g g -c 1 t
	klog-state "$(partition t)/.klog" log-start=2
	klog 0 consume -g g t
	equal "$output" $'r 2\nr 3'
	error_line consume "1"
	equal "$(committed g t)" 4
}

@test "groups: an epoch of an offset that never was is no way to records" {
	local file
	topic t 1 2
	klog 0 consume -g g -c 1 t
	file=$(offset_file g t)
	slot later 9 9 3 7
	cp later "$file"
	klog 1 consume -g g t
	one_line_error consume 'leader epoch 7'
	equal "$(committed g t)" 3
	# of one that was it is known where it ended
	slot "$file" 9 9 1000 0
	klog 0 consume -g g t
	one_line_error consume '4 to 999'
	equal "$(committed g t)" 4
}

@test "groups: other things where files are expected are no way in" {
	topic t 1 1
	klog 0 consume -g g -c 1 t
	local file
	file=$(offset_file g t)
	# never through a symbolic link
	mv "$file" elsewhere
	ln -s "$PWD/elsewhere" "$file"
	klog 1 consume -g g t
	error_line consume 't/0'
	rm "$file"
	mkdir "$file"
	klog 1 consume -g g t
	rmdir "$file"
	mkfifo "$file"
	run --separate-stderr timeout 10 klog-consume -g g t
	[ "$status" -ne 124 ] && [ "$status" -ne 0 ]
	rm "$file"
	cp elsewhere "$file"
	# a member's file that nobody has locked is removed, whatever it says
	head -c 1000 /dev/urandom >"$KLOG_CLUSTER/t/groups/g/members/junk"
	mkfifo "$KLOG_CLUSTER/t/groups/g/members/pipe"
	ln -s /dev/null "$KLOG_CLUSTER/t/groups/g/members/link"
	klog 0 consume -g g --lock-timeout 2s t
	equal "$output" "r 1"
}

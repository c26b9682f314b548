#!/usr/bin/env bats
# The rules that show only in the order of a process's system calls, or when
# it is stopped or killed at one of them: strace does both.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers

log=00000000000000000000.log

fixture() {
	klog-create -q t
	dir=$(partition t)
}

# strace that is killed lets go of what it stopped: that goes first.
eval "jobs_$(declare -f teardown)"
teardown() {
	local tracer pid
	for tracer in $(jobs -p); do
		for pid in $(pgrep -P "$tracer"); do
			kill -9 "$pid" 2>/dev/null || true
		done
	done
	jobs_teardown
}

state() {
	klog-state "$dir/.klog" "$@"
}

# traced COMMAND...: under strace, which leaves what it does to files.
traced() {
	strace -y -o trace -e trace=openat,pwrite64,fdatasync,fsync,ftruncate,fcntl,sync_file_range "$@"
}

# What `traced` wrote on the files of partition DIR, a word and a name a line.
events() {
	sed -nE '
		s/^[0-9 ]*(pwrite64|ftruncate|sync_file_range)\([0-9]+<([^>]*)>.*/\1 \2/
		s/^[0-9 ]*f(data)?sync\([0-9]+<([^>]*)>.*/sync \2/
		s/^[0-9 ]*openat\([0-9]+<([^>]*)>, "([^"]*)", [A-Z_|]*O_CREAT.* = [0-9].*/create \1\/\2/
		/^(pwrite64|ftruncate|sync_file_range|sync|create) /{
			s/pwrite64/write/
			s/ftruncate/cut/
			s|'"$1"'/||
			s|'"$1"'$|.|
			p
		}' trace
}

# in_order EVENT...: each is there, after the one before it.
in_order() {
	events "$dir" | awk -v want="$(printf '%s\n' "$@")" '
		BEGIN { n = split(want, w, "\n"); i = 1 }
		i <= n && $0 == w[i] { i++ }
		END { if (i <= n) { print "missing: " w[i]; exit 1 } }' ||
		fail "$(events "$dir")"
}

# never_before FIRST SECOND: no SECOND before a FIRST.
never_before() {
	events "$dir" | awk -v a="$1" -v b="$2" '
		$0 == a { exit }
		$0 == b { bad = 1; exit }
		END { exit bad }' || fail "$2 before $1: $(events "$dir")"
}

# halt CALL:when=N COMMAND...: strace runs COMMAND, which is stopped once N of
# the CALLs were made; $tracee is its pid.  With its status $tracer ends.
halt() {
	local inject=$1
	shift
	rm -f trace
	strace -o trace -e trace="${inject%%:*}" \
		-e inject="${inject%%:*}:signal=STOP:${inject#*:}" "$@" 3>&- &
	tracer=$!
	until_true 20 halted
	tracee=$(pgrep -P "$tracer") || tracee=
}

halted() {
	grep -qs 'stopped by SIGSTOP' trace || is_zombie_or_gone "$tracer"
}

go_on() {
	[ -z "$tracee" ] || kill -CONT "$tracee"
}

# ---- one at a time --------------------------------------------------------

# A writer that is stopped in the fdatasync of its sync, another appends.
syncs_while_another_appends() {
	echo one >one
	halt fdatasync:when=1 klog-produce t one
	klog 0 produce --no-sync --lock-timeout 1s t <<<two
	go_on
	ended 0 "$tracer"
}

@test "rules: L4: nobody waits for a sync but who syncs" {
	syncs_while_another_appends
	equal "$(klog-consume t)" $'one\ntwo'
}

@test "rules: L3: who syncs writes back no old state" {
	syncs_while_another_appends
	equal "$(state next)" 2
	klog 0 produce -v t <<<three
	[[ $stderr != *'took over'* ]]
	equal "$(klog-consume t)" $'one\ntwo\nthree'
}

@test "rules: S3: a sync vouches for no more than was there when it began" {
	syncs_while_another_appends
	equal "$(state recovery)" 1
	equal "$(klog-consume --synced t)" one
}

@test "rules: S3: a sync over which an epoch began moves nothing" {
	echo one >one
	halt fdatasync:when=1 klog-produce t one
	state epoch=1 epoch-start=0
	go_on
	ended 1 "$tracer"
	equal "$(state recovery)" 0
}

@test "rules: L4: a wait is one call that sleeps, and names the holder once" {
	echo one >one
	# It holds byte 0.
	halt pwrite64:when=1 klog-produce t one
	echo two >two
	strace -o waiter -e trace=fcntl,poll,ppoll,clock_nanosleep,select,pselect6,sched_yield \
		klog-produce t two 2>said &
	local waiter=$!
	until_true 20 has_lines said 1
	go_on
	ended 0 "$tracer"
	ended 0 "$waiter"
	equal "$(wc -l <said)" 1
	grep -q "waiting for process $tracee (klog-produce)" said
	# 50 ms at a time at the least, in more than a second; each lock was
	# tried once before
	[ "$(grep -c 'F_OFD_SETLKW.*\(EINTR\|ERESTARTSYS\)' waiter)" -le 200 ]
	[ "$(grep -c 'F_OFD_SETLK,.*EAGAIN' waiter)" -le 6 ]
	run ! grep -qE '^(clock_nanosleep|select|pselect6|sched_yield)' waiter
}

@test "rules: L5: a signal that ends waits until the append is whole" {
	echo one >one
	local status=0
	# USR1 comes while byte 0 is held, at the write of the .log
	strace -o trace -e trace=pwrite64 -e inject=pwrite64:signal=USR1:when=1 \
		klog-produce t one || status=$?
	equal "$status" 138
	equal "$(stat -c %s "$dir/$log")" "$(state length)"
	equal "$(state next)" 1
}

@test "rules: L5: a stop inside the lock holds up nobody" {
	echo one >one
	# In a process group of its own, whose parent can continue it.
	set -m
	strace -o trace -e trace=pwrite64 -e inject=pwrite64:signal=TSTP:when=1 \
		klog-produce t one &
	local tracer=$!
	set +m
	until_true 20 grep -qs 'stopped by SIGTSTP' trace
	tracee=$(pgrep -P "$tracer")
	klog 0 produce --no-sync --lock-timeout 1s t <<<two
	go_on
	ended 0 "$tracer"
	equal "$(klog-consume t)" $'one\ntwo'
}

# ---- orders ---------------------------------------------------------------

@test "rules: A4: the name of a segment is synced before anything is in it" {
	# as it is when its maker was killed before it synced the directory
	traced klog-produce --no-sync t <<<one
	in_order 'sync .' "write $log"
	never_before 'sync .' "write $log"
	state length=0 next=0
	rm "$dir"/0*
	traced klog-produce --no-sync t <<<one
	in_order "create $log" 'sync .' "write $log"
	never_before 'sync .' "write $log"
}

@test "rules: A6: the log, then the indexes, then the state" {
	klog-create -q -X index.interval.bytes=1 i
	dir=$(partition i)
	put i one
	traced klog-produce --no-sync i <<<two
	in_order "write $log" "write ${log%log}index" "write ${log%log}timeindex" 'write .klog'
	never_before "write $log" 'write .klog'
}

@test "rules: A6: killed at any write, a reader sees a prefix, the next goes on" {
	local n
	put t 0
	for n in 1 2 3 4; do
		strace -o trace -e trace=pwrite64 \
			-e inject=pwrite64:signal=KILL:when=$n klog-produce t <<<"$n" || true
		klog 0 consume t
		equal "$output" "$(klog-consume t | sort -n)"
		klog 0 produce t <<<"$n"
		equal "$(klog-consume -o -1 t)" "$n"
	done
}

# A topic whose next batch rolls, with --no-sync.
rolling() {
	klog-create -q -X segment.index.bytes=24 -X index.interval.bytes=1 rolls
	dir=$(partition rolls)
	klog-produce --no-sync rolls <<<one
	sleep 0.002
	klog-produce --no-sync rolls <<<two
	sleep 0.002
	next=00000000000000000002.log
}

@test "rules: R1: the old segment is synced before the new one is named" {
	# One writer, whose third line goes into the next segment: nothing is
	# suspect (F1 would sync, too).
	klog-create -q -X segment.bytes=1MiB big
	dir=$(partition big)
	local next=00000000000000000002.log i
	for i in 1 2 3; do
		head -c 400000 /dev/zero | tr '\0' "$i"
		echo
	done >lines
	traced -f klog-produce --no-sync big lines
	in_order "write $log" 'write .klog' "sync $log" 'write .klog' "create $next" 'sync .' "write $next"
	never_before "sync $log" "create $next"
	never_before 'sync .' "write $next"
	equal "$(state recovery)" 2
	equal "$(state marks)" 0
}

@test "rules: R1: a roll whose sync fails leaves the mark, and no new segment" {
	klog-create -q -X segment.bytes=1MiB big
	dir=$(partition big)
	head -c 600000 /dev/zero | tr '\0' x >line
	klog-produce big line
	# somebody has it open: what follows is not suspect by itself
	mkfifo input
	klog-produce -X flush.ms=1h big <input &
	local other=$!
	exec 5>input
	echo one >&5
	until_true 20 reaches_next 2
	strace -o trace -e trace=fdatasync -e inject=fdatasync:error=EIO:when=1 \
		klog-produce --no-sync big line 2>said && fail "exit 0"
	equal "$(wc -l <said)" 1
	equal "$(state marks)" 1
	equal "$(state base)" 0
	exec 5>&-
	ended 0 "$other"
	equal "$(state marks)" 0
	klog 0 produce big line
	equal "$(find "$dir" -name '*.log' | wc -l)" 2
}

reaches_next() {
	[ "$(state next)" -ge "$1" ]
}

@test "rules: R2: write-back begins while a writer goes on, and is not waited for" {
	make-lines 0 400000 100 >lines
	strace -f -o trace -e trace=sync_file_range klog-produce --no-sync t lines
	[ "$(grep -c sync_file_range trace)" -ge 4 ]
	[ "$(grep -c 'SYNC_FILE_RANGE_WRITE) = 0' trace)" -ge 4 ]
	run ! grep -q WAIT trace
}

@test "rules: S1: who finds his records synced by another syncs nothing" {
	mkfifo input
	strace -o trace -e trace=fdatasync klog-produce -X flush.ms=1h t <input &
	local tracer=$!
	exec 5>input
	echo one >&5
	until_true 20 reaches_next 1
	put t two
	exec 5>&-
	ended 0 "$tracer"
	run ! grep -q fdatasync trace
	equal "$(klog-consume --synced t)" $'one\ntwo'
}

@test "rules: T3: an epoch is in both slots of the device before a byte goes" {
	klog-produce --no-sync t <<<one
	klog-produce --no-sync t <<<two
	state boot=0
	truncate -s $(($(stat -c %s "$dir/$log") - 1)) "$dir/$log"
	traced klog-produce t <<<three
	in_order 'write .klog' 'sync .klog' 'write .klog' 'sync .klog' "cut $log"
	[ "$(events "$dir" | sed "/^cut $log/q" | grep -c 'sync .klog')" -eq 2 ]
	never_before 'sync .klog' "cut $log"
}

@test "rules: T3: a sync syncs the log alone, once, and no state" {
	put t one
	traced klog-produce t <<<two
	equal "$(events "$dir" | grep -c '^sync ')" 1
	equal "$(events "$dir" | grep -c "^sync $log")" 1
}

@test "rules: T2: every segment of a copy is synced" {
	rolling
	klog-produce --no-sync rolls <<<three
	cp -r "$KLOG_CLUSTER/rolls" "$KLOG_CLUSTER/copy"
	dir=$(partition copy)
	traced klog-produce --no-sync copy <<<four
	in_order "sync $log" "sync $next" "write $next"
	equal "$(klog-consume copy)" $'one\ntwo\nthree\nfour'
	equal "$(klog-consume -o -1 -F %e copy)" 1
}

# A log of three batches, the first synced, the second bad, and whatever
# makes the next writer cut it.
bad_tail() {
	local at
	put t one
	klog-produce --no-sync t <<<two
	klog-produce --no-sync t <<<three
	at=$(partition-check -b "$dir" | sed -n '3s/ /\n/gp' | sed -n 3p)
	printf X | dd of="$dir/$log" bs=1 seek=$((at - 2)) conv=notrunc status=none
	state "$@"
}

@test "rules: F3: the epoch, then the cut, then its sync, then the state" {
	bad_tail marks=1
	traced klog-produce t <<<four 2>said
	grep -q 'a sync had failed: cut' said
	# and all of it before the batch that it came with
	in_order 'sync .klog' 'sync .klog' "cut $log" "sync $log" 'write .klog' "write $log"
	never_before 'sync .klog' "cut $log"
	never_before "sync $log" "write $log"
}

@test "rules: V3: the epoch, then the cut, then its sync, then the state" {
	bad_tail boot=0
	traced klog-produce --no-sync t <<<four 2>said
	grep -q 'recovered: cut' said
	in_order 'sync .klog' 'sync .klog' "cut $log" "sync $log" 'write .klog' "write $log"
	never_before 'sync .klog' "cut $log"
	never_before "sync $log" "write $log"
}

# killed_anywhere STATUS...: who cuts is killed at each call that changes
# something.  The next one ends with one of STATUS, others go on; what follows
# the cut is of a later epoch.
killed_anywhere() {
	local call n died kills=0
	cp -r "$dir" saved
	for call in pwrite64 fdatasync fsync ftruncate renameat; do
		died=137
		for ((n = 1; died == 137; n++)); do
			cat saved/.klog >"$dir/.klog"
			cat saved/$log >"$dir/$log"
			cp saved/*index saved/leader-epoch-checkpoint "$dir"
			died=0
			strace -o trace -e trace=$call \
				-e inject=$call:signal=KILL:when=$n \
				klog-produce t <<<four 2>said || died=$?
			echo "killed at $call $n"
			others_go_on "$@"
			kills=$((kills + 1))
		done
	done
	[ "$kills" -ge 15 ]
}

others_go_on() {
	klog 0 consume t
	[ "${lines[0]}" = one ]
	local ended=0
	# shellcheck disable=SC2086
	klog-produce ${next_writer:-} t <<<five 2>said || ended=$?
	[[ " $* " == *" $ended "* ]] || fail "status $ended: $(cat said)"
	klog 0 produce t <<<six
	klog-consume -F '%o %e %s\n' t >have
	[ "$ended" -ne 0 ] || grep -q ' five$' have || fail "five is gone: $(cat have)"
	awk '
		$1 != NR - 1 || (NR == 1) != ($3 == "one") ||
			(NR > 1) != ($2 > 0) || $2 < last ||
			$3 == "two" || $3 == "three" { exit 1 }
		{ last = $2 }
		END { if ($3 != "six") exit 1 }' have || fail "$(cat have)"
	sound t
}

@test "rules: F3: killed anywhere while it cuts: no offset twice in an epoch" {
	bad_tail marks=1
	# F comes with a sync, and cuts what was just appended, too (S1).
	killed_anywhere 0 1
}

@test "rules: V4: killed anywhere in recovery: it is done again" {
	bad_tail boot=0
	# (one that syncs would look at the device all the same)
	local next_writer=--no-sync
	killed_anywhere 0
}

# ---- a sync that fails ----------------------------------------------------

# failing N COMMAND...: its Nth fdatasync fails, once.
failing() {
	local n=$1
	shift
	strace -o trace -e trace=fdatasync \
		-e inject=fdatasync:error=EIO:when="$n" "$@" 2>said && return 1
	grep -v '^strace' said >said.klog
	equal "$(wc -l <said.klog)" 1
}

@test "rules: S4: one fdatasync that fails is told, not tried again" {
	put t one
	failing 1 klog-produce t <<<two
	equal "$(grep -c fdatasync trace)" 1
	grep -q '^klog-produce: .*not durable from offset 1 on' said
	equal "$(state marks)" 1
}

@test "rules: S3: a sync that fails vouches for nothing" {
	put t one
	failing 1 klog-produce t <<<two
	equal "$(klog-consume --synced t)" one
	equal "$(state recovery)" 1
}

@test "rules: S3: who dies in a sync leaves the mark" {
	strace -o trace -e trace=fdatasync -e inject=fdatasync:signal=KILL:when=1 \
		klog-produce t <<<one || true
	equal "$(state marks)" 1
	# and in one that is not the append's own
	put t two
	mkfifo input
	strace -o trace -e trace=fdatasync -e inject=fdatasync:signal=KILL:when=1 \
		klog-produce -X flush.ms=1h t <input 3>&- &
	local tracer=$!
	exec 5>input
	echo three >&5
	until_true 20 reaches_next 3
	equal "$(state marks)" 0
	exec 5>&-
	until_true 20 is_zombie_or_gone "$tracer"
	equal "$(state marks)" 1
	equal "$(klog-consume --synced t)" $'one\ntwo'
}

@test "rules: F2: what the device has is kept, in its epoch, in silence" {
	failing 1 klog-produce t <<<one
	klog 0 produce t <<<two
	equal "$stderr" ""
	equal "$(state marks)" 0
	equal "$(klog-consume --synced -F '%e %s\n' t)" $'0 one\n0 two'
}

@test "rules: F2: and it is vouched for, whatever comes next" {
	failing 1 klog-produce t <<<one
	failing 2 klog-produce t <<<two
	equal "$(klog-consume --synced t)" one
}

need_disk() {
	[ "$(stat -f -c %T .)" != tmpfs ] ||
		skip "needs TMPDIR on a disk; tmpfs has no device behind it"
}

# lost_device: the second of two lines never reached the device.
lost_device() {
	need_disk
	local at
	put t one
	klog-produce --no-sync t <<<two
	at=$(partition-check -b "$dir" | sed -n '2s/ /\n/gp' | sed -n 3p)
	DEVICE_LOST=$at:$(stat -c %s "$dir/$log")
	export DEVICE_LOST
	state marks=1
}

device() {
	LD_PRELOAD=$KLOG_FAULT/libdevice.so "$@"
}

@test "rules: F1: what is in the cache alone is cut" {
	lost_device
	# before anything is put behind it
	device klog-produce t <<<three 2>said
	grep -q 'a sync had failed: cut .* after offset 0 ' said
	equal "$(state marks)" 0
	klog 0 produce t <<<four
	equal "$stderr" ""
	equal "$(klog-consume -F '%o %e %s\n' t)" $'0 0 one\n1 1 three\n2 1 four'
}

@test "rules: F1: where the device cannot be read nothing is vouched for" {
	lost_device
	DEVICE_ONLY_CACHE=1 device klog-produce t <<<three 2>said && fail "exit 0"
	equal "$(wc -l <said)" 1
	grep -q 'past the cache' said
	equal "$(state marks)" 1
	equal "$(klog-consume --synced t)" one
}

@test "rules: F1: an fdatasync that goes on failing is tried three times" {
	klog-produce --no-sync t <<<one
	state marks=1
	strace -o trace -e trace=fdatasync \
		-e inject=fdatasync:error=EIO klog-produce t <<<two 2>said &&
		fail "exit 0"
	equal "$(grep -c '^fdatasync' trace)" 3
	equal "$(state marks)" 1
	# but a waiting error is taken so, and the third counts
	strace -o trace -e trace=fdatasync \
		-e inject=fdatasync:error=EIO:when=1..2 klog-produce t <<<three
	equal "$(state marks)" 0
	equal "$(klog-consume --synced t)" $'one\nthree'
}

# ---- readers --------------------------------------------------------------

# stop_anywhere BEFORE CHANGE CHECK COMMAND...: a reader is stopped after each
# of its calls until it ends or sleeps; BEFORE is run before it starts, CHANGE
# while it is stopped, CHECK when it ended with 0.  All get the number of the
# try.
stop_anywhere() {
	local before=$1 change=$2 check=$3 try=0 call n count
	local calls='openat pread64 newfstatat getdents64 inotify_init1 inotify_add_watch poll'
	shift 3
	"$before" $try
	strace -o dry -e trace="${calls// /,}" "$@" >out 2>said 3>&- &
	tracer=$!
	until_true 20 sleeps_or_ended
	cp dry calls
	"$change" $try
	ended 0 "$tracer"
	for call in $calls; do
		count=$(grep -c "^$call(" calls) || true
		[ "$call" != poll ] || count=1
		for ((n = 1; n <= count; n++)); do
			"$before" $((++try))
			halt "$call:when=$n" "$@" >out 2>said
			"$change" $try
			go_on
			until_true 5 is_zombie_or_gone "$tracer"
			wait "$tracer" || fail "$call $n: $(cat trace said)"
			echo "stopped at $call $n: $(tail -n 3 trace)"
			"$check" $try
		done
	done
	[ "$try" -ge 15 ]
}

sleeps_or_ended() {
	is_zombie_or_gone "$tracer" || asleep "$(pgrep -P "$tracer")"
}

@test "rules: D1: wherever a follower is when a record comes, it is printed" {
	one_more() {
		klog-produce --no-sync t <<<"$1"
	}
	is_last() {
		equal "$(cat out said)" "$1"
	}
	# from the end as it is when it begins, or the record that came since
	next_offset() {
		printf '%s\n' "$(state next)" >from
	}
	# shellcheck disable=SC2016
	stop_anywhere next_offset one_more is_last \
		sh -c 'read -r o <from; exec klog-consume -f -c 1 -o "$o" t'
}

# overwrite FROM FILE: as a writer does, without a moment of another length.
overwrite() {
	dd if="$1" of="$2" bs=64K conv=notrunc status=none
}

@test "rules: D2: a batch that becomes whole while a reader looks is no damage" {
	put t one
	put t two
	local half
	half=$(($(stat -c %s "$dir/$log") + 30))
	cp "$dir/.klog" before.klog
	put t three
	cp "$dir/.klog" after.klog
	cp "$dir/$log" after.log
	half_written() {
		overwrite before.klog "$dir/.klog"
		truncate -s "$half" "$dir/$log"
	}
	written() {
		overwrite after.log "$dir/$log"
		overwrite after.klog "$dir/.klog"
	}
	all_three() {
		equal "$(cat out said)" $'one\ntwo\nthree'
	}
	stop_anywhere half_written written all_three klog-consume -f -c 3 t
}

@test "rules: D4: a segment that grows and is left while a reader looks is read to its end" {
	# Four batches to a segment; two are there when the reader begins.
	two() {
		dir=$(partition "t$1")
		klog-create -q -X index.interval.bytes=1 -X segment.index.bytes=48 "t$1"
		more "$1" 1 2
		ln -sfn "$KLOG_CLUSTER/t$1/0" now
	}
	more() {
		local i
		for i in "${@:2}"; do
			klog-produce --no-sync "t$1" <<<"$i"
			sleep 0.002
		done
	}
	three_more() {
		more "$1" 3 4 5
	}
	all_five() {
		[ -n "$(find "$dir" -name '*4.log')" ]
		equal "$(cat out said)" "$(seq 5)"
	}
	stop_anywhere two three_more all_five klog-consume -f -c 5 ./now
}

@test "rules: D5: a segment that is removed while a reader looks is gone below the log start" {
	klog-create -q -X segment.index.bytes=24 -X index.interval.bytes=1 gone
	dir=$(partition gone)
	local i
	for i in 0 1 2 3 4 5; do
		put gone "$i"
		sleep 0.002
	done
	[ -e "$dir/00000000000000000002.log" ]
	mkdir aside
	cp -l "$dir"/${log%log}* aside/
	whole() {
		cp -lf aside/* "$dir"
		state log-start=0
	}
	removed() {
		state log-start=2
		rm "$dir"/${log%log}*
	}
	all_or_the_rest() {
		if [ "$(cat out)" = "$(seq 2 5)" ]; then
			[ ! -s said ] || grep -q ' 0 to 1 are gone' said
		else
			equal "$(cat out said)" "$(seq 0 5)"
		fi
	}
	stop_anywhere whole removed all_or_the_rest klog-consume gone
}

@test "rules: D7: a reader opens nothing to write, takes no lock, makes nothing" {
	put t one
	klog-produce --no-sync t <<<two
	local what
	for what in '' '--synced' '--tail 1' '-o 1' '-f -c 2'; do
		# shellcheck disable=SC2086
		strace -f -o trace -e trace=%file,fcntl,flock,pwrite64,ftruncate,fsync,fdatasync,fallocate \
			klog-consume $what t >out
		[ -s out ]
		run ! grep -E 'O_RDWR|O_WRONLY|O_CREAT|LCK|flock|pwrite64|ftruncate|sync\(|fallocate|rename|unlink|mkdir|^link' trace
	done
	# whose log a new start of the machine left, too
	state boot=0
	strace -f -o trace -e trace=%file,fcntl,pwrite64,ftruncate klog-consume t >out
	equal "$(cat out)" $'one\ntwo'
	run ! grep -E 'O_RDWR|O_WRONLY|O_CREAT|LCK|pwrite64|ftruncate|rename|unlink' trace
}

#!/usr/bin/env bats
# Power cuts, on ext4 and XFS of a loop device: the file system's own shutdown
# loses all that was not on the device.  What was acknowledged before it began
# must be there.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers
load disk

fixture() {
	on_disk
}

# ---- under load -------------------------------------------------------------

# Three writers and a reader: one that goes on, synced every few
# milliseconds; one that goes on and never syncs, or by count; one line a run,
# in a journal when the run said that it is stored.  Every third time only the
# last of these: nobody rolls, and nobody else syncs.
load_it() {
	local n=$1 topic=$2 second=(-X flush.messages=500)
	[ $((n % 2)) -eq 0 ] || second=(--no-sync)
	: >journal
	: >shown
	if [ $((n % 3)) -ne 0 ]; then
		make-lines "${n}a" 10000000 100 2>/dev/null |
			klog-produce --batch-size 4000 -X flush.ms=5 "$topic" \
				2>/dev/null &
		make-lines "${n}b" 10000000 100 2>/dev/null |
			klog-produce --batch-size 9000 "${second[@]}" "$topic" \
				2>/dev/null &
	fi
	jobs -p >pids
	(
		echo "$BASHPID" >>pids
		i=0
		while echo "${n}c $i" | klog-produce "$topic" 2>/dev/null; do
			echo "$i" >>journal
			i=$((i + 1))
		done
	) &
	klog-consume -f --synced -o "$start" -F '%o %e %s\n' "$topic" \
		>shown 2>/dev/null &
}

segments() {
	find "$(partition "$1")" -name '*.log' | wc -l
}

loaded() {
	has_lines journal 3 && [ -s shown ] &&
		{ [ $(($1 % 3)) -eq 0 ] || [ "$(segments "$2")" -ge "$3" ]; }
}

# survived CUT START ACKNOWLEDGED <have: offsets have no gap, each writer's
# lines are the first that it sent, and those that were acknowledged.
survived() {
	awk -v n="$1" -v next_offset="$2" -v acked="$3" '
		BEGIN {
			for (i = 0; i < 100; i++)
				letters = letters sprintf("%c", 97 + i % 26)
		}
		$1 != next_offset++ { print "offset " $1; exit bad = 1 }
		{
			line = substr($0, length($1 " " $2) + 2)
			split(line, word, " ")
			size = length(word[1] " " word[2])
			who = word[1]
		}
		who != n "a" && who != n "b" && who != n "c" ||
		(who != n "c" &&
			substr(line, size + 2) != substr(letters, size + 2)) ||
		(who == n "c" && length(line) != size) {
			print "nobody sent " line
			exit bad = 1
		}
		word[2] != count[who]++ {
			print line " after " count[who] - 1
			exit bad = 1
		}
		END {
			if (!bad && count[n "c"] < acked) {
				print "acknowledged " acked ", there " count[n "c"]
				exit 1
			}
		}'
}

# Thirty cuts; a new topic every six, so that the disk does not fill.
cuts() {
	local n topic start=0 epoch=0 last acked total=0 lines
	disk "$@"
	for n in {1..30}; do
		topic=t$((n / 6))
		if [ ! -e "$KLOG_CLUSTER/$topic" ]; then
			rm -rf "$KLOG_CLUSTER"/t*
			klog-create -q -X segment.bytes=1MiB "$topic"
			start=0 epoch=0
		fi
		load_it "$n" "$topic"
		until_true 60 loaded "$n" "$topic" $(($(segments "$topic") + 2))
		sleep "0.0$((RANDOM % 60 + 10))"

		# what is acknowledged by then
		power_cut journal shown
		read -r acked lines <sizes
		acked=$(head -c "$acked" journal | wc -l)
		head -c "$lines" shown | sed '$d' >shown.whole

		# as it is found
		klog-consume -o "$start.." -F '%o %e %s\n' "$topic" >have 2>err ||
			fail "cut $n: a reader ends with $?: $(cat err)"
		[ ! -s err ] || fail "cut $n: a reader says $(cat err)"
		survived "$n" "$start" "$acked" <have || fail "cut $n"
		head -c "$(stat -c %s shown.whole)" have | cmp - shown.whole ||
			fail "cut $n: what --synced showed is gone"

		# and whoever writes next
		klog-produce -v "$topic" <<<next 2>err ||
			fail "cut $n: the next writer: $(cat err)"
		grep -q ': recovered: ' err || fail "cut $n: no recovery"
		last=$(klog-consume -o -1 -F '%o %e %s' "$topic")
		epoch=$((epoch + 1))
		[ "${last#*" "}" = "$epoch next" ] ||
			fail "cut $n: $last, epoch $epoch expected"
		klog-consume -o "$start.." -F '%o %e %s\n' "$topic" >after
		cmp after <(cat have && echo "$last") || fail "cut $n: recovered"
		partition-check -q -s 1048576 "$(partition "$topic")" ||
			fail "cut $n: not as Kafka has it"
		start=$((${last%%" "*} + 1))
		total=$((total + acked))
	done
	echo "acknowledged one by one: $total"
}

@test "power: 30 cuts under writers that roll, ext4" {
	cuts ext4
}

@test "power: 30 cuts under writers that roll, XFS" {
	cuts xfs
}

@test "power: 30 cuts under writers that roll, ext4 with noauto_da_alloc" {
	cuts ext4 noauto_da_alloc
}

# ---- at each call of one run --------------------------------------------------

# At each call of klog-create: the topic is there whole, or not at all, and in
# any case can be made.
create_cut() {
	local call topic yaml
	disk "$@"
	klog-create -q first
	for ((call = 1; ; call++)); do
		topic=topic-$call
		cut_at "$call" klog-create -q -p 2 "$topic"
		[ -n "$cut" ] || break
		yaml=$KLOG_CLUSTER/$topic/topic.yaml
		if [ -e "$KLOG_CLUSTER/$topic" ]; then
			[ -s "$yaml" ] || fail "call $call: topic.yaml is empty"
			! grep -qP '\0' "$yaml" ||
				fail "call $call: NUL in topic.yaml"
			klog 0 consume "$topic"
			equal "$stderr" ""
			klog 0 produce "$topic" <<<before
		else
			klog 1 consume "$topic"
		fi
		klog-create -q --if-not-exists -p 2 "$topic"
		klog-produce "$topic" <<<line
		klog-consume "$topic" | tail -1 | grep -qx line
		sound "$topic"
		[ -z "$(find "$KLOG_CLUSTER" -name '.new-*')" ] ||
			fail "call $call: a leftover"
	done
	[ "$call" -gt 30 ] || fail "only $call calls"
	# exit 0: it is there
	klog-create -q -p 2 whole
	power_cut
	klog 0 consume whole
	klog-produce whole <<<line
	sound whole
}

@test "power: a cut at each call of klog-create, ext4" {
	create_cut ext4
}

@test "power: a cut at each call of klog-create, ext4 with noauto_da_alloc" {
	create_cut ext4 noauto_da_alloc
}

@test "power: a cut at each call of klog-create, XFS" {
	create_cut xfs
}

# kept LINES TOPIC: its records begin with those of the file, and from there
# are the first of `new`.
kept() {
	klog-consume "$2" >have 2>err || fail "a reader ends with $?"
	[ ! -s err ] || fail "a reader says $(cat err)"
	head -c "$(stat -c %s "$1")" have | cmp - "$1" || fail "lost"
	tail -c +"$(($(stat -c %s "$1") + 1))" have >rest
	cmp -n "$(stat -c %s rest)" rest new || fail "not what was sent"
}

# A run that rolls, cut at each of its calls; every second one never syncs.
roll_cut() {
	local call option
	disk "$@"
	make-lines 1 8500 100 >old
	make-lines 2 3000 100 >new
	for ((call = 1; ; call++)); do
		rm -rf "${KLOG_CLUSTER:?}/t"
		klog-create -q -X segment.bytes=1MiB t
		klog-produce t <old
		option=--quiet
		[ $((call % 2)) -eq 0 ] || option=--no-sync
		cut_at "$call" klog-produce --batch-size 60000 "$option" t new
		[ -n "$cut" ] || break
		kept old t
		klog 0 produce t <<<next
		klog-consume t | cmp - <(cat have && echo next)
		[ "$(klog-consume -o -1 -F %e t)" -eq 1 ] ||
			fail "call $call: no new leader epoch"
		sound t -s 1048576
	done
	[ "$call" -gt 25 ] || fail "only $call calls"
	[ "$(segments t)" -eq 2 ]
}

@test "power: a cut at each call of a run that rolls, ext4" {
	roll_cut ext4
}

@test "power: a cut at each call of a run that rolls, XFS" {
	roll_cut xfs
}

# The power goes while a writer recovers from a power cut.
recovery_cut() {
	local call log
	disk "$@"
	log=$(partition t)/00000000000000000000.log
	make-lines 1 100 100 >old
	make-lines 2 300 100 >new
	for ((call = 1; ; call++)); do
		rm -rf "${KLOG_CLUSTER:?}/t"
		klog-create -q t
		klog-produce t old
		klog-produce --no-sync --batch-size 9000 t new
		# every second time all of that gets to the disk, and a torn tail
		if [ $((call % 2)) -eq 0 ]; then
			tail -c 9000 "$log" >torn
			head -c $((RANDOM % 9000 + 1)) torn >>"$log"
			sync -d "$log"
		fi
		power_cut
		kept old t
		[ $((call % 2)) -ne 0 ] || cmp rest new
		cp have before
		cut_at "$call" klog-produce -v t - <<<more
		[ -n "$cut" ] || break
		klog-consume t >have
		cmp have before || {
			cmp have <(cat before && echo more)
			echo more >>before
		}
		klog 0 produce t <<<next
		klog-consume t | cmp - <(cat before && echo next)
		klog-consume -o -2 -F '%e ' t | awk '{ exit $1 >= $2 }' ||
			fail "call $call: no new leader epoch"
		sound t
	done
	grep ': recovered: ' err
	[ "$call" -gt 12 ] || fail "only $call calls"
}

@test "power: a cut at each call of a recovery, ext4" {
	recovery_cut ext4
}

@test "power: a cut at each call of a recovery, XFS" {
	recovery_cut xfs
}

# stored FILE TOPIC: each of its lines a record, a batch and a segment.
stored() {
	local line
	while read -r line; do
		klog-produce -J "$2" <<<"$line"
	done <"$1"
}

# klog-clean, cut at each of its calls: what a reader makes of the topic counts
# the same as before, and the next run comes to what one without a cut comes to.
# Every second time nobody had synced the last record that it cleans.
clean_cut() {
	local call option setting=$1
	disk "$2"
	awk 'BEGIN { for (i = 0; i < 4; i++)
		printf "{\"ts\":%d,\"key\":\"%d\",\"payload\":%s}\n",
			100 * i, i % 3, i == 2 ? "null" : "\"" i "\"" }' >old
	for ((call = 0; ; call++)); do
		rm -rf "${KLOG_CLUSTER:?}/t"
		klog-create -q -X segment.ms=1 \
			-X min.cleanable.dirty.ratio=0 -X "$setting" t
		stored old t
		option=--quiet
		[ $((call % 2)) -eq 0 ] || option=--no-sync
		echo '{"ts":900,"key":"7","payload":"7"}' |
			klog-produce "$option" -J t
		echo '{"ts":1900,"key":"8","payload":"8"}' |
			klog-produce "$option" -J t
		cut_at "$call" klog-clean t
		# recovery makes indexes anew, the next run tidies
		klog-inspect --verify t | grep -vE " (index|leftover)$|^FILE " &&
			fail "call $call: damage"
		klog 0 consume -Z -F '%k=%s\n' t
		equal "$stderr" ""
		last_values <<<"$output" >have
		if [ "$call" -eq 0 ]; then
			cp have last
		elif [ "$setting" = cleanup.policy=compact ]; then
			cmp have last || fail "call $call: a key's last value"
		fi
		klog 0 clean t
		klog 0 inspect --verify t
		[ -z "$(find "$(partition t)" -name '*.cleaned' -o \
			-name '*.swap' -o -name '*.new')" ] ||
			fail "call $call: a leftover"
		klog-consume -F '%o %k=%s\n' t | grep -v ' [78]=' >have || true
		[ "$call" -gt 0 ] || cp have want
		cmp have want || fail "call $call: not as without a cut"
		klog-produce -k x t <<<next
		[ "$(klog-consume -o -1 t)" = next ]
		[ "$call" -eq 0 ] || [ -n "$cut" ] || break
	done
	[ "$call" -gt 25 ] || fail "only $call calls"
}

# Of `KEY=VALUE` lines what each key has last.
last_values() {
	awk -F = '$1 < 7 { last[$1] = $2 }
		END { for (k in last) print k "=" last[k] }' | sort
}

@test "power: a cut at each call of a compaction, ext4" {
	clean_cut cleanup.policy=compact ext4
}

@test "power: a cut at each call of a compaction, XFS" {
	clean_cut cleanup.policy=compact xfs
}

@test "power: a cut at each call of a compaction, ext4, names ahead of files" {
	export KLOG_POWER_NAMES=1
	clean_cut cleanup.policy=compact ext4
}

@test "power: a cut at each call of retention, ext4" {
	clean_cut retention.ms=1000 ext4
}

@test "power: a cut at each call of retention, ext4, names ahead of files" {
	export KLOG_POWER_NAMES=1
	clean_cut retention.ms=1000 ext4
}

# ---- who kept an offset, and other ways to lose the cache ----------------------

@test "power: an offset that was kept leads back to where the histories part" {
	local type kept end
	for type in ext4 xfs; do
		disk "$type"
		klog-create -q t
		seq -f 'first %g' 10 | klog-produce t
		seq -f 'lost %g' 10 | klog-produce --no-sync t
		klog-consume -F '%s\n' t >seen
		kept=$(klog-consume -o -1 -F '%o/%e' t)
		end=$((${kept%/*} + 1))/${kept#*/}
		equal "$end" 20/0
		power_cut
		seq -f 'second %g' 15 | klog-produce t
		# nothing of the second fifteen is passed over, and it is said
		klog 0 consume -o "$end" t
		error_line consume "10 to 19"
		equal "$output" "$(seq -f 'second %g' 15)"
		# one that was synced stands for what it stood for
		klog 0 consume -o 10/0 t
		equal "$stderr" ""
		equal "$output" "$(seq -f 'second %g' 15)"
		klog 0 consume -o 7/0 -c 2 t
		equal "$output" $'first 8\nfirst 9'
		umount "$disk"
	done
}

@test "power: mounted again in the same boot is a power cut to klog (T2)" {
	local type
	for type in ext4 xfs; do
		disk "$type"
		klog-create -q t
		seq 10 | klog-produce --no-sync t
		klog 0 produce -v t <<<same
		[[ $stderr != *recovered* ]]
		remount
		klog 0 produce -v t <<<other
		[[ $stderr == *"t/0: recovered: whole up to offset 11; leader epoch 1"* ]]
		klog 0 produce -v t <<<more
		[[ $stderr != *recovered* ]]
		equal "$(klog-consume t)" "$(seq 10 && printf 'same\nother\nmore')"
		umount "$disk"
	done
}

@test "power: a copy of a partition is synced when it is recovered (T2)" {
	KLOG_CLUSTER=$BATS_TEST_TMPDIR/cluster
	klog-create -q -X segment.bytes=1MiB t
	make-lines 0 30000 100 | klog-produce t
	[ "$(segments t)" -ge 3 ]
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	# before the power could go again, each of its segments is on the disk
	strace -f -y -e trace=fdatasync,fsync -o trace klog-produce u <<<next
	local log
	for log in "$(partition u)"/*.log; do
		grep -q "fdatasync.*/u/0/$(basename "$log")>" trace ||
			fail "$(basename "$log") is not synced"
	done
	equal "$(klog-consume -o -1 -F '%e %s' u)" "1 next"
	# and once only
	strace -f -y -e trace=fdatasync,fsync -o trace klog-produce u <<<more
	equal "$(grep -c fdatasync trace)" 1
}

@test "power: an older state than the segments: a reader finds what is synced (D7)" {
	KLOG_CLUSTER=$BATS_TEST_TMPDIR/cluster
	klog-create -q -X segment.bytes=1MiB t
	make-lines 0 100 100 | klog-produce t
	cp "$(partition t)/.klog" before
	make-lines 0 30000 100 | klog-produce t
	[ "$(segments t)" -ge 3 ]
	# the state is not synced at a roll, and another file is another stamp
	cp before "$(partition t)/.klog.new"
	mv "$(partition t)/.klog.new" "$(partition t)/.klog"
	klog-consume t >have
	cmp have <(make-lines 0 100 100 && make-lines 0 30000 100)
	# and damage in a segment that is not the last is told
	printf X | dd of="$(partition t)/00000000000000000000.log" bs=1 \
		seek=500000 conv=notrunc status=none
	klog 3 consume t
	[[ $stderr == *00000000000000000000.log* ]]
}

@test "power: a time index that was lost takes no record from a look-up by time" {
	local ahead time
	KLOG_CLUSTER=$BATS_TEST_TMPDIR/cluster
	klog-create -q -X index.interval.bytes=0 t
	# the first record is of a clock that was set back afterwards
	for ahead in 1000 0 0 0; do
		echo "ahead $ahead" | LD_PRELOAD=$KLOG_FAULT/libclock.so \
			KLOG_CLOCK=$ahead klog-produce t
	done
	time=$(($(klog-consume -o 1 -c 1 -F %T t) + 500000))ms
	klog-consume --since "$time" t >want
	equal "$(head -1 want)" "ahead 1000"
	# a copy is recovered, with the offset index, and without this one
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	: >"$(partition u)/00000000000000000000.timeindex"
	klog-produce u <<<next
	echo next >>want
	klog-consume --since "$time" u | cmp - want
	sound u
}

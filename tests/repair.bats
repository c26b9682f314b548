#!/usr/bin/env bats
# klog-inspect --repair: what it mends, what it keeps, and what it leaves.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

first=00000000000000000000
second=00000000000000000005
third=00000000000000000010

# Three segments of five batches of 72 bytes, offsets 0, 5 and 10; closed on
# the way, so that `.klog` knows no more than any writer would.
fixture() {
	local segment i
	klog-create -q -X segment.ms=10s -X index.interval.bytes=100 t
	for segment in 0 1 2; do
		for i in 0 1 2 3 4; do
			echo "{\"ts\":$((1700000000000 + segment * 20000 + i)),\"payload\":\"v$segment-$i\"}" |
				klog-produce -q -J t
		done
	done
	dir=$(partition t)
}

spoil() {
	hex "${3:-ff}" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

all_of_it() {
	find "$KLOG_CLUSTER" -type f -exec sha256sum {} + | sort
}

sound_again() {
	klog 0 inspect --verify t
	equal "$output$stderr" ''
	partition-check -q "$dir"
}

@test "repair: a partition that is sound is left alone, in silence" {
	all_of_it >before
	klog 0 inspect --repair t
	equal "$output$stderr" ''
	klog 0 inspect --repair --dry-run t
	equal "$output$stderr" ''
	klog-consume t | wc -l | grep -qx 15
	[ ! -e "$dir/.klog.removed" ]
}

@test "repair: a damaged end is cut, kept, and a leader epoch begins" {
	tail -c +145 "$dir/$third.log" >end
	spoil "$dir/$third.log" 210
	spoil end 66
	all_of_it >before
	klog 3 inspect --repair --dry-run t
	[[ $output == *"$third.log  144 "*would_be_cut_from_offset_12_on* ]]
	all_of_it | diff before -
	klog 0 inspect --repair t
	[[ $output == *"$third.log  144 "*cut_from_offset_12_on* ]]
	cmp end "$dir/.klog.removed"/*
	equal "$(find "$dir/.klog.removed" -type f | wc -l)" 1
	sound_again
	equal "$(klog-consume -F '%o %e %s\n' t | tail -n 1)" '11 0 v2-1'
	echo next | klog-produce t
	equal "$(klog-consume -F '%o %e %s\n' t | tail -n 1)" '12 1 next'
	equal "$(tail -n 1 "$dir/leader-epoch-checkpoint")" '1 12'
	sound_again
}

@test "repair: the end is cut at a wrong offset, length or epoch, too" {
	local at
	cp -r "$KLOG_CLUSTER/t" whole
	for at in 7 8 15 16; do
		spoil "$dir/$third.log" $((216 + at)) 7f
		klog 0 inspect --repair t
		sound_again
		equal "$(klog-consume t | wc -l)" 13
		for _ in 1 2; do
			echo '{"ts":1700000040005,"payload":"again"}' |
				klog-produce -q -J t
		done
	done
}

@test "repair: a last segment that is shorter than it was" {
	truncate -s 200 "$dir/$third.log"
	klog 3 inspect --verify t
	klog 0 inspect --repair t
	sound_again
	equal "$(klog-consume t | wc -l)" 12
	echo next | klog-produce t
	sound_again
}

@test "repair: where the state says another end, the cut is at a batch" {
	klog-state "$dir/.klog" marks=1 recovery=14 recovery-position=288 next=16
	klog 3 inspect --verify t
	[[ $output == *"$third.log  288 "*" 14 "*the_state_says_16* ]]
	klog 0 inspect --repair t
	[[ $output == *cut_from_offset_14_on* ]]
	sound_again
	echo next | klog-produce t
	equal "$(klog-consume -F '%o %e %s\n' t | tail -n 1)" '14 1 next'
	sound_again
}

@test "repair: with a compaction's segment behind it the last one has no end to cut" {
	spoil "$dir/$third.log" 210
	: >"$dir/.klog"
	: >"$dir/00000000000000000020.log.swap"
	cp "$dir/$third.log" before
	klog 3 inspect --repair t
	[[ $output == *"$third.log"*" 144 "*left:_restore_it* ]]
	cmp "$dir/$third.log" before
	[ ! -e "$dir/.klog.removed" ]
}

@test "repair: indexes are made anew, and nothing else" {
	sha256sum "$dir"/*.log >logs
	sha256sum "$dir"/*.index "$dir"/*.timeindex >indexes
	rm "$dir/$first.timeindex"
	: >"$dir/$second.index"
	spoil "$dir/$third.index" 3
	printf 'xyz' >>"$dir/$third.timeindex"
	klog 3 inspect --repair --dry-run t
	equal "$(grep -c would_be_made_anew <<<"$output")" 4
	klog 0 inspect --repair t
	equal "$(grep -c 'index  *made_anew' <<<"$output")" 4
	sha256sum -c --quiet logs
	# of a closed segment they are those that were
	grep -v "$third" indexes | sha256sum -c --quiet
	sound_again
	[ ! -e "$dir/.klog.removed" ]
	echo next | klog-produce t
	sound_again
}

@test "repair: leader-epoch-checkpoint and .klog are made anew" {
	echo junk >"$dir/leader-epoch-checkpoint"
	spoil "$dir/.klog" 100
	klog 0 inspect --repair t
	sound_again
	rm "$dir/leader-epoch-checkpoint"
	spoil "$dir/.klog" 4200
	spoil "$dir/.klog" 1000
	klog 0 inspect --repair t
	sound_again
	head -c 4608 /dev/zero >"$dir/.klog"
	klog 3 inspect --verify t
	klog 0 inspect --repair t
	sound_again
	equal "$(klog-consume t | wc -l)" 15
}

@test "repair: damage before the last segment is told and not touched" {
	spoil "$dir/$second.log" 210
	spoil "$dir/$first.index" 3
	sha256sum "$dir"/*.log >logs
	klog 3 inspect --repair t
	grep -q "$second.log  *144 .*left" <<<"$output"
	[[ $output == *"$first.index"*made_anew* ]]
	sha256sum -c --quiet logs
	rm "$dir/$second.log"
	klog 3 inspect --repair t
	[[ $output == *"$second.log"*missing*left* ]]
	[ ! -e "$dir/$second.log" ]
	# and a damaged end beside it can be cut all the same
	spoil "$dir/$third.log" 210
	klog 3 inspect --repair t
	[[ $output == *"$third.log  144 "*cut_from_offset_12_on* ]]
	equal "$(stat -c %s "$dir/$third.log")" 144
}

@test "repair: what klog did not write it does not write" {
	mkdir logs
	cp -r "$dir" logs/t-0
	rm logs/t-0/.klog*
	spoil "logs/t-0/$third.log" 210
	find logs -type f -exec sha256sum {} + | sort >before
	klog 2 inspect --repair logs/t-0
	usage_error inspect klog-inspect\ --verify klog-consume
	klog 2 inspect --repair -C logs t
	usage_error inspect
	find logs -type f -exec sha256sum {} + | sort | diff before -
	rm "$dir/.klog"
	klog 2 inspect --repair t
	usage_error inspect .klog
	[ ! -e "$dir/.klog" ]
	klog 2 inspect --repair
	klog 2 inspect --dry-run t
	klog 2 inspect --repair --verify t
}

@test "repair: one partition, by its number or its path" {
	klog-alter -q -p 2 t
	seq 5 | klog-produce -q -p 1 t
	spoil "$(partition t 1)/$first.log" 65
	spoil "$dir/$third.log" 210
	klog 0 inspect --repair t:1
	klog 3 inspect --verify t
	equal "${#lines[@]}" 2
	klog 0 inspect --repair "$dir"
	klog 0 inspect --verify t
	klog 0 inspect --verify "$KLOG_CLUSTER/t"
}

@test "repair: a writer whose records were cut is told" {
	klog-create -q u
	seq 3 | klog-produce -q u
	opened one u
	spoil "$(partition u)/$first.log" 90
	exec 6<>"$(partition u)/.klog.lock"
	klog 0 inspect --repair u
	[[ $output == *cut* ]]
	equal "$(klog-consume u | wc -l)" 3
	# the writer hears of it
	exec 5>&- 6>&-
	ended 1 "$writer"
	grep -q cut err
}

@test "repair: -J has the keys of --verify, and what was done" {
	rm "$dir/$first.index"
	klog 3 inspect --repair --dry-run -J t
	equal "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" \
		'file position size offset what severity done'
	equal "$(jq -r '.done' <<<"$output")" 'would be made anew'
}

@test "repair: a wrong line of leader-epoch-checkpoint costs no record" {
	local bytes at
	# Epochs 0, 1 and 2, each of several batches of a record.
	for at in 0 1; do
		cp -r "$KLOG_CLUSTER/t" copy
		rm -r "$KLOG_CLUSTER/t"
		mv copy "$KLOG_CLUSTER/t"
		echo "a$at" | klog-produce t
		echo "b$at" | klog-produce t
	done
	klog-consume t >before
	equal "$(tr '\n' ' ' <"$dir/leader-epoch-checkpoint")" '0 3 0 0 1 15 2 17 '
	cp "$dir/leader-epoch-checkpoint" good
	for bytes in '0 1\n1 15\n2 17' '0 0\n1 14\n2 17' '0 0\n1 16\n2 17' \
		'0 0\n1 15\n2 16' '0 0\n1 15\n2 18' '0 4\n1 15\n2 17'; do
		# shellcheck disable=SC2059
		printf "0\n3\n$bytes\n" >"$dir/leader-epoch-checkpoint"
		klog 0 inspect --repair t
		[ "${#lines[@]}" -eq 2 ]
		[[ ${lines[1]} == *t/0/leader-epoch-checkpoint*index*made_anew ]]
		cmp good "$dir/leader-epoch-checkpoint"
		klog-consume t | cmp before -
	done
}

@test "repair: what is damaged before the log start costs nothing behind it" {
	klog-alter -q -X retention.ms=-1 t
	klog-clean --before 13 t
	spoil "$dir/$third.log" 100
	klog-consume t >before
	klog 3 inspect --repair t
	[[ ${lines[1]} == *$third.log*damage*left:_it_lies_before_the_log_start* ]]
	[ ! -e "$dir/.klog.removed" ]
	klog-consume t | cmp before -
	equal "$(wc -l <before)" 2
}

@test "repair: what was kept before is never written over" {
	spoil "$dir/$third.log" 350
	klog 0 inspect --repair t
	find "$dir/.klog.removed" -type f -exec sha256sum {} + >kept
	equal "$(wc -l <kept)" 1
	# The same place again, with the state lost, so that it gets the same
	# name.
	for i in 1 2 3; do
		echo '{"ts":1700000040004,"payload":"anew"}' | klog-produce -J t
	done
	spoil "$dir/$third.log" 350
	spoil "$dir/.klog" 20
	spoil "$dir/.klog" 4120
	klog 0 inspect --repair t
	[ "$(find "$dir/.klog.removed" -type f | wc -l)" -eq 2 ]
	sha256sum --quiet -c kept
	sound_again
}

@test "repair: where it may be the .log that is wrong an index entry is left" {
	local i size
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=0 -X index.interval.bytes=1 c
	for i in 1 2 3 4 5; do
		printf 'k%s:v\n' "$i" k1 "$i" | klog-produce -K : c
		sleep 0.01
	done
	klog-clean c
	dir=$(partition c)
	size=$(stat -c %s "$dir/$first.index")
	[ "$size" -ge 8 ]
	# The last entry's offset.
	spoil "$dir/$first.index" $((size - 5)) 7f
	klog 3 inspect --repair c
	[[ ${lines[1]} == *$first.index*index*left:_it,_or_the_batch* ]]
	rm "$dir/$first.index"
	klog 0 inspect --repair c
	klog 0 inspect --verify c
	equal "$output" ''
}

@test "repair: it says of nothing that it was done when it was not" {
	# Damage that stays, and a log that was copied.
	spoil "$dir/$first.log" 100
	rm "$dir/$second.index"
	cp -r "$KLOG_CLUSTER/t" copy
	rm -r "$KLOG_CLUSTER/t"
	mv copy "$KLOG_CLUSTER/t"
	klog 3 inspect --repair t
	grep -q "$second.index .*left:_first_restore" <<<"$output"
	[ ! -e "$dir/$second.index" ]
}

@test "repair: when it fails the lines say so" {
	spoil "$dir/$third.log" 350
	rm "$dir/$first.index"
	klog-inspect --repair --dry-run t >/dev/null || true
	chattr +i "$dir/$third.log" 2>/dev/null || skip 'no immutable files here'
	run --separate-stderr klog-inspect --repair t
	chattr -i "$dir/$third.log"
	explain repair
	[ "$status" -eq 3 ] || [ "$status" -eq 1 ]
	[[ $output != *made_anew* && $output != *cut_from* ]]
	grep -q 'not_done' <<<"$output"
	klog 0 inspect --repair t
	sound_again
}

@test "repair: leftovers are told as --dry-run tells them" {
	head -c 50 "$dir/$first.log" >>"$dir/$third.log"
	touch "$dir/$first.log.deleted"
	klog 0 inspect --repair --dry-run t
	[ "${#lines[@]}" -eq 3 ]
	grep -q "$third.log .*leftover.*would_be_tidied" <<<"$output"
	klog 0 inspect --repair t
	[ "${#lines[@]}" -eq 3 ]
	grep -q "$third.log .*leftover *tidied" <<<"$output"
	grep -q "deleted .*leftover *left_to" <<<"$output"
	rm "$dir/$first.log.deleted"
	sound_again
}

@test "repair: a partition that cannot be opened hides no other" {
	klog-create -q -p 3 u
	for p in 0 1 2; do
		echo x | klog-produce -p "$p" u
	done
	rm -r "$(partition u 1)" "$(partition u 0)/$first.index" \
		"$(partition u 2)/$first.index"
	klog 3 inspect --repair u
	equal "$(grep -c 'index *made_anew$' <<<"$output")" 2
	error_line inspect 'partition 1' missing
}

#!/usr/bin/env bats
# Kafka's message formats 0 and 1: partitions that Kafka's own builder made.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

# Offsets 5 to 40, in five sets: 5-6, 7, 8-10, 11-30, 31-40.
fixture() {
	data=$(cd "$BATS_TEST_DIRNAME/data/old-formats" && pwd)
	cp -r "$data"/*-0 .
	log=00000000000000000005.log
}

# shows DIR [OPTION...]: prints as the .shown files of the data do.
shows() {
	local dir=$1
	shift
	klog-consume -Z -F '%o %T %k %s\n' "$@" "./$dir/"
}

# offsets OPERAND...: the offsets that klog-consume prints, in one line.
offsets() {
	klog 0 consume -F '%o ' "$@"
}

@test "old formats: each codec, each kind, as Kafka's reader shows it" {
	local shown name count=0
	for shown in "$data"/*.shown; do
		name=$(basename "$shown" .shown)
		shows "$name-0" | diff "$shown" - || fail "$name"
		count=$((count + 1))
	done
	[ "$count" -ge 15 ]
	equal "$(find . -newer ./v0-none-0 -name '.klog*')" ""
}

@test "old formats: from any offset on, and up to any" {
	local name from to
	for name in v0-none v0-gzip v0-gzip-compacted v1-none v1-lz4 \
		v1-gzip-compacted upgraded; do
		for from in $(seq 0 42); do
			to=$((from + 7))
			shows "$name-0" -q -X auto.offset.reset=earliest \
				-o "$from..$to" >got
			awk -v from="$from" -v to="$to" \
				'$1 >= from && $1 < to' "$data/$name.shown" |
				diff - got || fail "$name $from..$to"
		done
	done
}

@test "old formats: a segment by its path, the last records, a count" {
	offsets "./v1-gzip-0/$log" -o 39
	equal "$output" '39 40 '
	offsets ./v0-snappy-0/ -n 2
	equal "$output" '39 40 '
	offsets ./v1-snappy-0/ -c 3
	equal "$output" '5 6 7 '
	klog 0 consume -F '%e,%h,%K,%S' -c 1 ./v1-gzip-0/
	equal "$output" '-1,,1,1'
	klog 0 consume -F '%o/%e' -o 40/-1 ./v1-gzip-0/
	equal "$output" '40/-1'
}

@test "old formats: where a partition begins and ends" {
	klog 0 inspect ./v0-gzip-0/ ./v1-none-0/ ./upgraded-0/
	equal "$(awk '{ print $6, $7, $8 }' <<<"$output" | tail -n +2)" \
"5 41 $(stat -c %s "v0-gzip-0/$log")
5 41 $(stat -c %s "v1-none-0/$log")
5 29 $(stat -c %s "upgraded-0/$log")"
}

@test "old formats: an index leads past what is damaged before its entry" {
	# By the first offset of a set as brokers before 0.11, and by the last.
	local name
	for name in v0-none v0-gzip v0-lz4 v0-gzip-compacted v1-none v1-gzip \
		v1-snappy upgraded; do
		printf 'X' | dd of="$name-0/$log" bs=1 seek=20 conv=notrunc status=none
		shows "$name-0" -o 25 >got
		awk '$1 >= 25' "$data/$name.shown" | diff - got || fail "$name"
		klog 3 consume "./$name-0/"
	done
}

@test "old formats: an index that lies changes nothing but the speed" {
	local name kind
	for name in v0-none v1-gzip; do
		for kind in garbage far zeros missing; do
			case $kind in
			garbage) head -c 800 /dev/urandom ;;
			far) hex 0000000a000000300000001800000040 ;;
			zeros) head -c 4096 /dev/zero ;;
			esac >"$name-0/${log%.log}.index"
			[ $kind != missing ] || rm "$name-0/${log%.log}.index"
			shows "$name-0" -o 20 >got
			awk '$1 >= 20' "$data/$name.shown" | diff - got
		done
	done
}

@test "old formats: a time finds no record without one" {
	offsets -o @1500000000000ms ./v0-none-0/
	equal "$output" ""
	offsets -o max-timestamp ./v0-gzip-0/
	equal "$output" ""
	offsets --until 1500000000000ms ./v0-none-0/ -c 2
	equal "$output" '5 6 '
	offsets -o @0ms -c 1 ./upgraded-0/
	equal "$output" '13 '
	offsets -o max-timestamp ./upgraded-0/
	equal "$output" '28 '
}

@test "old formats: a time finds the record within a wrapper" {
	local at name
	for name in v1-none v1-gzip v1-lz4; do
		for at in 5 6 7 9 10 11 29 30 40; do
			offsets -o "@$((1700000000000 + at * 10 - 1))ms" -c 1 \
				"./$name-0/"
			equal "$output" "$at "
		done
		offsets -o @1700000000401ms "./$name-0/"
		equal "$output" ""
		offsets -o max-timestamp "./$name-0/"
		equal "$output" '40 '
	done
	# LogAppendTime: all have the time of the wrapper.
	offsets -o @1700000005000ms -c 1 ./v1-gzip-append-time-0/
	equal "$output" '5 '
	offsets -o @1700000005001ms ./v1-gzip-append-time-0/
	equal "$output" ''
}

@test "old formats: the newest over several partitions, those without a time first" {
	klog 0 consume -F '%t %o\n' -n 3 ./v0-none-0/ ./v1-none-0/
	equal "$output" $'v1-none 38\nv1-none 39\nv1-none 40'
	klog 0 consume -F '%o\n' -n 4 ./v0-none-0/ ./v0-gzip-0/
	equal "${#lines[@]}" 4
	klog 0 consume -F '%t\n' -n 40 ./v0-none-0/ ./v1-none-0/
	equal "$(sort <<<"$output" | uniq -c | xargs)" '4 v0-none 36 v1-none'
}

@test "old formats: cut at each byte, a part of it is shown and no part of a record" {
	local name size
	for name in v0-none v1-gzip; do
		size=$(stat -c %s "$name-0/$log")
		while [ "$size" -gt 0 ]; do
			size=$((size - 1))
			truncate -s "$size" "$name-0/$log"
			shows "$name-0" >got || fail "status $? at $size"
			head -n "$(wc -l <got)" "$data/$name.shown" | cmp - got
		done
	done
}

@test "old formats: cut, and another segment behind it, is damage" {
	truncate -s -1 "v0-none-0/$log"
	cp "v1-none-0/$log" v0-none-0/00000000000000000041.log
	klog 3 consume ./v0-none-0/
	[[ $stderr == *"$log: batch at "*'damaged: '* ]]
}

@test "old formats: damage is told with file and position" {
	# The last byte of the second message, a value.
	printf 'X' | dd of="v0-none-0/$log" bs=1 seek=54 conv=notrunc status=none
	klog 3 consume -F '%o ' ./v0-none-0/
	equal "$output" '5 '
	error_line consume "v0-none-0/: $log: batch at 28" 'offset 6' 'bad checksum'
	# Message 7 again behind message 8.
	{
		head -c 55 "$data/v0-none-0/$log"
		head -c 28 "$data/v0-none-0/$log"
	} >"v0-none-0/$log"
	klog 3 consume -F '%o ' ./v0-none-0/
	equal "$output" '5 6 '
	error_line consume 'offset 5 where 7 is next'
}

@test "old formats: a follower waits for the rest of a message" {
	mkdir slow-0
	head -c 40 "v1-none-0/$log" >"slow-0/$log"
	klog-consume -f -F '%o\n' ./slow-0/ >out &
	until_true 10 has_lines out 1
	tail -c +41 "v1-none-0/$log" >>"slow-0/$log"
	until_true 10 has_lines out 36
	kill $!
	diff <(seq 5 40) out
}

@test "old formats: in klog's own partitions they are damage" {
	klog-create -q t
	put t one two
	local own
	own=$(partition t)/00000000000000000000.log
	# Past the end it is a torn tail.
	head -c 28 "v0-none-0/$log" | tee one >>"$own"
	klog 0 consume t
	equal "$output" $'one\ntwo'
	put t three
	klog 0 consume t
	equal "$output" $'one\ntwo\nthree'
	sound t
	dd if=one of="$own" conv=notrunc status=none
	klog 3 consume t
	one_line_error consume "$(basename "$own")" 'batch at 0' 'old format 0'
}

@test "old formats: --merge, whose batches are copied" {
	local shown name
	for shown in "$data"/*.shown; do
		name=$(basename "$shown" .shown)
		shows "$name-0" --merge | diff "$shown" - || fail "$name"
	done
	# Two at a time, so that one's batch is read while the other's is shown.
	klog-consume --merge -Z -F '%t %o %T %k %s\n' ./v1-gzip-0 ./v1-lz4-0 >both
	sed -n 's/^v1-gzip //p' both | diff "$data/v1-gzip.shown" -
	sed -n 's/^v1-lz4 //p' both | diff "$data/v1-lz4.shown" -
	awk '{ print $3 }' both >stamps.out
	[ "$(uniq stamps.out | wc -l)" -lt "$(wc -l <stamps.out)" ]
}

@test "old formats: -J says what kind of time it is, and none stays none" {
	klog-consume -J ./v0-gzip-0 >lines
	equal "$(grep -c '"tstype":"unknown","ts":-1,' lines)" "$(wc -l <lines)"
	equal "$(klog-consume -J ./v1-gzip-0 | grep -c '"tstype":"create","ts":[0-9]')" \
		"$(wc -l <"$data/v1-gzip.shown")"
	equal "$(klog-consume -J ./v1-gzip-append-time-0 |
		grep -c '"tstype":"logappend","ts":[0-9]')" \
		"$(wc -l <"$data/v1-gzip-append-time.shown")"
	klog-create -q t
	klog-produce -J t lines
	klog-consume -Z -F '%T %k %s\n' t |
		diff <(cut -d ' ' -f 2- "$data/v0-gzip.shown") -
}

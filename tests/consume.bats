#!/usr/bin/env bats
# klog-consume: where to begin, where to end, and what is printed.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

fixture() {
	klog-create -q t
	# Ten records in four batches.
	seq 0 2 | klog-produce t
	seq 3 5 | klog-produce t
	seq 6 8 | klog-produce t
	seq 9 9 | klog-produce t
}

# reads "WANT" OPTION...: the records that klog-consume prints of t.
reads() {
	local want=$1
	shift
	klog 0 consume "$@" t
	equal "${output//$'\n'/ }" "$want"
	equal "$stderr" ""
}

@test "consume: everything, once, in order, and then it ends" {
	reads '0 1 2 3 4 5 6 7 8 9'
}

@test "consume: -o N" {
	reads '0 1 2 3 4 5 6 7 8 9' -o 0
	reads '4 5 6 7 8 9' -o 4
	reads '9' -o 9
	reads '' -o 10
}

@test "consume: -o N before the end" {
	reads '9' -o -1
	reads '6 7 8 9' -o -4
	reads '0 1 2 3 4 5 6 7 8 9' -o -10
	reads '0 1 2 3 4 5 6 7 8 9' -o -1000
}

@test "consume: -o beginning, earliest, end, latest" {
	reads '0 1 2 3 4 5 6 7 8 9' -o beginning
	reads '0 1 2 3 4 5 6 7 8 9' -o earliest
	reads '' -o end
	reads '' -o latest
}

@test "consume: -o N/EPOCH" {
	local epoch
	epoch=$(klog-consume -F '%e\n' -o 4 -c 1 t)
	reads '4 5 6 7 8 9' -o "4/$epoch"
	klog 2 consume -o 4/x t
	usage_error consume
}

@test "consume: -o ranges, the end exclusive, either side empty" {
	reads '2 3 4 5 6' -o 2..7
	reads '0 1 2' -o ..3
	reads '8 9' -o 8..
	reads '0 1 2 3 4 5 6 7 8 9' -o ..
	reads '' -o 4..4
	reads '7 8' -o -3..-1
	reads '9' -o 9..100
	reads '0 1' -o beginning..2
	reads '5 6 7 8 9' -o 5..end
}

@test "consume: a range that ends before it begins is wrong usage" {
	klog 2 consume -o 7..2 t
	usage_error consume
}

@test "consume: an offset past the end" {
	# Kafka's rule: out of range, and auto.offset.reset says what then.
	klog 0 consume -o 11 t
	klog 1 consume -o 11 -X auto.offset.reset=none t
	one_line_error consume 11
}

@test "consume: words that are no offset are wrong usage" {
	local bad
	for bad in x -x 1x 1... '1..2..3' @ @x 99999999999999999999 '' first 1/-2; do
		klog 2 consume -o "$bad" t
		usage_error consume
	done
}

# Three batches a few milliseconds apart: "old", "mid", "new" in timed.
timed() {
	klog-create -q timed
	echo old | klog-produce timed
	sleep 0.02
	printf 'mid1\nmid2\n' | klog-produce timed
	sleep 0.02
	echo new | klog-produce timed
	mapfile -t stamp < <(klog-consume -F '%T\n' timed)
}

@test "consume: by time: -o @TIME, --since, --until" {
	timed
	klog 0 consume -o "@${stamp[1]}ms" timed
	equal "$output" $'mid1\nmid2\nnew'
	klog 0 consume --since "$((stamp[1] + 1))ms" timed
	[[ "$output" == *new ]]
	klog 0 consume --since "$((stamp[3] + 1))ms" timed
	equal "$output" ""
	klog 0 consume --until "${stamp[1]}ms" timed
	equal "$output" old
	klog 0 consume --since "${stamp[1]}ms" --until "${stamp[3]}ms" timed
	equal "$output" $'mid1\nmid2'
	klog 0 consume -o "@${stamp[1]}ms..@${stamp[3]}ms" timed
	equal "$output" $'mid1\nmid2'
	klog 0 consume --until "$((stamp[3] + 1))ms" timed
	equal "${#lines[@]}" 4
}

@test "consume: the forms of TIME" {
	local form
	for form in 2020-01-02 2020-01-02T03:04 '2020-01-02 03:04:05' 2020-01-02T03:04:05.250 \
		2020-01-02T03:04:05Z 2020-01-02T03:04:05+01:00 -10m -2h -7d 1577934245 1577934245000ms; do
		klog 0 consume --since "$form" t
		equal "${#lines[@]}" 10
		klog 0 consume -o "@$form" t
		equal "${#lines[@]}" 10
	done
	klog 0 consume --until yesterday t
	equal "$output" ""
	klog 0 consume --since 2199-01-01 t
	equal "$output" ""
	for form in now today 14:00; do
		klog 0 consume --since "$form" t
	done
}

@test "consume: a local time is the zone's" {
	timed
	local utc berlin
	utc=$(date -u -d "@$((stamp[0] / 1000))" +%Y-%m-%dT%H:%M:%S)
	berlin=$(TZ=Europe/Berlin date -d "@$((stamp[0] / 1000))" +%Y-%m-%dT%H:%M:%S)
	equal "$(klog-consume --since "$utc" timed | wc -l)" 4
	[ -e /usr/share/zoneinfo/Europe/Berlin ] || skip "no time zones here"
	equal "$(TZ=Europe/Berlin klog-consume --since "$berlin" timed | wc -l)" 4
	equal "$(TZ=Europe/Berlin klog-consume --since "${utc}Z" timed | wc -l)" 4
}

@test "consume: a wrong TIME is wrong usage, a date without dashes shows the right form" {
	klog 2 consume --since 20261122 t
	usage_error consume 2026-11-22
	local bad
	for bad in 2026-13-01 2026-02-30 25:00 noon '' 2026-11-22T 10m - 12s34; do
		klog 2 consume --since "$bad" t
		usage_error consume
	done
}

@test "consume: -o max-timestamp is the newest record" {
	timed
	klog 0 consume -o max-timestamp timed
	equal "$output" new
}

@test "consume: -c ends after so many" {
	reads '0 1 2' -c 3
	reads '' -c 0
	reads '5 6' -o 5 -c 2
	reads '0 1 2 3 4 5 6 7 8 9' -c 1000
	klog 2 consume -c x t
	usage_error consume
	klog 2 consume -c -1 t
	usage_error consume
}

@test "consume: -n and --tail are the last so many" {
	reads '7 8 9' -n 3
	reads '7 8 9' --tail 3
	reads '' -n 0
	reads '0 1 2 3 4 5 6 7 8 9' -n 100
}

@test "consume: --tail over partitions is the newest by timestamp" {
	klog-create -q -p 3 three
	local i
	for i in 0 1 2 3 4 5 6 7; do
		echo "$i" | klog-produce -p $((i % 2)) three
		sleep 0.003
	done
	equal "$(klog-consume -n 3 three | sort | tr '\n' ' ')" '5 6 7 '
	equal "$(klog-consume --tail 6 three | sort | tr '\n' ' ')" '2 3 4 5 6 7 '
	echo late | klog-produce -p 2 three
	equal "$(klog-consume --tail 1 three)" late
	equal "$(klog-consume --tail 100 three | wc -l)" 9
	# Of one partition: those of its own.
	equal "$(klog-consume -p 0 --tail 2 three | tr '\n' ' ')" '4 6 '
}

@test "consume: -p LIST and TOPIC:PARTITION" {
	klog-create -q -p 4 four
	local i
	for i in 0 1 2 3; do
		echo "in $i" | klog-produce -p "$i" four
	done
	equal "$(klog-consume -p 2 four)" 'in 2'
	equal "$(klog-consume -p 0,2-3 four | sort)" $'in 0\nin 2\nin 3'
	equal "$(klog-consume four:1)" 'in 1'
	klog 1 consume -p 4 four
	one_line_error consume four 4
	klog 1 consume four:9
	one_line_error consume four 9
	klog 2 consume -p 1,x four
	usage_error consume
	klog 2 consume -p 3-1 four
	usage_error consume
	klog 2 consume -p 1 four:1
	usage_error consume
}

@test "consume: several partitions, each in offset order, each record once" {
	klog-create -q -p 5 five
	make-lines 0 30000 60 | klog-produce five
	klog-consume -F '%p %o %s\n' five | check-lines 1 30000
}

@test "consume: several topics" {
	klog-create -q -p 2 u
	echo a | klog-produce -p 0 u
	echo b | klog-produce -p 1 u
	equal "$(klog-consume -F '%t/%p/%o=%s\n' -o -1 t u | sort)" $'t/0/9=9\nu/0/0=a\nu/1/0=b'
	klog 1 consume t nosuch u
	error_line consume nosuch
}

@test "consume: -F has a token for each part of a record" {
	klog-create -q -p 2 all
	printf 'key=value\n' | klog-produce -p 1 -H h1=v1 -H h2=v2 all 2>/dev/null ||
		printf 'value\n' | klog-produce -k key -H h1=v1 -H h2=v2 all
	klog-create -q f
	printf 'key:value\n' | klog-produce -K : -H h1=v1 -H h2=v2 f
	equal "$(klog-consume -F '%t|%p|%o|%k|%K|%s|%S|%h|%%|%e\n' f)" \
		'f|0|0|key|3|value|5|h1=v1,h2=v2|%|0'
	equal "$(klog-consume -F '%v|%V\n' f)" 'value|5'
	klog-consume -F '%T' f | grep -qx '[0-9]\{13\}'
	equal "$(klog-consume -F '%d{%Y-%m-%dT%H:%M:%S}' f)" \
		"$(date -d "@$(($(klog-consume -F %T f) / 1000))" +%Y-%m-%dT%H:%M:%S)"
	equal "$(klog-consume -F '%R' f | od -An -tx1 | tr -d ' ')" 00000005
	equal "$(klog-consume -F 'a\tb\x41\\n' f)" $'a\tbA\\n'
}

@test "consume: -F '%i' counts, '%o' goes on" {
	klog 0 consume -F '%i ' -o 4 t
	equal "$output" '1 2 3 4 5 6 '
}

@test "consume: -F shows a null by its length" {
	klog-create -q nulls
	printf 'k:\nv\n' | klog-produce -Z -K : --on-error skip nulls || true
	printf 'v\n' | klog-produce nulls
	equal "$(klog-consume -F '%K,%S ' nulls)" '1,-1 -1,1 '
}

@test "consume: a token that is none is wrong usage" {
	klog 2 consume -F '%q' t
	usage_error consume %q
	klog 2 consume -F 'x%' t
	usage_error consume
	klog 2 consume -F '%d{%Y' t
	usage_error consume
	klog 2 consume -F '\xZZ' t
	usage_error consume
}

@test "consume: -K puts the key before the value" {
	klog-create -q keyed
	printf 'a=1\n=2\n' | klog-produce -K = keyed
	equal "$(klog-consume -K ': ' keyed)" $'a: 1\n: 2'
	klog-consume -K = keyed | klog-produce -K = t
	equal "$(klog-consume -o 10 -K = t)" $'a=1\n=2'
}

@test "consume: -D and -0 end the records" {
	klog 0 consume -D ';' -c 3 t
	equal "$output" '0;1;2;'
	klog-consume -0 -c 3 t | cmp - <(printf '0\0001\0002\0')
	klog 2 consume -D '' t
	usage_error consume
}

@test "consume: -Z prints a null as NULL, and nothing for an empty value" {
	klog-create -q nulls
	printf 'k:\n' | klog-produce -Z -K : nulls
	printf 'k:\n' | klog-produce -K : nulls
	klog 0 consume -Z -K : nulls
	equal "$output" $'k:NULL\nk:'
	klog 0 consume -K : nulls
	equal "$output" $'k:\nk:'
}

@test "consume: --synced shows what is synced" {
	reads '0 1 2 3 4 5 6 7 8 9' --synced
	klog-create -q u
	echo a | klog-produce u
	echo b | klog-produce --no-sync u
	equal "$(klog-consume u)" $'a\nb'
	equal "$(klog-consume --synced u)" a
	klog-create -q v
	echo b | klog-produce --no-sync v
	equal "$(klog-consume --synced v)" ''
	echo c | klog-produce v
	equal "$(klog-consume --synced v)" $'b\nc'
}

@test "consume: isolation.level and auto.offset.reset by -X, nothing unknown" {
	reads '9' -o 9 -X isolation.level=read_uncommitted
	reads '9' -o 9 -X isolation.level=read_committed
	klog 2 consume -X isolation.level=x t
	usage_error consume isolation.level
	klog 2 consume -X auto.ofset.reset=none t
	usage_error consume auto.offset.reset
}

@test "consume: a path of a topic, a partition, a segment" {
	local by
	for by in "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/t/" "$KLOG_CLUSTER/t/0" \
		"$KLOG_CLUSTER/t/0/00000000000000000000.log" ./cluster/t; do
		klog 0 consume "$by"
		equal "${output//$'\n'/ }" '0 1 2 3 4 5 6 7 8 9'
	done
	(cd cluster/t/0 && klog-consume ./00000000000000000000.log) | cmp - <(seq 0 9)
	klog 0 consume -o 7 "$KLOG_CLUSTER/t/0"
	equal "${output//$'\n'/ }" '7 8 9'
	klog 1 consume ./nowhere
	one_line_error consume ./nowhere
	klog 1 consume "$KLOG_CLUSTER/t/topic.yaml"
	one_line_error consume topic.yaml
}

@test "consume: one segment of several by its path" {
	klog-create -q -X segment.bytes=1MiB rolls
	make-lines 0 30000 100 | klog-produce rolls
	local log total=0 n
	for log in "$(partition rolls)"/*.log; do
		n=$(klog-consume "$log" | wc -l)
		equal "$(klog-consume -F '%o\n' "$log" | head -1)" "$((10#$(basename "$log" .log)))"
		total=$((total + n))
	done
	equal "$total" 30000
}

@test "consume: any offset of many segments" {
	klog-create -q -X segment.bytes=1MiB rolls
	make-lines 0 40000 100 | klog-produce rolls
	local base offset
	for base in $(cd "$(partition rolls)" && ls ./*.log); do
		base=$((10#$(basename "$base" .log)))
		for offset in $((base - 1)) $base $((base + 1)) $((base + 777)); do
			[ "$offset" -ge 0 ] && [ "$offset" -lt 40000 ] || continue
			klog 0 consume -c 1 -o "$offset" rolls
			[[ "$output" == "0 $offset "* ]]
		done
	done
	equal "$(klog-consume -o 12345..23456 rolls | wc -l)" 11111
}

@test "consume: lost or foolish indexes change nothing but the speed" {
	klog-create -q -X segment.bytes=1MiB rolls
	make-lines 0 30000 100 | klog-produce rolls
	local dir at kind
	dir=$(partition rolls)
	at=$(klog-consume -o 17777 -c 1 -F '%T' rolls)
	klog-consume -o 17777 rolls >want
	klog-consume --since "${at}ms" rolls >want-time
	for kind in empty zeros garbage missing; do
		for index in "$dir"/*index; do
			case $kind in
			empty) : >"$index" ;;
			zeros) head -c 4096 /dev/zero >"$index" ;;
			garbage) head -c 4800 /dev/urandom >"$index" ;;
			missing) rm "$index" ;;
			esac
		done
		klog-consume -o 17777 rolls | cmp - want
		klog-consume --since "${at}ms" rolls | cmp - want-time
	done
	# And a writer goes on.
	echo next | klog-produce rolls
	equal "$(klog-consume -n 1 rolls)" next
}

@test "consume: the end is that of the beginning of the run" {
	# It reads while it writes behind itself: this ends only for that reason.
	shell 0 'timeout 20 klog-consume t | klog-produce t'
	[ "$(klog-consume t | wc -l)" -eq 20 ]
}

@test "consume: what cannot be said together is wrong usage" {
	local args
	for args in "-o 1 --since now" "-o 1.. --since now" "-o ..3 --until now" "-o 1 -n 3" \
		"--since now -n 3" "-F %s -K =" "-D x -0" "-c 1 -c 2" "-o 1 -o 2" "-n 1 --tail 2" \
		"-f -f" "--idle-timeout 1" "-F"; do
		# shellcheck disable=SC2086
		klog 2 consume $args t
		usage_error consume
	done
	klog 2 consume
	usage_error consume
	klog 2 consume t t
	usage_error consume
}

# ---- what Kafka wrote -----------------------------------------------------

@test "consume: a broker's partition directory: control batches are never shown" {
	mkdir -p logs/orders-0
	hex "
	0000000000000000000000490000000002c34c25090010000000010000018bcfe56800
	0000018bcfe568010000000000000fa1000000000000000000021600000002610874312d30
	001600020202620874312d3100
	00000000000000020000003e00000000029487ae8a0000000000000000018bcfe56802
	0000018bcfe56802ffffffffffffffffffffffffffff000000011800000002630a706c61696e00
	00000000000000030000003d0000000002c4bd61cc0010000000000000018bcfe56803
	0000018bcfe568030000000000000fa2000000000000000000011600000002640874322d3000
	0000000000000004000000420000000002ccc17a2c0030000000000000018bcfe56804
	0000018bcfe568040000000000000fa10000ffffffff000000012000000008000000000c00
	000000000100
	000000000000000500000042000000000288b0d84a0030000000000000018bcfe56805
	0000018bcfe568050000000000000fa20000ffffffff000000012000000008000000010c00
	000000000100" >logs/orders-0/00000000000000000000.log
	equal "$(stat -c %s logs/orders-0/*.log)" 388
	klog 0 consume -F '%o %k %s %T\n' -X isolation.level=read_uncommitted logs/orders-0/
	equal "$output" $'0 a t1-0 1700000000000\n1 b t1-1 1700000000001\n2 c plain 1700000000002\n3 d t2-0 1700000000003'
	hex "0000 0000000000000fa1 0000000000000000 0000000000000004 0000000000000003" \
		>logs/orders-0/00000000000000000000.txnindex
	# Preallocated indexes of a running broker.
	head -c 10485760 /dev/zero >logs/orders-0/00000000000000000000.index
	head -c 10485756 /dev/zero >logs/orders-0/00000000000000000000.timeindex
	klog 0 consume -F '%o %s\n' -o 3 logs/orders-0
	equal "$output" '3 t2-0'
	find logs -name '.klog*' | grep . && fail "klog wrote into Kafka's directory"
	true
}

@test "consume: times as Kafka looks them up" {
	local i stamps=(6800 680a 6805 6814 6814 6807 681e 6801)
	local crcs=(e641a44b 9fe085d7 da913485 1503e773 1503e773 6a23f763 6ca2c6ef be18c5b8)
	mkdir s-0
	for i in 0 1 2 3 4 5 6 7; do
		hex "$(printf %016x $((100 + i))) 0000003d 00000000 02 ${crcs[i]} 0000 00000000
		0000018bcfe5${stamps[i]} 0000018bcfe5${stamps[i]}
		ffffffffffffffffffffffffffff 00000001 160000 00010a68656c6c6f00"
	done >s-0/00000000000000000100.log
	local ask
	for ask in 0:100 1:101 6:101 20:103 21:106; do
		klog 0 consume -F '%o' -c 1 -o "@$((1700000000000 + ${ask%:*}))ms" ./s-0
		equal "$output" "${ask#*:}"
	done
	klog 0 consume -o @1700000000031ms ./s-0
	equal "$output" ""
	klog 0 consume -F '%o ' -o max-timestamp ./s-0
	equal "$output" '106 107 '
	klog 0 consume -F '%o ' --until 1700000000020ms ./s-0
	equal "$output" '100 101 102 '
}

@test "consume: a lone .log with each codec as Kafka and librdkafka frame it" {
	local batch a
	a=$(printf 'a%.0s' {1..32})
	for batch in \
		000000000000000a0000005600000000023b4434f80001000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff000000021f8b08000000000000fff363606060ca7648240018fc18989888510700fb219e3c50000000 \
		000000000000000a0000005b00000000025a3bfbc70002000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff0000000282534e4150505900000000010000000100000016501c4e000000026b40617a010010004e0002028e2800 \
		000000000000000a000000470000000002fbe2eca30002000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff00000002501c4e000000026b40617a010010004e0002028e2800 \
		000000000000000a0000005b00000000029e3ddb3b0003000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff0000000204224d186040821b0000008f4e000000026b406101000c5f004e00020228000c50616161610000000000 \
		000000000000000a0000006b00000000024eb2aa390003000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff0000000204224d187c405000000000000000541b0000008f4e000000026b406101000c5f004e00020228000c506161616100c8d45d8a0000000016fbfb86 \
		000000000000000a0000005200000000028cc370fb0004000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff0000000228b52ffd0058ac0000684e000000026b4061004e000202020097227503b8010000 \
		000000000000000a0000004f000000000276bcf0080004000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff0000000228b52ffd2050ad0000684e000000026b4061004e000202020097227503b8; do
		hex "$batch" >00000000000000000010.log
		klog 0 consume -F '%o %T %k %s\n' ./00000000000000000010.log
		equal "$output" "10 1700000000000 k $a"$'\n'"11 1700000000001 k $a"
	done
}

@test "consume: message sets of versions 0 and 1" {
	local set
	for set in \
		0000000000000005000000101fecd70a0000000000016b000000017600000000000000060000000fa50b8f630000ffffffff0000000177 \
		00000000000000050000001839268c3301000000018bcfe56800000000016b000000017600000000000000060000001759a2716d01000000018bcfe56801ffffffff0000000177 \
		00000000000000060000004538d744bc0001ffffffff000000371f8b08000000000000ff63600003562016907f739d0bcc63cc0611651029063620e65fcadd9fccc0f01f084052e500c30e998737000000 \
		000000000000000600000052a4310b9701010000018bcfe56801ffffffff0000003c1f8b08000000000000ff63608003094bb51e63462083b1fbfcd30c90086336882883ca83a4c4231715e6c2d530fe070210a71c00cfb44b8d47000000; do
		hex "$set" >00000000000000000005.log
		klog 0 consume -F '%o,%k,%K,%s\n' ./00000000000000000005.log
		equal "$output" $'5,k,1,v\n6,,-1,w'
	done
}

@test "consume: what lies below the log start is gone, and that is said (D5)" {
	klog-create -q -X segment.bytes=1MiB rolls
	make-lines 0 30000 100 | klog-produce rolls
	local base
	base=$(find "$(partition rolls)" -name '*.log' -printf '%f\n' | sort |
		sed -n '2s/\.log//p')
	base=$((10#$base))
	klog-state "$(partition rolls)/.klog" log-start=$base
	rm "$(partition rolls)"/00000000000000000000.*
	klog 0 consume -o 5 -c 1 rolls
	equal "$output" "$(make-lines 0 30000 100 | sed -n $((base + 1))p)"
	error_line consume rolls " 5 to $((base - 1)) are gone"
	klog 1 consume -o 5 -X auto.offset.reset=none rolls
	one_line_error consume rolls gone
	# Nothing is gone for who begins at the beginning.
	klog 0 consume -c 1 rolls
	equal "$stderr" ""
	klog 0 consume -o $((base - 1)) -X auto.offset.reset=latest rolls
	equal "$output" ""
}

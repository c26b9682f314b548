#!/usr/bin/env bats
# klog-inspect: the listings.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

fixture() {
	klog-create -q -p 3 -X retention.ms=1h -X segment.bytes=1MiB web
	klog-create -q empty
	seq 5 | klog-produce -p 0 web
	seq 7 | klog-produce -p 2 web
}

# cell COLUMN ROW FILE: of a listing with a header line; rows count from 1.
cell() {
	awk -v name="$1" -v row="$2" '
		tolower($0) ~ "(^| )" name "( |$)" && !column {
			for (i = 1; i <= NF; i++) if (tolower($i) == name) column = i
			start = NR
			next
		}
		column && NR == start + row { print $column; exit }' "$3"
}

@test "inspect: a topic that cannot be read hides no other" {
	klog-create -q -p 2 good
	klog-create -q bad
	echo nonsense >"$KLOG_CLUSTER/bad/topic.yaml"
	klog 3 inspect
	error_line inspect bad/topic.yaml
	grep -q '^good ' <<<"$output"
	run ! grep -q '^bad ' <<<"$output"
}

@test "inspect: without an operand it lists the topics, a line each, under one header" {
	klog 0 inspect
	printf '%s\n' "$output" >list
	equal "${#lines[@]}" 3
	equal "$(cell topic 1 list)" empty
	equal "$(cell topic 2 list)" web
	equal "$(cell partitions 2 list)" 3
	equal "$(cell records 2 list)" 12
	equal "$(awk '{ print NF }' list | sort -u | wc -l)" 1
	equal "$stderr" ""
}

@test "inspect: a topic's partitions, offsets and sizes" {
	klog 0 inspect web
	printf '%s\n' "$output" >list
	local column
	for column in topic partition leader replicas isr start end bytes; do
		[ -n "$(cell "$column" 1 list)" ] || fail "no column $column"
	done
	equal "$(cell end 1 list) $(cell end 2 list) $(cell end 3 list)" '5 0 7'
	equal "$(cell start 3 list)" 0
	equal "$(cell partition 3 list)" 2
	equal "$(cell leader 1 list)" 0
	equal "$(cell bytes 1 list)" "$(stat -c %s "$(partition web 0)"/*.log)"
	equal "$(cell bytes 2 list)" 0
}

@test "inspect: a topic's settings that differ from the default" {
	klog 0 inspect web
	[[ "$output" == *retention.ms* ]]
	[[ "$output" == *segment.bytes* ]]
	[[ "$output" != *cleanup.policy* ]]
}

@test "inspect: several topics, and one by its path" {
	klog 0 inspect web empty
	[[ "$output" == *web* ]]
	[[ "$output" == *empty* ]]
	klog 0 inspect "$KLOG_CLUSTER/web"
	printf '%s\n' "$output" >list
	equal "$(cell end 3 list)" 7
}

@test "inspect: a partition directory of Kafka's, which it never writes to" {
	mkdir -p logs/orders-0
	cp "$(partition web 0)"/*.log logs/orders-0/
	chmod 555 logs/orders-0
	find logs -printf '%p %T@ %s\n' >before
	klog 0 inspect logs/orders-0
	printf '%s\n' "$output" >list
	equal "$(cell end 1 list)" 5
	find logs -printf '%p %T@ %s\n' | diff before -
}

@test "inspect: a topic that is missing is named, with the cluster" {
	klog 1 inspect nosuch
	one_line_error inspect nosuch "$KLOG_CLUSTER"
	klog 2 inspect --no-such-option
	usage_error inspect
}

@test "inspect: a cluster that is missing" {
	klog 1 inspect -C "$BATS_TEST_TMPDIR/nowhere"
	one_line_error inspect nowhere
}

@test "inspect: an empty cluster is a header, or nothing" {
	mkdir none
	run --separate-stderr klog-inspect -C none
	explain klog-inspect -C none
	[ "${#lines[@]}" -le 1 ]
}

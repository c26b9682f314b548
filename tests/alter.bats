#!/usr/bin/env bats
# klog-alter: settings and partitions of a topic that is in use.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

fixture() {
	klog-create -q -p 2 -X retention.ms=1d t
}

yaml() {
	sed 1d "$KLOG_CLUSTER/t/topic.yaml" | grep -v '^id: '
}

@test "alter: -X sets, KEY= returns to the default, the rest stays" {
	klog 0 alter -X segment.bytes=2MiB -X flush.ms=5s t
	equal "$output$stderr" ""
	equal "$(yaml)" $'settings:\n  flush.ms: 5000\n  retention.ms: 86400000\n  segment.bytes: 2097152\ngeneration: 2\npartitions: 2'
	klog 0 alter -X retention.ms= -X flush.ms= t
	equal "$(yaml)" $'settings:\n  segment.bytes: 2097152\ngeneration: 3\npartitions: 2'
}

@test "alter: --config takes KEY=VALUE lines, and KEY=" {
	printf '# kept long\nretention.ms=30d\n\nsegment.bytes=\n' >lines
	klog-alter -X segment.bytes=2MiB t
	klog 0 alter --config lines t
	equal "$(yaml)" $'settings:\n  retention.ms: 2592000000\ngeneration: 3\npartitions: 2'
	klog 1 alter --config missing t
	one_line_error alter missing
}

@test "alter: several topics at once, by name and by path" {
	klog-create -q u
	klog 0 alter -X segment.ms=1h t "$KLOG_CLUSTER/u"
	grep -q 'segment.ms: 3600000' "$KLOG_CLUSTER/t/topic.yaml"
	grep -q 'segment.ms: 3600000' "$KLOG_CLUSTER/u/topic.yaml"
}

@test "alter: what is there already is no change" {
	local before
	before=$(cat "$KLOG_CLUSTER/t/topic.yaml")
	klog 0 alter -p 2 -X retention.ms=1d t
	equal "$(cat "$KLOG_CLUSTER/t/topic.yaml")" "$before"
}

@test "alter: unknown settings, bad values and nothing at all are misuse" {
	local before
	before=$(cat "$KLOG_CLUSTER/t/topic.yaml")
	klog 2 alter t
	usage_error alter
	klog 2 alter -X retention.m=1 t
	usage_error alter retention.ms
	klog 2 alter -X retention.m= t
	usage_error alter retention.ms
	klog 2 alter -X segment.bytes=1 t
	usage_error alter segment.bytes 1048576
	klog 2 alter -X linger.ms= t
	usage_error alter linger.ms
	klog 2 alter -X segment.ms=1h -X segment.ms=2h t
	usage_error alter segment.ms
	klog 2 alter -p 0 t
	usage_error alter
	klog 2 alter -p 10001 t
	klog 2 alter -X segment.ms=1h t:1
	usage_error alter t:1
	klog 2 alter --edit -p 3 t
	usage_error alter
	klog 2 alter --edit t u
	usage_error alter
	# Two that are good alone, and not together with what is there.
	klog-alter -X max.compaction.lag.ms=1h t
	klog 2 alter -X min.compaction.lag.ms=2h t
	error_line alter min.compaction.lag.ms
	klog-alter -X max.compaction.lag.ms= t
	equal "$(grep -v generation "$KLOG_CLUSTER/t/topic.yaml")" \
		"$(grep -v generation <<<"$before")"
}

@test "alter: a topic that is missing is named" {
	klog 1 alter -X segment.ms=1h nowhere
	one_line_error alter nowhere "$KLOG_CLUSTER"
}

@test "alter: -p adds partitions, which are as the others, and never takes one" {
	put t one
	klog 0 alter -p 5 t
	equal "$(yaml | grep partitions)" 'partitions: 5'
	local i
	for i in 2 3 4; do
		echo "to $i" | klog-produce -p "$i" t
	done
	equal "$(klog-consume t | wc -l)" 4
	sound t
	klog 1 alter -p 3 t
	one_line_error alter 5
	equal "$(yaml | grep partitions)" 'partitions: 5'
}

@test "alter: new partitions have mode and group of the topic" {
	klog-create -q --mode 2770 private
	klog-alter -p 3 private
	equal "$(stat -c %a "$KLOG_CLUSTER"/private/[0-2] | sort -u)" 2770
	equal "$(stat -c %a "$KLOG_CLUSTER"/private/[0-2]/.klog | sort -u)" 660
}

@test "alter: a directory that is no partition of the topic is not taken for one" {
	mkdir "$KLOG_CLUSTER/t/2"
	klog 1 alter -p 3 t
	error_line alter /t/2
	equal "$(yaml | grep partitions)" 'partitions: 2'
	rmdir "$KLOG_CLUSTER/t/2"
	klog-create -q -p 3 other
	cp -r "$KLOG_CLUSTER/other/2" "$KLOG_CLUSTER/t/"
	klog 1 alter -p 3 t
	error_line alter /t/2
}

@test "alter: settings reach a running writer at its next batch" {
	opened one t:0
	klog-alter -X compression.type=gzip t
	seq -f 'two %.0f' 100 >&5
	until_true 20 stored_lines t 101
	partition-check -b "$(partition t)" >batches
	cat batches
	equal "$(klog-consume t | sed -n '1p;101p')" $'one\ntwo 100'
	# Of one codec before, of the other after.
	equal "$(codecs t)" $'0\n1'
	klog-alter -X compression.type= -X segment.bytes=1MiB t
	make-lines 0 30000 100 >&5
	exec 5>&-
	ended 0 "$writer"
	[ "$(find "$(partition t)" -name '*.log' | wc -l)" -ge 3 ]
	sound t
}

# codecs TOPIC: that of each batch, in the first segment; a batch of the
# attributes' low byte, 22 behind its start.
codecs() {
	local file at
	file=$(partition "$1")/00000000000000000000.log
	partition-check -b "$(partition "$1")" | cut -d' ' -f3 | while read -r at; do
		od -An -tu1 -j $((at + 22)) -N 1 "$file" | awk '{ print $1 % 8 }'
	done
}

@test "alter: a running writer spreads over new partitions, a follower reads them" {
	klog-create -q one
	mkfifo input
	klog-produce --batch-size 1KiB one <input &
	local pid=$!
	exec 5>input
	klog-consume -f one >seen 5>&- &
	local follower=$!
	echo first >&5
	until_true 20 has_lines seen 1
	klog-alter -p 3 one
	make-lines 0 20000 100 >&5
	exec 5>&-
	ended 0 "$pid"
	equal "$(klog-consume -F '%p\n' one | sort -u)" $'0\n1\n2'
	until_true 30 has_lines seen 20001
	kill -TERM "$follower"
	ended 143 "$follower"
	sort seen | cmp - <(klog-consume one | sort)
}

@test "alter: --edit puts the edited text in force" {
	put t one
	EDITOR="sed -i 's/^  retention.ms:.*/  retention.ms: 7d/; s/^partitions: .*/partitions: 3/'" \
		klog 0 alter --edit t
	equal "$(yaml)" $'generation: 2\npartitions: 3'
	echo two | klog-produce -p 2 t
	equal "$(klog-consume t | wc -l)" 2
	# VISUAL comes first; a script and its arguments will do.
	printf '#!/bin/sh\nsed -i "$1" "$2"\n' >editor
	chmod +x editor
	VISUAL="$PWD/editor '2i settings: {flush.ms: 9}'" EDITOR=false klog 0 alter --edit t
	equal "$(yaml)" $'settings:\n  flush.ms: 9\ngeneration: 3\npartitions: 3'
}

@test "alter: --edit of nothing, and an editor that fails" {
	local before
	before=$(cat "$KLOG_CLUSTER/t/topic.yaml")
	export TMPDIR=$PWD/tmp
	mkdir tmp
	EDITOR=true klog 0 alter --edit t
	EDITOR=false klog 1 alter --edit t
	one_line_error alter false
	EDITOR=no-such-editor klog 1 alter --edit t
	one_line_error alter no-such-editor EDITOR
	equal "$(ls tmp)" ""
	equal "$(cat "$KLOG_CLUSTER/t/topic.yaml")" "$before"
}

@test "alter: a wrong text is refused with its place, and kept" {
	local before path
	before=$(cat "$KLOG_CLUSTER/t/topic.yaml")
	EDITOR="sed -i s/retention/retetion/" klog 2 alter --edit t
	one_line_error alter t/topic.yaml:3:3 retention.ms 'your text is in'
	path=${stderr##* }
	grep -q retetion "$path"
	rm "$path"
	EDITOR="sed -i 's/^id: .*/id: ASNFZ4mrze_-3LqYdlQyEA/'" klog 2 alter --edit t
	one_line_error alter id
	rm "${stderr##* }"
	EDITOR="sed -i 's/^partitions: .*/partitions: 1/'" klog 1 alter --edit t
	one_line_error alter partitions
	rm "${stderr##* }"
	equal "$(cat "$KLOG_CLUSTER/t/topic.yaml")" "$before"
}

@test "alter: --edit is refused when the topic changed meanwhile" {
	EDITOR='sh -c "klog-alter -X segment.ms=1h t; sed -i s/86400000/1/ \"\$0\""' \
		klog 1 alter --edit t
	error_line alter meanwhile
	rm "${stderr##* }"
	grep -q 'retention.ms: 86400000' "$KLOG_CLUSTER/t/topic.yaml"
	grep -q 'segment.ms: 3600000' "$KLOG_CLUSTER/t/topic.yaml"
}

@test "alter: --edit mends a topic.yaml that cannot be read" {
	put t one
	klog-alter -X segment.ms=1h t
	sed -i 's/segment/sgment/' "$KLOG_CLUSTER/t/topic.yaml"
	klog 3 consume t
	klog 3 alter -X segment.ms=2h t
	EDITOR='sed -i s/sgment/segment/' klog 0 alter --edit t
	equal "$(yaml | grep generation)" 'generation: 3'
	put t two
	equal "$(klog-consume t | sort)" $'one\ntwo'
	# Not with another topic's id.
	sed -i 's/segment/sgment/' "$KLOG_CLUSTER/t/topic.yaml"
	EDITOR="sed -i 's/^id: .*/id: ASNFZ4mrze_-3LqYdlQyEA/; s/sgment/segment/'" \
		klog 1 alter --edit t
	error_line alter /t/0
	rm "${stderr##* }"
}

@test "alter: who may not write the topic cannot change it" {
	need_root
	local before
	before=$(cat "$KLOG_CLUSTER/t/topic.yaml")
	run --separate-stderr as_nobody klog-alter -X segment.ms=1h t
	explain klog-alter
	[ "$status" -eq 1 ]
	one_line_error alter
	equal "$(cat "$KLOG_CLUSTER/t/topic.yaml")" "$before"
}

@test "alter: an old topic.yaml that was put back is damage, until --edit" {
	put t one
	cp "$KLOG_CLUSTER/t/topic.yaml" old
	klog-alter -X segment.ms=1h t
	klog-alter -X segment.ms=2h t
	cp old "$KLOG_CLUSTER/t/topic.yaml"
	klog 3 produce -p 0 t <<<two
	error_line produce t generation klog-alter
	klog 3 alter -X flush.ms=1h t
	one_line_error alter t generation --edit
	cmp old "$KLOG_CLUSTER/t/topic.yaml"
	EDITOR=true klog 0 alter --edit t
	equal "$(yaml)" $'settings:\n  retention.ms: 86400000\ngeneration: 4\npartitions: 2'
	klog 0 produce -p 0 t <<<two
}

@test "alter: a limit that was raised lets a line through that was refused" {
	klog-create -q -X max.message.bytes=100 narrow
	mkfifo input
	klog-produce --on-error skip narrow <input 2>err &
	local pid=$! wide
	wide=$(printf 'w%.0s' $(seq 150))
	exec 5>input
	echo "$wide" >&5
	until_true 20 test -s err
	klog-alter -X max.message.bytes= narrow
	echo "$wide" >&5
	until_true 20 stored_lines narrow 1
	exec 5>&-
	ended 1 "$pid"
	equal "$(klog-consume narrow)" "$wide"
}

@test "alter: a topic that is half deleted is not changed, but gone" {
	need_strace
	strace -qqq -o /dev/null -e inject=renameat2:signal=KILL:when=1 \
		klog-delete t || [ $? -eq 137 ]
	[ -d "$KLOG_CLUSTER/t" ]
	klog 1 alter -X segment.ms=1h t
	one_line_error alter t gone
	[ ! -e "$KLOG_CLUSTER/t" ]
}

@test "alter: two at once: both are done" {
	local i
	for i in 1 2 3 4 5; do
		klog-alter -X "segment.ms=${i}h" t &
		klog-alter -X "flush.ms=${i}ms" t
		wait $!
		equal "$(yaml)" "settings:
  flush.ms: ${i}
  retention.ms: 86400000
  segment.ms: $((i * 3600000))
generation: $((1 + 2 * i))
partitions: 2"
	done
}

#!/usr/bin/env bats
# klog-create: topics, their settings and their shape on disk.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

@test "create: a topic of one partition, and says that the cluster is new" {
	klog 0 create access
	[[ "$output$stderr" == *"new cluster in $KLOG_CLUSTER"* ]]
	[ -f "$KLOG_CLUSTER/access/topic.yaml" ]
	[ -d "$KLOG_CLUSTER/access/0" ]
	[ ! -e "$KLOG_CLUSTER/access/1" ]
	klog 0 consume access
	equal "$output" ""
}

@test "create: an empty directory becomes a cluster, and one that is there is no news" {
	mkdir "$KLOG_CLUSTER"
	klog 0 create a
	[[ "$output$stderr" == *"new cluster in $KLOG_CLUSTER"* ]]
	klog 0 create b
	[[ "$output$stderr" != *"new cluster"* ]]
}

@test "create: the cluster's directory is made with its parents' last part missing" {
	klog 0 create -C "$BATS_TEST_TMPDIR/elsewhere" a
	[ -f "$BATS_TEST_TMPDIR/elsewhere/a/topic.yaml" ]
	[ ! -e "$KLOG_CLUSTER" ]
}

@test "create: -q says nothing" {
	klog 0 create -q access
	equal "$output$stderr" ""
}

@test "create: the default cluster is below XDG_DATA_HOME for those who are not root" {
	need_root
	mkdir home
	chown 65534:65534 home
	shell 0 "unset KLOG_CLUSTER; export HOME=\$PWD/home XDG_DATA_HOME=\$PWD/home/data
		mkdir \$HOME/data; chown 65534:65534 \$HOME/data
		setpriv --reuid=65534 --regid=65534 --clear-groups klog-create access &&
		echo x | setpriv --reuid=65534 --regid=65534 --clear-groups klog-produce access"
	[ -f home/data/klog/access/topic.yaml ]
}

@test "create: -p makes so many partitions" {
	klog 0 create -p 12 wide
	[ -d "$KLOG_CLUSTER/wide/0" ]
	[ -d "$KLOG_CLUSTER/wide/11" ]
	[ ! -e "$KLOG_CLUSTER/wide/12" ]
	grep -qx 'partitions: 12' "$KLOG_CLUSTER/wide/topic.yaml"
}

@test "create: -p takes 1 to 10000, and nothing else" {
	local bad
	for bad in 0 -1 10001 99999999999999999999 x 1x "" 1.5 0x2; do
		klog 2 create -p "$bad" t
		usage_error create
	done
	[ ! -e "$KLOG_CLUSTER/t" ]
}

@test "create: names that klog uses itself are no topics" {
	local name
	for name in .new-topic .deleted-x .deleted-t-ASNFZ4mrze_-3LqYdlQyEA; do
		klog 2 create "$name"
		usage_error create "$name"
	done
	klog 0 create .hidden .new-x
	klog-create -q t
	klog-delete t
	[ -d "$KLOG_CLUSTER/.new-x/0" ]
}

@test "create: several topics at once" {
	klog 0 create -p 2 a b c
	[ -d "$KLOG_CLUSTER/a/1" ]
	[ -d "$KLOG_CLUSTER/b/1" ]
	[ -d "$KLOG_CLUSTER/c/1" ]
}

@test "create: a topic that is there is refused, and stays as it is" {
	klog-create -q access
	put access one
	klog 1 create -p 3 access
	one_line_error create access
	[ ! -e "$KLOG_CLUSTER/access/1" ]
	klog 0 consume access
	equal "$output" one
}

@test "create: --if-not-exists passes over a topic that is there" {
	klog-create -q access
	put access one
	klog 0 create --if-not-exists access other
	klog 0 consume access
	equal "$output" one
	[ -d "$KLOG_CLUSTER/other/0" ]
}

@test "create: names that Kafka confuses are refused, naming the one there" {
	klog-create -q web.log
	klog 1 create web_log
	one_line_error create web_log web.log
	[ ! -e "$KLOG_CLUSTER/web_log" ]
	klog 0 create web-log
}

@test "create: illegal names are usage errors that make nothing" {
	local name long
	long=$(printf 'x%.0s' {1..250})
	for name in . .. "" "a b" $'a\nb' "a*" "caf"$'\xc3\xa9' "$long" "a:b" 'a\b'; do
		klog 2 create -- "$name"
		usage_error create
	done
	klog 2 create ../x
	usage_error create ../x
	[ ! -e "$KLOG_CLUSTER" ] || [ -z "$(ls -A "$KLOG_CLUSTER")" ]
	[ ! -e "$BATS_TEST_TMPDIR/x" ]
}

@test "create: a name of 249 characters, of one, and with every legal one" {
	local long
	long=$(printf 'x%.0s' {1..249})
	klog 0 create "$long" a "A-Za.z0_9" -- -dash
	put "$long" hello
	klog 0 consume "$long"
	equal "$output" hello
	[ -d "$KLOG_CLUSTER/-dash/0" ]
}

@test "create: settings by -X stand in topic.yaml, and defaults do not" {
	klog 0 create -X retention.ms=3600000 -X segment.bytes=1MiB access
	grep -q 'retention.ms' "$KLOG_CLUSTER/access/topic.yaml"
	grep -q 'segment.bytes: *1048576' "$KLOG_CLUSTER/access/topic.yaml"
	run ! grep -q 'cleanup.policy' "$KLOG_CLUSTER/access/topic.yaml"
	head -1 "$KLOG_CLUSTER/access/topic.yaml" | grep -q 'klog-alter --edit access'
}

@test "create: a *.ms setting takes a duration, a *.bytes setting a size" {
	klog 0 create -X retention.ms=7d -X retention.bytes=2GiB -X flush.ms=500ms access
	klog 0 inspect access
	[[ "$output" == *retention.ms* ]] || [[ "$output" == *retention.bytes* ]]
}

@test "create: --config FILE takes KEY=VALUE lines" {
	printf 'retention.ms=1h\n\nsegment.bytes=2MiB\n' >settings
	klog 0 create --config settings access
	grep -q 'segment.bytes: *2097152' "$KLOG_CLUSTER/access/topic.yaml"
	grep -q 'retention.ms: *3600000' "$KLOG_CLUSTER/access/topic.yaml"
}

@test "create: --config FILE that is missing, or wrong in a line, is named" {
	klog 1 create --config no-such-file access
	one_line_error create no-such-file
	printf 'retention.ms=1h\nretention.mss=1h\n' >settings
	klog 2 create --config settings access
	usage_error create retention.mss retention.ms
	[ ! -e "$KLOG_CLUSTER/access" ]
}

@test "create: an unknown setting names the nearest, a value out of range its bounds" {
	klog 2 create -X retention.sm=1 access
	usage_error create retention.sm retention.ms
	klog 2 create -X segment.bytes=13 access
	usage_error create segment.bytes 13
	klog 2 create -X max.message.bytes=-1 access
	usage_error create max.message.bytes
	klog 2 create -X cleanup.policy=burn access
	usage_error create cleanup.policy delete compact
	klog 2 create -X retention.ms access
	usage_error create
	klog 2 create -X retention.ms=1h -X retention.ms=2h access
	usage_error create retention.ms
	[ ! -e "$KLOG_CLUSTER/access" ]
}

@test "create: one broker holds one replica" {
	klog 0 create -r 1 one
	run --separate-stderr klog-create -r 2 two
	explain klog-create -r 2 two
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
	error_line create 2
	[ ! -e "$KLOG_CLUSTER/two" ]
	klog 2 create -r 0 zero
	usage_error create
}

@test "create: --replica-assignment with the one broker" {
	klog 0 create --replica-assignment 0,0,0 three
	[ -d "$KLOG_CLUSTER/three/2" ]
	[ ! -e "$KLOG_CLUSTER/three/3" ]
	run --separate-stderr klog-create --replica-assignment 0:1 four
	explain klog-create --replica-assignment 0:1 four
	[ "$status" -ne 0 ]
	[ ! -e "$KLOG_CLUSTER/four" ]
	klog 2 create -r 1 --replica-assignment 0 five
	usage_error create
}

@test "create: --mode is the mode of the directories, and files follow it" {
	klog 0 create --mode 2770 access
	equal "$(stat -c %a "$KLOG_CLUSTER/access/0")" 2770
	umask 077
	put access x
	equal "$(stat -c %a "$KLOG_CLUSTER/access/0/00000000000000000000.log")" 660
	klog 2 create --mode 9 other
	usage_error create
}

@test "create: --owner-group is the group of everything below" {
	need_root
	local group
	group=$(getent group 65534 | cut -d: -f1)
	klog 0 create --mode 2770 --owner-group "$group" access
	put access x
	[ -z "$(find "$KLOG_CLUSTER/access" ! -gid 65534)" ]
	klog 1 create --owner-group no-such-group-here other
	one_line_error create no-such-group-here
	[ ! -e "$KLOG_CLUSTER/other" ]
}

@test "create: nothing half made is left when it fails" {
	klog-create -q a
	klog 1 create b a
	equal "$(find "$KLOG_CLUSTER" -mindepth 1 -maxdepth 1 -name '.*' -type d)" ""
}

@test "create: without a topic, or with an option twice, it is wrong usage" {
	klog 2 create
	usage_error create
	klog 2 create -p 1 -p 2 a
	usage_error create
	klog 2 create --no-such-option a
	usage_error create
}

#!/usr/bin/env bats
# What goes wrong says so in one line, with the exit status of every tool:
# 1 something failed, 2 wrong usage, 3 the data on disk is damaged.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

fixture() {
	klog-create -q t
	seq 3 | klog-produce t
}

yaml() {
	cat >"$KLOG_CLUSTER/t/topic.yaml"
}

# refused WORD...: every tool refuses topic t with 3 and says where.
refused() {
	klog 3 consume t
	one_line_error consume topic.yaml "$@"
	klog 3 produce t <<<x
	one_line_error produce topic.yaml "$@"
}

@test "errors: a missing topic names topic and cluster" {
	klog 1 consume nosuch
	one_line_error consume nosuch "$KLOG_CLUSTER"
	klog 1 produce nosuch <<<x
	one_line_error produce nosuch "$KLOG_CLUSTER"
	klog 1 inspect nosuch
	one_line_error inspect nosuch "$KLOG_CLUSTER"
}

@test "errors: a missing cluster is named" {
	local tool
	for tool in consume produce inspect; do
		klog 1 "$tool" -C "$PWD/nowhere" t </dev/null
		one_line_error "$tool" "$PWD/nowhere"
	done
	[ ! -e nowhere ]
}

@test "errors: the other default cluster is named when the topic is there" {
	mkdir -p data/klog
	klog-create -q -C data/klog lost
	need_root
	chown -R 65534:65534 data
	shell 1 "XDG_DATA_HOME=$PWD/data setpriv --reuid=65534 --regid=65534 --clear-groups klog-consume lost"
	one_line_error consume lost "$PWD/data/klog"
}

@test "errors: -C goes before KLOG_CLUSTER, and may name several directories" {
	klog-create -q -C other t
	echo other | klog-produce -C other t
	equal "$(klog-consume -C other t)" other
	equal "$(klog-consume -C nowhere,other t)" other
	equal "$(klog-consume --cluster=other t)" other
	klog 2 consume -C other -C other t
	usage_error consume
}

@test "errors: an illegal topic name is wrong usage" {
	local name
	for name in . .. "$(printf 'x%.0s' {1..250})" 'a b' '' $'a\e[31m'; do
		klog 2 consume "$name"
		usage_error consume
		klog 2 produce "$name" <<<x
		usage_error produce
	done
	[[ "$stderr" != *$'\e'* ]]
}

@test "errors: topic.yaml with a wrong type, line and column" {
	sed 's/^partitions: .*/partitions: many/' "$KLOG_CLUSTER/t/topic.yaml" >y
	yaml <y
	local line
	line=$(grep -n '^partitions' y | cut -d: -f1)
	refused partitions "$line"
	sed 's/^partitions: .*/partitions: [1, 2]/' y | yaml
	refused "$line"
	sed 's/^partitions: .*/partitions: 0/' y | yaml
	refused "$line"
}

@test "errors: topic.yaml with an unknown key, or one twice" {
	cp "$KLOG_CLUSTER/t/topic.yaml" y
	{
		cat y
		echo 'colour: blue'
	} | yaml
	refused colour
	{
		cat y
		grep '^partitions' y
	} | yaml
	refused partitions
}

@test "errors: topic.yaml with an alias bomb, a tag, an anchor, a second document" {
	cp "$KLOG_CLUSTER/t/topic.yaml" y
	yaml <<-'END'
		a: &a ["lol", "lol", "lol", "lol", "lol", "lol", "lol", "lol", "lol"]
		b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
		c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
		d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]
		e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]
		f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]
		g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]
	END
	refused
	sed 's/^partitions: /&!!int /' y | yaml
	refused
	sed 's/^partitions: /&\&n /' y | yaml
	refused
	{
		cat y
		echo ---
		cat y
	} | yaml
	refused
}

@test "errors: topic.yaml that is empty, zeros, garbage, cut, deep or huge" {
	cp "$KLOG_CLUSTER/t/topic.yaml" y
	: | yaml
	refused
	head -c 100 /dev/zero | yaml
	refused
	head -c 1000 /dev/urandom | yaml
	refused
	printf '\tpartitions: 1\n' | yaml
	refused
	printf '[%.0s' {1..1000} | yaml
	refused
	{
		cat y
		head -c 10000000 /dev/zero | tr '\0' '#'
	} | yaml
	refused
	echo 'just words' | yaml
	refused
	yaml <y
	klog 0 consume t
}

@test "errors: topic.yaml cut anywhere is refused or as it was, never something else" {
	klog-create -q -p 12 -X retention.ms=123456789 w
	local size n
	cp "$KLOG_CLUSTER/w/topic.yaml" y
	size=$(stat -c %s y)
	for ((n = 0; n < size; n++)); do
		head -c "$n" y >"$KLOG_CLUSTER/w/topic.yaml"
		run --separate-stderr klog-inspect w
		case $status in
		0) [ "$(grep -c . <<<"$output")" -ge 12 ] || fail "cut to $n: $output" ;;
		3) ;;
		*) fail "cut to $n: status $status: $stderr" ;;
		esac
	done
}

@test "errors: a setting in topic.yaml that is unknown or out of range" {
	cp "$KLOG_CLUSTER/t/topic.yaml" y
	sed '/^settings:/d' y >plain
	{
		cat plain
		printf 'settings:\n  retention.mss: 1\n'
	} | yaml
	refused retention.mss
	{
		cat plain
		printf 'settings:\n  segment.bytes: 13\n'
	} | yaml
	refused segment.bytes
}

@test "errors: a read-only directory stops a writer, with the reason, and no reader" {
	need_root
	chmod -R a+rX,a-w "$KLOG_CLUSTER"
	shell 1 'echo x | setpriv --reuid=65534 --regid=65534 --clear-groups klog-produce t'
	one_line_error produce t 'ermission denied'
	shell 0 'setpriv --reuid=65534 --regid=65534 --clear-groups klog-consume t'
	equal "$output" $'1\n2\n3'
	equal "$stderr" ""
	shell 0 'setpriv --reuid=65534 --regid=65534 --clear-groups klog-inspect t'
	shell 1 'setpriv --reuid=65534 --regid=65534 --clear-groups klog-create u'
	one_line_error create u 'ermission denied'
}

@test "errors: reading leaves no trace" {
	find "$KLOG_CLUSTER" -printf '%p %T@ %C@ %s %m\n' | sort >before
	klog 0 consume t
	klog 0 consume -o 2 --synced t
	klog 0 consume --tail 1 t
	klog 0 inspect
	klog 0 inspect t
	find "$KLOG_CLUSTER" -printf '%p %T@ %C@ %s %m\n' | sort | diff before -
}

@test "errors: a file that may not be read is named" {
	need_root
	chmod -R a+rX "$KLOG_CLUSTER"
	chmod 600 "$(partition t)"/*.log
	shell 1 'setpriv --reuid=65534 --regid=65534 --clear-groups klog-consume t'
	one_line_error consume t 'ermission denied'
}

@test "errors: two users of one group share a topic, whatever their umask" {
	need_root
	klog-create -q --mode 2770 shared
	chgrp -R 65534 "$KLOG_CLUSTER/shared"
	chmod a+x "$KLOG_CLUSTER"
	shell 0 'umask 077; echo a | setpriv --reuid=1001 --regid=1001 --groups=65534 klog-produce shared'
	shell 0 'umask 027; echo b | setpriv --reuid=1002 --regid=1002 --groups=65534 klog-produce shared'
	shell 0 'umask 077; echo c | klog-produce shared'
	shell 0 'echo d | setpriv --reuid=1001 --regid=1001 --groups=65534 klog-produce shared'
	equal "$(klog-consume shared)" $'a\nb\nc\nd'
}

@test "errors: root makes files for the owner of the partition" {
	need_root
	klog-create -q owned
	chown -R 1001:1001 "$KLOG_CLUSTER/owned"
	rm -f "$(partition owned)"/0*
	put owned x
	[ -z "$(find "$KLOG_CLUSTER/owned" ! -uid 1001)" ]
}

@test "errors: a topic, a partition or a segment that is a symbolic link is not followed" {
	local log
	mkdir outside
	mv "$KLOG_CLUSTER/t" outside/t
	ln -s "$PWD/outside/t" "$KLOG_CLUSTER/t"
	klog 1 produce t <<<x
	one_line_error produce t
	klog 1 consume t
	one_line_error consume t
	rm "$KLOG_CLUSTER/t"
	mv outside/t "$KLOG_CLUSTER/t"
	mv "$(partition t)" outside/0
	ln -s "$PWD/outside/0" "$(partition t)"
	klog 1 produce t <<<x
	one_line_error produce t
	rm "$(partition t)"
	mv outside/0 "$(partition t)"
	for log in 00000000000000000000.log .klog.lock .klog; do
		mv "$(partition t)/$log" outside/file
		cp outside/file outside/copy
		ln -s "$PWD/outside/file" "$(partition t)/$log"
		run --separate-stderr klog-produce t <<<x
		explain "klog-produce t with a linked $log"
		[ "$status" -ne 0 ]
		cmp outside/file outside/copy
		rm "$(partition t)/$log"
		mv outside/file "$(partition t)/$log"
	done
	equal "$(klog-consume t)" $'1\n2\n3'
}

@test "errors: the default cluster may be a symbolic link" {
	need_root
	mkdir -p home/data
	mv "$KLOG_CLUSTER" home/real
	ln -s ../real home/data/klog
	chown -R 65534:65534 home
	shell 0 "unset KLOG_CLUSTER; XDG_DATA_HOME=$PWD/home/data setpriv --reuid=65534 --regid=65534 --clear-groups klog-consume t"
	equal "$output" $'1\n2\n3'
}

@test "errors: a directory that is no topic, and a file that is none" {
	mkdir "$KLOG_CLUSTER/plain"
	klog 1 consume plain
	one_line_error consume plain
	touch "$KLOG_CLUSTER/file"
	klog 1 consume file
	one_line_error consume file
	klog 0 inspect
	[[ "$output" != *plain* ]]
}

@test "errors: a partition directory that is gone" {
	klog-create -q -p 3 three
	rm -r "$(partition three 1)"
	run --separate-stderr klog-consume three
	explain klog-consume three
	[ "$status" -eq 1 ] || [ "$status" -eq 3 ]
	error_line consume three 1
}

@test "errors: a full disk" {
	need_root
	mkdir small
	mount -t tmpfs -o size=1m tmpfs small 2>/dev/null || skip "cannot mount a tmpfs"
	echo small >mounted
	klog-create -q -C small full
	make-lines 0 100000 100 >input
	run --separate-stderr timeout 60 klog-produce -C small full <input
	explain klog-produce full
	klog-consume -C small full >have || true
	umount -l small
	[ "$status" -eq 1 ]
	error_line produce full 'No space left'
	[ -s have ]
	cmp -n "$(stat -c %s have)" input have
	# It says how much of it: what readers see.
	[[ "$stderr" == *" $(wc -l <have) records stored, "* ]]
}

@test "errors: a full disk with --on-full wait goes on when there is room" {
	need_root
	mkdir small
	mount -t tmpfs -o size=4m tmpfs small 2>/dev/null || skip "cannot mount a tmpfs"
	klog-create -q -C small full
	head -c 3000000 /dev/zero >small/ballast
	make-lines 0 20000 100 >input
	klog-produce -C small --on-full wait full <input 2>err &
	local pid=$! status=0 said
	until_true 20 has_lines err 1 || status=1
	rm small/ballast
	until_true 30 is_zombie_or_gone "$pid" || kill -9 "$pid"
	wait "$pid" || status=$?
	klog-consume -C small full >have || status=1
	umount -l small
	said=$(wc -l <err)
	cat err
	[ "$status" -eq 0 ]
	[ "$said" -eq 1 ]
	cmp have input
}

@test "errors: few descriptors are an error or enough, never damage" {
	klog-create -q -p 8 wide
	seq 100 | sed 's/.*/&=&/' | klog-produce -K = wide
	local n
	command -v prlimit >/dev/null || skip "needs prlimit (util-linux)"
	# With too few the loader gives up before main.
	for n in 4 5 6 7 8 10 12 16 20; do
		run --separate-stderr sh -c "prlimit --nofile=$n:$n klog-consume wide 3>&-"
		explain "klog-consume with $n descriptors"
		[[ $stderr != *"shared librar"* ]] || continue
		[ "$status" -eq 0 ] || [ "$status" -eq 1 ]
		[ "$status" -ne 0 ] || [ "${#lines[@]}" -eq 100 ]
		run --separate-stderr sh -c "echo k=more | prlimit --nofile=$n:$n klog-produce -K = t 3>&-"
		explain "klog-produce with $n descriptors"
		[ "$status" -eq 0 ] || [ "$status" -eq 1 ]
	done
	# 20 are enough for everything.
	equal "$status" 0
	sound wide
	sound t
}

@test "errors: kafka:// and network paths say what they cannot" {
	run --separate-stderr klog-consume -C kafka://localhost:9092 t
	explain klog-consume -C kafka://localhost:9092 t
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
	error_line consume
}

@test "errors: words in messages are printable" {
	klog 1 consume $'./no\e[31msuch'
	one_line_error consume
	klog 2 consume -o $'\e[31m' t
	[[ "$stderr" != *$'\e'* ]]
	klog 2 produce -X $'\e[31m=1' t <<<x
	[[ "$stderr" != *$'\e'* ]]
}

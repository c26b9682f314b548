#!/usr/bin/env bats
# Tools joined by pipes: what goes in comes out, byte for byte.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

fixture() {
	klog-create -q t
}

# trip FILE [OPTION...]: FILE goes into a new topic and comes out again.
trip() {
	local input=$1
	shift
	klog-create -q "trip-$((++trips))"
	klog-produce "$@" "trip-$trips" <"$input"
	klog-consume "trip-$trips" | cmp - "$input"
	sound "trip-$trips"
}

@test "pipeline: lines of every size to the largest, of any bytes, come out as they went in" {
	make-lines -m 1 400 >input
	trip input
	trip input -z zstd
	trip input --batch-size 1MiB
}

@test "pipeline: empty lines" {
	yes '' | head -10000 >input
	trip input
	printf '\n' >input
	trip input
	printf '\n\na\n\n\nb\n\n' >input
	trip input
}

@test "pipeline: NUL bytes" {
	printf '\0\na\0b\n\0\0\0\n\0' >input
	echo >>input
	trip input
	head -c 100000 /dev/zero >input
	echo >>input
	trip input
}

@test "pipeline: invalid UTF-8, control characters and CRLF" {
	printf 'caf\xe9\n\xff\xfe\n\xc3\x28\n\xed\xa0\x80\n\xf8\x88\n' >input
	printf 'dos\r\n\r\n\e[31mred\a\b\t\n\r\n' >>input
	trip input
}

@test "pipeline: random bytes" {
	head -c 3000000 /dev/urandom >input
	echo >>input
	trip input
}

@test "pipeline: no last newline, but for the newline added" {
	printf 'a\nb\nc' | klog-produce t
	klog-consume t | cmp - <(printf 'a\nb\nc\n')
	klog-create -q u
	printf '\0' | klog-produce u
	klog-consume u | cmp - <(printf '\0\n')
}

@test "pipeline: lines of 1 byte, of 1,048,516 bytes, and both in turn" {
	yes x | head -300000 >input
	trip input
	head -c 1048516 /dev/zero | tr '\0' z >largest
	{
		echo a
		cat largest
		printf '\nb\n'
		cat largest
		printf '\n\n'
	} >input
	trip input
}

@test "pipeline: from one topic to the next keeps keys and order" {
	klog-create -q -p 3 a
	klog-create -q -p 3 b
	seq 1000 | sed 's/.*/key-&\tvalue &/' | klog-produce -K '\t' a
	klog-consume -K '\t' a | klog-produce -K '\t' b
	diff <(stored a) <(stored b)
}

@test "pipeline: NUL-delimited records with newlines inside" {
	printf 'a\nb\0\0c\n\0' >input
	klog-produce -0 t <input
	klog-consume -0 t | cmp - input
}

@test "pipeline: a closed pipe ends klog-consume as SIGPIPE does, without a word" {
	make-lines 0 200000 100 | klog-produce --no-sync t
	shell 141 'klog-consume t | head -1'
	equal "$output" "$(make-lines 0 1 100)"
	equal "$stderr" ""
}

@test "pipeline: a full disk behind standard output is noticed" {
	seq 10 | klog-produce t
	shell 1 'klog-consume t >/dev/full'
	one_line_error consume 'No space left'
	shell 1 'klog-inspect >/dev/full'
	one_line_error inspect
	shell 1 'klog-consume --help >/dev/full'
	one_line_error consume
	shell 1 'seq 3 | klog-produce -T t >/dev/full'
	error_line produce
}

@test "pipeline: standard output closed at the start" {
	seq 10 | klog-produce t
	shell 1 'klog-consume t >&-'
	error_line consume
}

@test "pipeline: output to a file, a pipe and a socket pair is the same" {
	make-lines -m 3 100 >input
	klog-produce t <input
	klog-consume t >file
	cmp file input
	klog-consume t | cat | cmp - input
	shell 0 'klog-consume t >>again; klog-consume t >>again'
	cat input input | cmp - again
}

@test "pipeline: a slow reader gets everything" {
	make-lines 0 50000 100 >input
	klog-produce t <input
	klog-consume t | {
		sleep 0.3
		cat
	} | cmp - input
}

@test "pipeline: input from a pipe that dribbles, cut in the middle of lines" {
	shell 0 '(printf a; sleep 0.05; printf "b\nc"; sleep 0.05; printf "\n"; printf d) | klog-produce t'
	equal "$(klog-consume t)" $'ab\nc\nd'
}

@test "pipeline: tee by -T, into two topics" {
	klog-create -q u
	make-lines 0 1000 >input
	klog-produce -T t <input | klog-produce u
	klog-consume t | cmp - input
	klog-consume u | cmp - input
}

@test "pipeline: --help is on standard output with 0, misuse on standard error with 2" {
	local tool
	for tool in create produce consume inspect; do
		klog 0 "$tool" --help
		[[ "$output" == *"klog-$tool"* ]]
		equal "$stderr" ""
		klog 0 "$tool" -h
		klog 0 "$tool" --version
		[[ "$output" == *[0-9].[0-9]* ]]
		klog 0 "$tool" -V
		klog 2 "$tool" --nonsense
		usage_error "$tool" nonsense
	done
}

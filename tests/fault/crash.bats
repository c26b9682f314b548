#!/usr/bin/env bats
# What a power cut could leave of a run, thousands of states of it: unsynced
# writes lost, torn or in another order, names lost that were not synced.
# crash-states says what must hold in each, and how to see a failing one again.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers

fixture() {
	export PATH=$KLOG_FAULT:$PATH
}

@test "crash: states of a topic that is being made, and of its first records" {
	crash-states -n 1000 create
}

@test "crash: states of short writers, some of which never sync" {
	crash-states -n 2000 append
}

@test "crash: states of a writer that rolls, synced and not" {
	crash-states -n 2500 roll
}

@test "crash: states of two writers at the same time that roll" {
	crash-states -n 2500 two
}

# Where klog did not sync these, records would be lost: the states must show
# it, or the tests above show nothing.
forgotten() {
	run crash-states -n 300 -x "$1" "$2"
	echo "$output"
	[ "$status" -eq 1 ] || fail "syncs of $1 forgotten, and nothing is seen"
	[[ $output == *"$3"* ]] || fail "no state of $1 fails so: $3"
}

@test "crash: a forgotten sync is seen (the .log, S3 and R1)" {
	forgotten .log append "misses what was promised"
	forgotten .log roll "misses what was promised"
	forgotten .log two "misses what was promised"
}

@test "crash: a forgotten sync is seen (a directory, A4 and M4)" {
	forgotten / create "does not end well"
	forgotten / roll "misses what was promised"
}

@test "crash: a forgotten sync is seen (the state, T3)" {
	forgotten .klog append "no new leader epoch"
}

@test "crash: a forgotten sync is seen (topic.yaml, before its rename)" {
	forgotten topic.yaml create "does not end well"
}

#!/usr/bin/env bats
# The inputs that fuzzing kept, what once broke klog among them, go through
# their decoders once.  `make check-fuzz` mutates them.
# shellcheck disable=SC2154

load helpers

setup_file() {
	corpus=$(cd "$BATS_TEST_DIRNAME/fuzz/corpus" && pwd)
	export corpus
}

@test "corpus: every kept input holds what its fuzz target asks" {
	local dir
	for dir in "$corpus"/*/; do
		run --separate-stderr timeout 300 \
			"$KLOG_FUZZ/fuzz_$(basename "$dir")" "$dir"
		explain "fuzz_$(basename "$dir")" "$dir"
		[ "$status" -eq 0 ]
		[ "$output" = "$(find "$dir" -type f | wc -l) inputs" ]
	done
}

@test "corpus: every fuzz target has inputs, and runs of its own" {
	local target
	for target in "$BATS_TEST_DIRNAME"/fuzz/fuzz_*.c; do
		target=$(basename "$target" .c)
		target=${target#fuzz_}
		[ -n "$(ls "$corpus/$target")" ]
		grep -qE "[ 	]$target:[0-9]+" "$corpus/../run" ||
			fail "tests/fuzz/run does not run $target"
	done
}

@test "corpus: it is small" {
	[ "$(cat "$corpus"/*/* | wc -c)" -lt 500000 ]
}

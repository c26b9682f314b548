# Run by bats once, before the first test: the small C programs that the
# tests use are built for this run, so that a single file can be run by hand.

setup_suite() {
	local tests source
	tests=$(dirname -- "${BASH_SOURCE[0]}")
	export LC_ALL=C TZ=UTC
	[ -z "${KLOG_TEST_TOOLS:-}" ] || return 0
	export KLOG_TEST_TOOLS=$BATS_RUN_TMPDIR/tools
	mkdir -p "$KLOG_TEST_TOOLS"
	for source in "$tests"/tools/*.c; do
		${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 \
			-o "$KLOG_TEST_TOOLS/$(basename "$source" .c)" "$source"
	done
}

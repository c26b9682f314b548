# Run by bats once, before the first test: make check says where everything is;
# a file that is run by hand, as `bats tests/clean.bats`, has it made.

setup_suite() {
	local root
	root=$(cd "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
	export LC_ALL=C TZ=UTC
	[ -z "${KLOG_TEST_TOOLS:-}" ] || return 0
	make -s -C "$root" all units faults >&2
	export KLOG_BIN=$root/bin KLOG_UNIT=$root/build/tests/unit \
		KLOG_TEST_TOOLS=$root/build/tests/tools \
		KLOG_FUZZ=$root/build/tests/fuzz KLOG_FAULT=$root/build/tests/fault
}

#!/usr/bin/env bats
# README.md does what it says.  A ```sh block is run as printed, and what it
# prints is the ```text block right behind it, if there is one, else nothing;
# the reader's home is /home/you there.
# shellcheck disable=SC2013,SC2016,SC2030,SC2031,SC2154

load helpers

fixture() {
	tree=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	# the reader has neither of the two
	unset KLOG_CLUSTER XDG_DATA_HOME
	export HOME=$PWD/home
	mkdir "$HOME" blocks
	blocks
}

# Each fenced block goes to blocks/NN.KIND; a text block has the number of the
# sh block that it follows, with nothing but empty lines between.
blocks() {
	awk '
	!inside && /^```/ {
		inside = 1
		kind = $0 == "```" ? "plain" : substr($0, 4)
		if (kind != "text")
			n++
		else if (last != "sh")
			lost = 1
		file = sprintf("blocks/%02d.%s", n, kind)
		printf "" >file
		next
	}
	inside && /^```$/ {
		inside = 0
		last = kind
		close(file)
		next
	}
	inside { print >file; next }
	/./ { last = "" }
	END { exit inside || lost }' "$tree/README.md"
}

# What builds or installs is for the reader, what needs the library for the
# last test.
is_make() { grep -q '^make ' "$1"; }
is_c() { grep -q 'pkg-config' "$1"; }

# tour BLOCK...: runs them in one bash, as pasted one after the other.
tour() {
	local block
	{
		echo 'set -eu -o pipefail'
		for block; do
			printf 'exec >%q 2>&1\n' "$PWD/${block%.sh}.out"
			cat "$block"
		done
	} >tour
	for block; do
		[ -e "${block%.sh}.text" ] || : >"${block%.sh}.text"
	done
	mkdir -p work
	(cd work && exec timeout 120 bash ../tour </dev/null) || {
		tail -n 5 blocks/*.out
		fail "a block failed; above is what each printed last"
	}
	for block; do
		diff -u "${block%.sh}.text" \
			<(sed -E "s|$HOME|/home/you|g; s/20[0-9]{2}(-[0-9]{2}){2}T[0-9:]{8}/2026-11-22T14:00:00/g" \
				"${block%.sh}.out") ||
			fail "$(cat "$block")" "prints something else"
	done
}

@test "README: every block of shell runs as printed, and prints what stands below it" {
	local block todo=()
	for block in blocks/*.sh; do
		is_make "$block" || is_c "$block" || todo+=("$block")
	done
	[ "${#todo[@]}" -ge 8 ] || fail "only ${#todo[@]} blocks were found"
	tour "${todo[@]}"
	# and it cleans up behind itself
	equal "$(ls -A home)" ""
	equal "$(ls -A work)" ""
}

@test "README: the targets that it names are in the Makefile" {
	local target block found=0
	for block in blocks/*.sh; do
		! is_make "$block" || found=1
	done
	[ "$found" -eq 1 ]
	for target in $(
		grep -hoE '(^| |`)make [a-z][a-z-]*' "$tree/README.md" |
			sed 's/.*make //' | sort -u
	); do
		found=$((found + 1))
		grep -qE "^([a-z-]+ )*$target( [a-z-]+)*:" "$tree/Makefile" ||
			fail "no target $target"
	done
	[ "$found" -ge 4 ]
}

@test "README: the map has what is there, and every directory is in the map" {
	local path
	cut -d ' ' -f 1 blocks/*.plain >paths
	[ "$(wc -l <paths)" -ge 8 ]
	while read -r path; do
		[ -e "$tree/$path" ] || fail "$path is not there"
	done <paths
	# what is made, and what a repository is kept in, is not in it
	for path in $(cd "$tree" && find . -mindepth 2 -type f -printf '%P\n' |
		cut -d / -f 1 | sort -u | grep -vxE 'bin|build|\.git|\.cache'); do
		grep -qx "$path/" paths || fail "$path/ is not in the map"
	done
}

@test "README: the program in C is compiled through pkg-config, and runs" {
	local file block c
	[ -z "${KLOG_SANITIZED:-}" ] ||
		skip "a plain compiler cannot link what the sanitizers built"
	command -v pkg-config >/dev/null || skip "needs pkg-config"
	for c in blocks/*.c; do
		file=$(sed -n '1s|^/\* \([a-z]*\.c\) \*/$|\1|p' "$c")
		[ -n "$file" ] || fail "a program without its name"
		mkdir -p work
		cp "$c" "work/$file"
	done
	make -s -C "$tree" install DESTDIR="$PWD/dest" PREFIX=/usr/local \
		>install.log 2>&1 || fail "$(cat install.log)"
	export PKG_CONFIG_SYSROOT_DIR=$PWD/dest
	export PKG_CONFIG_PATH=$PWD/dest/usr/local/lib/pkgconfig
	export PATH=$PWD/dest/usr/local/bin:$PATH
	for block in blocks/*.sh; do
		! is_c "$block" || tour "$block"
	done
	# nothing but klog.h is needed, and it stands alone
	${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
		-I"$PWD/dest/usr/local/include" "work/$file"
	# it fails as the tools do
	run --separate-stderr "work/${file%.c}" "$PWD/nowhere" a b
	[ "$status" -eq 1 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

#!/usr/bin/env bats
# make install and make uninstall, into a directory of the test's own.
# shellcheck disable=SC2016,SC2154

load helpers

fixture() {
	tree=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
}

# install_klog TARGET [VAR=VALUE...]
install_klog() {
	make -s -C "$tree" "$@" >make.log 2>&1 || fail "$(cat make.log)"
}

left() {
	find "$1" ! -type d -printf '%P\n' | LC_ALL=C sort
}

@test "install: tools, library, header, pages and completions, each in its place" {
	local tool page under
	install_klog install DESTDIR="$PWD/dest" PREFIX=/usr/local
	under=$PWD/dest/usr/local
	for tool in "$tree"/cmd/klog-*.c; do
		tool=$(basename "$tool" .c)
		[ -x "$under/bin/$tool" ] || fail "$tool"
		[ -e "$under/share/bash-completion/completions/$tool" ]
		[ -e "$under/share/fish/vendor_completions.d/$tool.fish" ]
		[ -e "$under/share/man/man1/$tool.1" ]
	done
	for page in "$tree"/man/*.[157]; do
		[ -e "$under/share/man/man${page##*.}/${page##*/}" ] ||
			fail "$page"
	done
	[ -e "$under/share/zsh/site-functions/_klog" ]
	[ -e "$under/lib/libklog.a" ]
	cmp "$tree/libklog/klog.h" "$under/include/klog.h"
	# nothing is said of where it was put for a while
	run grep -rlF "$PWD/dest" dest/usr/local/lib/pkgconfig \
		dest/usr/local/share dest/usr/local/include
	[ "$status" -eq 1 ] || fail "$output"
	# readable for all, and nothing is for the group or others to change
	equal "$(find dest -type f ! -perm -a+r)" ""
	equal "$(find dest -type f -perm /g+w,o+w)" ""
}

@test "install: what is installed runs" {
	install_klog install DESTDIR="$PWD/dest" PREFIX=/opt/klog
	export PATH=$PWD/dest/opt/klog/bin:$PATH
	equal "$(command -v klog-create)" "$PWD/dest/opt/klog/bin/klog-create"
	klog-create -q t
	seq 10 | klog-produce t
	klog-consume t | cmp - <(seq 10)
	shell 0 "man -M '$PWD/dest/opt/klog/share/man' -w klog-produce"
}

@test "install: uninstall leaves nothing behind, and takes nothing else" {
	local prefix
	for prefix in /usr/local /opt/klog ''; do
		rm -rf dest
		mkdir -p "dest$prefix"/{bin,include,lib/pkgconfig,share/man/man1}
		: >"dest$prefix/bin/klog-of-somebody"
		: >"dest$prefix/share/man/man1/other.1"
		left dest >before
		install_klog install DESTDIR="$PWD/dest" PREFIX="$prefix"
		[ "$(left dest | wc -l)" -gt 15 ]
		install_klog uninstall DESTDIR="$PWD/dest" PREFIX="$prefix"
		diff before <(left dest)
		# and again, which is no error
		install_klog uninstall DESTDIR="$PWD/dest" PREFIX="$prefix"
	done
}

@test "install: twice is as once" {
	install_klog install DESTDIR="$PWD/dest"
	left dest >once
	install_klog install DESTDIR="$PWD/dest"
	diff once <(left dest)
}

@test "install: directories may be named one by one" {
	install_klog install DESTDIR="$PWD/dest" PREFIX=/usr \
		libdir=/usr/lib/x86_64-linux-gnu mandir=/usr/man
	[ -e dest/usr/lib/x86_64-linux-gnu/libklog.a ]
	[ -e dest/usr/man/man7/klog.7 ]
	grep -qx 'libdir=/usr/lib/x86_64-linux-gnu' \
		dest/usr/lib/x86_64-linux-gnu/pkgconfig/klog.pc
}

@test "install: pkg-config finds the library, its version and all that it needs" {
	command -v pkg-config >/dev/null || skip "needs pkg-config"
	install_klog install DESTDIR="$PWD/dest" PREFIX=/opt/klog
	export PKG_CONFIG_PATH=$PWD/dest/opt/klog/lib/pkgconfig
	equal "klog-create $(pkg-config --modversion klog)" \
		"$(klog-create --version | head -n 1)"
	equal "$(pkg-config --variable=prefix klog)" /opt/klog
	[[ " $(pkg-config --cflags klog) " == *' -I/opt/klog/include '* ]]
	[[ " $(pkg-config --libs klog) " == *' -L/opt/klog/lib '* ]]
	[ -z "${KLOG_SANITIZED:-}" ] || return 0
	# every object of the library, so that nothing is missing unnoticed
	export PKG_CONFIG_SYSROOT_DIR=$PWD/dest
	echo 'int main(void) { return 0; }' >all.c
	# shellcheck disable=SC2046
	${CC:-cc} -o all all.c -Wl,--whole-archive \
		dest/opt/klog/lib/libklog.a -Wl,--no-whole-archive \
		$(pkg-config --libs klog)
	./all
}

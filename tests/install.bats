#!/usr/bin/env bats
# make install and make uninstall, into a directory of the test's own.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

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
	[ -e "$under/lib/systemd/system/klog-clean.timer" ]
	[ -e "$under/lib/systemd/user/klog-clean.timer" ]
	for page in "$under"/lib/systemd/{system,user}/klog-clean.service; do
		grep -qx 'ExecStart=/usr/local/bin/klog-clean' "$page"
	done
	grep -q ' root /usr/local/bin/klog-clean -q$' \
		"$under/share/doc/klog/klog-clean.cron"
	[ -e "$under/lib/libklog.a" ]
	cmp "$tree/libklog/klog.h" "$under/include/klog.h"
	# nothing is said of where it was put for a while
	run grep -rlF "$PWD/dest" dest/usr/local/lib/{pkgconfig,systemd} \
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

# verified DIR [--user]: systemd takes the units there, and has nothing to say.
verified() {
	command -v systemd-analyze >/dev/null || skip 'needs systemd-analyze'
	mkdir -p run
	SYSTEMD_UNIT_PATH=$1: XDG_RUNTIME_DIR=$PWD/run run --separate-stderr \
		timeout 60 systemd-analyze verify --man=no "${@:2}" \
		"$1"/klog-clean.timer "$1"/klog-clean.service
	explain systemd-analyze verify "$@"
	# Of the machine's own units it may find something; of ours it must not.
	run ! grep klog <<<"$output$stderr"
}

@test "install: systemd takes the units, for the system and for a user" {
	install_klog install PREFIX="$PWD/dest"
	verified dest/lib/systemd/system
	verified dest/lib/systemd/user --user
	# It would find a mistake.
	sed -i 's/^OnCalendar=.*/OnCalendar=sometimes/' \
		dest/lib/systemd/system/klog-clean.timer
	sed -i 's|^ExecStart=.*|&-not|' dest/lib/systemd/user/klog-clean.service
	run ! verified dest/lib/systemd/system
	run ! verified dest/lib/systemd/user --user
}

@test "install: a service shuts off what klog-clean does not need" {
	command -v systemd-analyze >/dev/null || skip 'needs systemd-analyze'
	install_klog install PREFIX="$PWD/dest"
	run systemd-analyze security --offline=true --threshold=50 \
		dest/lib/systemd/system/klog-clean.service
	[ "$status" -eq 0 ] || fail "$output"
}

@test "install: what the units and cron start cleans, with the least of an environment" {
	local line
	install_klog install PREFIX="$PWD/dest"
	klog-create -q -C home/.local/share/klog -X segment.ms=1 \
		-X retention.ms=1ms t
	put() { echo "$1" | klog-produce -C home/.local/share/klog t; }
	line=$(sed -n 's/^ExecStart=//p' dest/lib/systemd/user/klog-clean.service)
	[ -x "$line" ]
	put a
	sleep 0.02
	# shellcheck disable=SC2086
	run --separate-stderr env -i HOME="$PWD/home" \
		XDG_DATA_HOME="$PWD/home/.local/share" \
		KLOG_CLUSTER="$PWD/home/.local/share/klog" $line
	explain "$line"
	equal "$status$output$stderr" 0
	equal "$(klog-consume -C home/.local/share/klog t)" ""
	equal "$(grep -v '^#' dest/share/doc/klog/klog-clean.cron |
		sed -n 's/^[^ ]* \* \* \* \* root //p')" "$line -q"
}

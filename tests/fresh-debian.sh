#!/bin/bash
# fresh-debian.sh SUITE: `make demo` and `make check` of this repository's
# HEAD on a Debian that has nothing but git and make.  SUITE is bookworm,
# trixie ...  Needs root, debootstrap and a mirror, which is that of this
# machine's own apt.  KLOG_FRESH_CACHE=DIR keeps the new system there as a
# tarball, so that a second trial takes less.
# shellcheck disable=SC2016	# some dollars are for others to expand
set -eu

suite=${1:?usage: tests/fresh-debian.sh SUITE}
case $suite in
*[!a-z]*) echo 'fresh-debian.sh: SUITE is a code name' >&2 && exit 2 ;;
esac
[ "$(id -u)" -eq 0 ] || { echo 'fresh-debian.sh: needs root' >&2 && exit 1; }
command -v debootstrap >/dev/null || {
	echo 'fresh-debian.sh: needs the package debootstrap' >&2
	exit 1
}

# Mounts and processes of its own, which go with it however it ends.
[ -n "${KLOG_FRESH_INSIDE-}" ] || KLOG_FRESH_INSIDE=1 exec \
	unshare --mount --propagation private --pid --fork --kill-child \
	bash "$0" "$@"

cd "$(dirname "$0")/.."
root=$(mktemp -d "${TMPDIR:-/tmp}/klog-fresh.XXXXXX")
end() {
	cd /
	for dir in proc sys dev/pts dev/shm dev; do
		! mountpoint -q "$root/$dir" || umount -l "$root/$dir"
	done
	rm -rf --one-file-system "$root"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$root"

mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' \
	'Created-By: Packages' | sed -n 's/^Debian Debian //p' | head -n 1)
[ -n "$mirror" ] || {
	echo 'fresh-debian.sh: apt here has no Debian mirror' >&2
	exit 1
}
# The way to the mirror: what apt was told, for debootstrap's wget too.
eval "$(apt-config shell http_proxy Acquire::http::Proxy \
	https_proxy Acquire::https::Proxy)"
export http_proxy=${http_proxy-} https_proxy=${https_proxy-}

tarball=${KLOG_FRESH_CACHE:+$KLOG_FRESH_CACHE/$suite.tar}
if [ -n "$tarball" ] && [ -e "$tarball" ]; then
	tar -C "$root" -xf "$tarball"
else
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e "$keyring" ] || keyring=
	log=$root.log
	debootstrap --variant=minbase --include=git,make \
		${keyring:+--keyring="$keyring"} \
		"$suite" "$root" "$mirror" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		rm -f "$log"
		exit 1
	}
	rm -f "$log"
	[ -z "$tarball" ] || {
		tar -C "$root" -cf "$tarball.new" .
		mv "$tarball.new" "$tarball"
	}
fi

# What a machine here has and a new system lacks: the net's names, trusted
# certificates, apt's way out.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
	mkdir -p "$root/etc/ssl/certs"
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
fi
apt-config dump Acquire |
	grep -E '^Acquire::(https?|Retries|Check-|Force)' \
		>"$root/etc/apt/apt.conf.d/90machine" || :

# Device nodes of its own: nothing of the machine's is mounted inside.
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 dev "$root/dev"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
mknod -m 666 "$root/dev/tty" c 5 0
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"

git bundle create -q "$root/root/klog.bundle" HEAD
inside() {
	chroot "$root" env -i HOME=/root TERM="${TERM-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		http_proxy="$http_proxy" https_proxy="$https_proxy" \
		no_proxy="${no_proxy-}" sh -ec "$1"
}

# Where others can reach it: a test becomes one of them.
inside 'git -c advice.detachedHead=false \
	-c init.defaultBranch=main clone -q /root/klog.bundle /srv/klog'
for target in demo check; do
	printf '\n== %s: make %s\n' "$suite" "$target"
	inside "cd /srv/klog && make $target"
done
# All that was made is in what git ignores, and nothing is missing now.
inside 'cd /srv/klog && test -z "$(git status --porcelain)" &&
	test -z "$(tests/deps check)"'
printf '\n%s: make demo and make check went well\n' "$suite"

#!/bin/sh
# A small Debian in a folder, with a Blender that has a window. As root:
#
#   chroot.sh make FOLDER SUITE               SUITE: trixie (Blender 4.3.2) or sid (5.2 LTS)
#   chroot.sh enter FOLDER BINDS COMMAND...   BINDS: folders of this machine to see in there, as HERE or HERE=THERE,
#                                             between colons
#
# Needs mmdebstrap. What is mounted is mounted for the command alone and goes with it; so does every process it leaves.
set -eu

packages=blender,python3-numpy,python3-requests,python3-zstandard,python3-pytest,libgl1-mesa-dri,xvfb,xauth,scrot

make() {
    # A mirror may be days behind sid: its lists are signed all the same, only no longer fresh.
    case $2 in sid) packages=$packages,python3-cattr ;; esac
    mmdebstrap --mode=root --variant=minbase --components=main --include=$packages \
        --aptopt='Apt::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        "$2" "$1" ${DEBIAN_MIRROR-}
    ln -sf ../proc/self/mounts "$1/etc/mtab" # Blender asks it for the disks
}

enter() {
    folder=$1 binds=$2
    shift 2
    FOLDER=$folder BINDS=$binds exec unshare --mount --propagation private --pid --fork --kill-child sh -euc '
        mount -t proc proc "$FOLDER/proc"
        mkdir -p "$FOLDER/dev/shm"
        mount -t tmpfs tmpfs "$FOLDER/dev/shm"
        IFS=:
        for bind in $BINDS; do
            mkdir -p "$FOLDER/${bind#*=}"
            mount --bind "${bind%%=*}" "$FOLDER/${bind#*=}"
        done
        # Not exec: an X server sends no signal to a parent that is process 1, and xvfb-run waits for it.
        PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin chroot "$FOLDER" "$@" || exit
    ' sh "$@"
}

"$@"

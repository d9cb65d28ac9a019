#!/bin/bash
# Makes the images of the lab's own programs, with no registry and no Docker, and prints their folder.
# An image is a tar of a folder in the form that "docker save" writes. Kept beside the programs.
set -eu
source "$(dirname "$(readlink -f "$0")")/settings"
BIN=$("$LAB/../../tools/build" lab)
IMAGES=$BIN/images-$(sha256sum < "$LAB/images.sh" | cut -c1-8); mkdir -p "$IMAGES"
image() { # name user entrypoint-json root-folder
  local w d; w=$(mktemp -d)
  tar -C "$4" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$w/layer.tar" .
  d=$(sha256sum "$w/layer.tar" | cut -d' ' -f1)
  echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"User\":\"$2\",\"Entrypoint\":$3},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$d\"]}}" > "$w/config.json"
  echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"lab/$1:1\"],\"Layers\":[\"layer.tar\"]}]" > "$w/manifest.json"
  tar -C "$w" -cf "$w/image.tar" manifest.json config.json layer.tar
  mv "$w/image.tar" "$IMAGES/$1.tar"; rm -r "$w"
}
for program in pause coredns probe podsd adapter; do
  [ -e "$IMAGES/$program.tar" ] && continue
  root=$(mktemp -d); cp -L "$BIN/$program" "$root/"
  image "$program" 65532:65532 "[\"/$program\"]" "$root"; rm -r "$root"
done
# Prometheus is Debian's, unpacked from its package and not installed, which would start it.
if [ ! -e "$IMAGES/prometheus.tar" ]; then
  root=$(mktemp -d)
  (cd "$root"; apt-get -o APT::Sandbox::User=root download -qq prometheus >&2; dpkg -x prometheus_*.deb d
   mkdir -p i/lib/x86_64-linux-gnu i/lib64; cp d/usr/bin/prometheus i/
   cp -L /lib/x86_64-linux-gnu/libc.so.6 i/lib/x86_64-linux-gnu/; cp -L /lib64/ld-linux-x86-64.so.2 i/lib64/)
  image prometheus 65532:65532 '["/prometheus"]' "$root/i"; rm -r "$root"
fi
echo "$IMAGES"

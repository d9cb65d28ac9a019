#!/bin/bash
# Ends the cluster: killing its pid 1 ends every process in it, and with the last one its mounts and network go.
set -u
source "$(dirname "$(readlink -f "$0")")/settings"
if U=$(cat "$RUN/unshare.pid" 2>/dev/null) && grep -qs unshare "/proc/$U/comm"; then
  I=$(cat "/proc/$U/task/$U/children" 2>/dev/null); I=${I%% *}
  kill -9 "${I:-$U}" 2>/dev/null
  for _ in $(seq 100); do [ -e "/proc/$U" ] || break; sleep 0.1; done
fi
for _ in $(seq 50); do   # cgroups empty themselves a moment after the last process
  find /sys/fs/cgroup -mindepth 2 -depth -type d -path "*/$CGROUP*" -exec rmdir {} + 2>/dev/null
  [ -z "$(find /sys/fs/cgroup -mindepth 2 -maxdepth 2 -name "$CGROUP" 2>/dev/null)" ] && break
  sleep 0.1
done
[ -e "$RUN/unshare.pid" ] && rm -rf --one-file-system "$RUN"
echo down

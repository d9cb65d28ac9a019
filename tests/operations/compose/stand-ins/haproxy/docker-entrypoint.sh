#!/bin/sh
# As the real image: options alone are haproxy's, which then runs in the foreground with a master.
set -e
case "${1:-}" in -*) set -- haproxy "$@" ;; esac
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"

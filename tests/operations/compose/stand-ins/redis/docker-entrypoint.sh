#!/bin/sh
# Options or a configuration file alone are redis-server's, as with the real image.
set -e
case "${1:-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
umask 0077
exec "$@"

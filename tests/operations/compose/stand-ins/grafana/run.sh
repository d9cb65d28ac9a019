#!/bin/sh
exec node /opt/grafana/server.js

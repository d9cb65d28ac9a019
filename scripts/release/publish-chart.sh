#!/usr/bin/env bash
# Pushes the one chart of a folder to a registry that helm and cosign of the PATH are logged in to,
# and signs what the registry took.
#
#   publish-chart.sh REGISTRY FOLDER
set -euo pipefail
registry=$1
charts=("$2"/*.tgz)
if ((${#charts[@]} != 1)) || [[ ! -f ${charts[0]} ]]; then
  echo "There is not exactly one chart in $2." >&2
  exit 1
fi

if ! said=$(helm push "${charts[0]}" "oci://$registry" 2>&1); then
  echo "$said" >&2
  exit 1
fi
echo "$said"
digest=$(sed -n 's/^Digest: \(sha256:[0-9a-f]\{64\}\)$/\1/p' <<< "$said")
if [[ -z $digest ]]; then
  echo "helm named no digest for what it pushed." >&2
  exit 1
fi
name=$(basename "${charts[0]}" | sed 's/-[0-9].*//')
cosign sign --yes "$registry/$name@$digest"

#!/usr/bin/env bash
# Writes the image's digest into the chart and packages it, with the helm and node of the PATH. The
# chart is rendered first, and refused when one of its images has no digest.
#
#   package-chart.sh DIGEST FOLDER
set -euo pipefail
digest=$1
folder=$2

node scripts/release/main.ts stamp "$digest"
helm template release helm/chatbox --namespace release --values scripts/release/render-values.yaml \
  --set releaseMode=true | node scripts/release/main.ts check-images "$digest"
helm package helm/chatbox --destination "$folder"

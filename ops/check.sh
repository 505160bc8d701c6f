#!/usr/bin/env bash
# Whether what is watched exists: every metric that a rule or the dashboard names is exported by one of the given
# services, and Prometheus accepts its files (when promtool is installed).
#   ops/check.sh http://127.0.0.1:7002/metrics http://127.0.0.1:8080/metrics
set -euo pipefail
cd "$(dirname "$0")"

exported=$(for url in "$@"; do curl -sf "$url" | grep -v '^#' | sed 's/[{ ].*//'; done | sort -u)
missing=0
for name in $(grep -ohE 'clockless_[a-z_]+' prometheus/alerts.yml grafana/clockless.json | sort -u); do
    grep -qx "$name" <<<"$exported" || { echo "nobody exports $name"; missing=1; }
done
python3 -m json.tool grafana/clockless.json >/dev/null
if command -v promtool >/dev/null; then
    promtool check config prometheus/prometheus.yml
    promtool test rules prometheus/alerts_test.yml
fi
exit $missing

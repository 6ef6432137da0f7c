#!/usr/bin/env bash
# Compares the results of bench/run.sh with the goals: which are met, which missed. Exits with 1
# when any is missed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 bench/goals.py build/bench/results.json

#!/usr/bin/env bash
# Compares the results of bench/run.sh with the goals. Exits with 1 if a goal is missed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 bench/goals.py build/bench/results.json

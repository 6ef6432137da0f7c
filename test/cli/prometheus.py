"""Runs the example for Prometheus and checks its output."""

import re
import subprocess
import sys

EXPECTED = {
    'oauth_token_calls_total{outcome="cached"}': 3,
    'oauth_token_calls_total{outcome="waited"}': 3,
    'oauth_token_calls_total{outcome="failed_at_once"}': 0,
    'oauth_token_fetches_started_total{reason="empty"}': 1,
    'oauth_token_fetches_started_total{reason="invalidated"}': 1,
    'oauth_token_fetches_started_total{reason="forced"}': 1,
    'oauth_token_fetches_started_total{reason="refresh"}': 0,
    'oauth_token_fetches_total{reason="empty",outcome="success"}': 1,
    'oauth_token_fetches_total{reason="empty",outcome="failure"}': 0,
    'oauth_token_fetches_total{reason="invalidated",outcome="success"}': 1,
    'oauth_token_fetches_total{reason="forced",outcome="success"}': 1,
    'oauth_token_fetches_total{reason="refresh",outcome="success"}': 0,
    'oauth_token_fetches_total{reason="expired",outcome="abandoned"}': 0,
    "oauth_tokens_invalidated_total": 1,
    "oauth_token_wait_seconds_count": 3,
    "oauth_token_request_duration_seconds_count": 3,
    'oauth_token_attempt_failures_total{error="invalid_scope"}': 1,
    'oauth_shared_fetches_total{found="token"}': 0,
    'oauth_shared_fetches_total{found="no_store"}': 0,
    'oauth_token_claims_total{outcome="won"}': 3,
    'oauth_token_claims_total{outcome="published"}': 3,
    'oauth_store_operations_total{operation="load",outcome="success"}': 6,
    'oauth_store_operations_total{operation="remove_if",outcome="success"}': 1,
    'oauth_store_operations_total{operation="claim",outcome="failure"}': 0,
}
# Values that depend on time: lower and upper bound.
BETWEEN = {
    'oauth_token_seconds{kind="age"}': (0, 60),
    'oauth_token_seconds{kind="remaining"}': (3000, 3600),
    "oauth_connections_idle": (0, 10),
    'oauth_store_operation_seconds_total{operation="load"}': (1e-9, 12),
}


def main():
    ran = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True)
    values = {}
    for line in ran.stdout.splitlines():
        if match := re.fullmatch(r"([a-z_]+(?:{[^}]*})?) (\S+)", line):
            values[match[1]] = float(match[2])
    wrong = [
        f"{name} is {values.get(name)}, not {value}"
        for name, value in EXPECTED.items()
        if values.get(name) != value
    ]
    wrong += [
        f"{name} is {values.get(name)}, not from {least} to {most}"
        for name, (least, most) in BETWEEN.items()
        if not least <= values.get(name, -1) <= most
    ]
    if wrong:
        print(ran.stdout, *wrong, sep="\n")
        sys.exit(1)


main()

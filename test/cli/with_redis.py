"""Runs a command with the address of a new Redis server in its environment.

    with_redis.py COAUTH COMMAND [ARGUMENT...]
"""

import os
import subprocess
import sys

from redis_server import PASSWORD, RedisServer

server = RedisServer()
try:
    environment = {**os.environ, "REDIS_PORT": str(server.port), "REDIS_USER": "coauth",
                   "REDIS_PASSWORD": PASSWORD}
    status = subprocess.run(sys.argv[1:], env=environment, check=False).returncode
finally:
    server.stop()
sys.exit(status)

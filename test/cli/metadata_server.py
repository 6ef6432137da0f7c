"""Runs the example for metadata servers against one that is unavailable at first."""

import http.server
import os
import subprocess
import sys
import threading

PATH = "/computeMetadata/v1/instance/service-accounts/default/token?scopes=read"
requests = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        requests.append((self.path, self.headers.get("Metadata-Flavor")))
        status, body = 200, b'{"access_token":"t","expires_in":3599,"token_type":"Bearer"}'
        if len(requests) == 1:
            status, body = 503, b"starting"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = os.environ | {"GCE_METADATA_HOST": f"127.0.0.1:{server.server_port}"}
    ran = subprocess.run(
        sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    server.shutdown()
    lines = ran.stdout.splitlines()
    # One retry, and one fetch for both calls.
    if requests != [(PATH, "Google")] * 2 or len(lines) != 2 or "Bearer" not in lines[0]:
        sys.exit(f"{requests}\n{ran.stdout}")


main()

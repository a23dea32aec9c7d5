set -e
cd /tmp/files_h
openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=127.0.0.1 >/dev/null 2>&1
python3 - <<'PY' &
import http.server, ssl, threading, os
s=http.server.HTTPServer(("127.0.0.1",18443),http.server.SimpleHTTPRequestHandler)
c=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain("c.pem","k.pem"); s.socket=c.wrap_socket(s.socket,server_side=True)
class P(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self): self.send_response(407,"Proxy Authentication Required"); self.end_headers()
p=http.server.HTTPServer(("127.0.0.1",18444),P)
threading.Thread(target=p.serve_forever,daemon=True).start()
threading.Timer(60, lambda: os._exit(0)).start()
s.serve_forever()
PY
sleep 2
env -i PATH=$PATH HOME=/tmp/files_h PIP_CONFIG_FILE=/dev/null PIP_INDEX_URL=https://127.0.0.1:18443/ PIP_RETRIES=1 /work/main/.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --dry-run no-package-x || true
echo ----407
env -i PATH=$PATH HOME=/tmp/files_h PIP_CONFIG_FILE=/dev/null HTTPS_PROXY=http://127.0.0.1:18444 PIP_INDEX_URL=https://example.invalid/ PIP_RETRIES=1 /work/main/.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --dry-run no-package-x || true
echo ---none
env -i PATH=$PATH HOME=/tmp/files_h PIP_CONFIG_FILE=/dev/null PIP_INDEX_URL=https://example.invalid/ PIP_RETRIES=0 /work/main/.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --dry-run no-package-x || true

"""An S3 server (moto) behind a proxy that checks signatures and goes wrong when it is told to."""

import hashlib
import http.client
import http.server
import logging
import threading

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

CREDENTIALS = Credentials('AKIATOKURA', 'secret/of+the=tests', 'session-token')
REGION = 'eu-central-1'


class ObjectStore:
    """`fault`, asked before each request with its method and path, answers None or one of:
    'busy' (503, nothing done), 'cut' (nothing done, no answer), 'lost' (done, no answer),
    'late' (done, and 500)."""

    def __init__(self):
        logging.getLogger('werkzeug').setLevel(logging.ERROR)
        self.fault = lambda method, path: None
        self.requests = []
        self.wrong_signatures = []
        self.moto = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
        self.moto.start()
        self.moto_port = self.moto.get_host_and_port()[1]
        self.proxy = http.server.ThreadingHTTPServer(('127.0.0.1', 0), self._handler())
        self.proxy.daemon_threads = True
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        self.endpoint = 'http://127.0.0.1:%d' % self.proxy.server_address[1]

    def stop(self):
        self.proxy.shutdown()
        self.proxy.server_close()
        self.moto.stop()

    def environment(self):
        return {'AWS_ACCESS_KEY_ID': CREDENTIALS.access_key,
                'AWS_SECRET_ACCESS_KEY': CREDENTIALS.secret_key,
                'AWS_SESSION_TOKEN': CREDENTIALS.token, 'AWS_REGION': REGION,
                'AWS_ENDPOINT_URL': self.endpoint}

    def pyiceberg(self):
        return {'s3.endpoint': self.endpoint, 's3.access-key-id': CREDENTIALS.access_key,
                's3.secret-access-key': CREDENTIALS.secret_key,
                's3.session-token': CREDENTIALS.token, 's3.region': REGION}

    def make_bucket(self, name):
        connection = http.client.HTTPConnection('127.0.0.1', self.moto_port)
        connection.request('PUT', '/' + name, headers={'Host': '127.0.0.1'}, body=(
            '<CreateBucketConfiguration><LocationConstraint>%s</LocationConstraint>'
            '</CreateBucketConfiguration>' % REGION))
        assert connection.getresponse().status == 200
        connection.close()

    def _handler(store):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

            def log_message(self, *arguments):
                pass

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except ConnectionError:  # a client that was killed
                    self.close_connection = True

            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
                path = self.path.split('?')[0]
                store.requests.append((self.command, path))
                if 'tokura' in self.headers.get('User-Agent', ''):
                    store.check_signature(self.command, self.path, self.headers, body)
                fault = store.fault(self.command, path)
                if fault == 'cut':
                    return self.cut()
                if fault == 'busy':
                    return self.send(503, [], b'<Error><Code>SlowDown</Code></Error>')
                connection = http.client.HTTPConnection('127.0.0.1', store.moto_port)
                connection.request(self.command, self.path, body, dict(self.headers))
                response = connection.getresponse()
                answered = response.read()
                if fault == 'lost':
                    self.cut()
                elif fault == 'late':
                    self.send(500, [], b'<Error><Code>InternalError</Code></Error>')
                else:
                    self.send(response.status, response.getheaders(), answered)
                connection.close()

            def send(self, status, headers, body):
                self.send_response_only(status)
                skipped = ('connection', 'transfer-encoding', 'content-length', 'date')
                for name, value in headers:
                    if name.lower() not in skipped:
                        self.send_header(name, value)
                length = dict((n.lower(), v) for n, v in headers).get('content-length', '0')
                self.send_header('Content-Length',
                                 length if self.command == 'HEAD' else str(len(body)))
                self.end_headers()
                if self.command != 'HEAD':
                    self.wfile.write(body)

            def cut(self):
                self.close_connection = True

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

        return Handler

    def check_signature(self, method, path, headers, body):
        """Signs the request anew, and compares."""
        authorization = headers.get('Authorization', '')
        parts = dict(part.strip().split('=', 1)
                     for part in authorization.partition(' ')[2].split(','))
        request = AWSRequest(method, self.endpoint + path, data=body)
        for name in parts['SignedHeaders'].split(';'):
            request.headers[name] = headers[name]
        request.context['timestamp'] = headers['X-Amz-Date']
        signer = S3SigV4Auth(CREDENTIALS, 's3', REGION)
        expected = signer.signature(
            signer.string_to_sign(request, signer.canonical_request(request)), request)
        payload = hashlib.sha256(body).hexdigest()
        if parts['Signature'] != expected or headers['X-Amz-Content-SHA256'] != payload:
            self.wrong_signatures.append((method, path, authorization))

"""A page of recipes as people follow it: its blocks run in their order, beside a server, in a directory
that has docs/ and python/ in it. A block of the kind `text ... output` is what the block before prints.
"""

import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Recipes(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='tokura-docs-')
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        for folder in ('docs', 'python'):
            os.symlink(ROOT / folder, os.path.join(self.directory, folder))
        self.server = harness.Server(self.directory).start('--compact-interval', '1h')
        self.addCleanup(self.server.stop)
        self.names = {}  # of Python

    def filled_in(self, text):
        """The places that a page leaves open."""
        if 'METADATA' in text:
            status = harness.tokura('offline', 'status', '--json', '--endpoint',
                                    self.server.ready['router']).stdout
            text = text.replace('METADATA', json.loads(status)['groups'][0]['metadata_location'])
        return text.replace('OFFLINE', self.server.data + '/offline')

    def run_sh(self, text):
        path = os.pathsep.join([harness.BIN, os.path.dirname(sys.executable), os.environ['PATH']])
        done = subprocess.run(
            ['bash', '-euo', 'pipefail', '-c', text], cwd=self.directory, capture_output=True,
            text=True, timeout=300, env={**os.environ, 'PATH': path,
                                         'TOKURA_ENDPOINT': self.server.ready['router']})
        self.assertEqual(done.returncode, 0, text + done.stdout + done.stderr)
        return done.stdout

    def run_python(self, text):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(text, 'recipe', 'exec'), self.names)
        return out.getvalue()

    def follow(self, page, runners, output):
        """Runs the blocks of the kinds that `runners` has; `output` is the kind of what they print.
        Returns how many ran."""
        out, ran = '', 0
        for kind, text in re.findall(r'^```([^\n]*)\n(.*?)^```$', (ROOT / page).read_text(),
                                     re.MULTILINE | re.DOTALL):
            if kind in runners:
                out = runners[kind](self.filled_in(text))
                ran += 1
            elif kind == output:
                self.assertEqual(out, text)
        return ran

#!/usr/bin/env python3
"""The exposition is what Prometheus asks for, and docs/metrics.md says all of it."""

import os
import re
import subprocess

import harness
from harness import ContractTest, feature, get, group, main, now_us, post, project

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
DOCS = os.path.join(ROOT, 'docs', 'metrics.md')
ALERTS = os.path.join(ROOT, 'ops', 'monitoring', 'alerts.yml')
PROMTOOL = os.path.join(ROOT, 'build', 'tools', 'promtool')  # ops/setup.sh puts it there
SAMPLE = re.compile(r'^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)')
LABELS = {'method', 'code', 'path', 'status', 'reason', 'le', 'version', 'found', 'place', 'store'}


def promtool(*arguments, text=''):
    return subprocess.run([PROMTOOL, *arguments], input=text.encode(), capture_output=True)


class Exposition(ContractTest):
    @classmethod
    def setUpClass(cls):
        assert post('/v1/definitions:apply', project('m', group('g', feature('a')))).status == 200
        post('/v1/records:put', {'group': 'm/g', 'records': [
            {'key': {'k': 'x'}, 'event_time': now_us(), 'values': {'a': 1}}]})
        post('/v1/features:get', {'features': ['m/g:a'], 'keys': {'k': ['x', 'y']}})
        post('/v1/records:scan', {'group': 'm/g', 'prefix': {'k': 'x'}})
        post('/v1/features:get', '{')
        post('/v1/tokens:wait')
        cls.text = get('/metrics').body.decode()
        cls.help, cls.type, cls.samples = {}, {}, []
        for line in cls.text.splitlines():
            if line.startswith('# HELP '):
                name, text = line[7:].split(' ', 1)
                assert name not in cls.help, 'two HELP lines: ' + name
                cls.help[name] = text
            elif line.startswith('# TYPE '):
                name, kind = line[7:].split(' ')
                assert name not in cls.type, 'two TYPE lines: ' + name
                cls.type[name] = kind
            else:
                name, labels, value = SAMPLE.match(line).groups()
                cls.samples.append((name, dict(LABEL.findall(labels or '')), float(value)))

    def family(self, sample):
        if sample in self.type:
            return sample
        return re.sub(r'_(bucket|sum|count)$', '', sample)

    def test_every_sample_has_a_help_and_a_type_line(self):
        for name, _, _ in self.samples:
            family = self.family(name)
            self.assertIn(self.type.get(family), ('counter', 'gauge', 'histogram'), name)
            self.assertTrue(self.help.get(family, '').strip(), name)
        self.assertEqual(set(self.help), set(self.type))

    def test_names_follow_the_rules(self):
        for name, kind in self.type.items():
            self.assertRegex(name, r'^tokura_[a-z]+_[a-z0-9_]+$')
            self.assertEqual(name.endswith('_total'), kind == 'counter', name)
            self.assertNotRegex(name, r'_(ms|us|ns|micros|millis|kb|mb|count|sum|bucket|info_total)$')
            if kind == 'histogram':
                self.assertRegex(name, r'_(seconds|bytes)$')
            self.assertNotRegex(name, kind)

    def test_no_series_is_there_twice(self):
        series = [(name, tuple(sorted(labels.items()))) for name, labels, _ in self.samples]
        self.assertEqual(len(series), len(set(series)))

    def test_buckets_are_cumulative_and_end_with_infinity(self):
        buckets, counts = {}, {}
        for name, labels, value in self.samples:
            rest = tuple(sorted(item for item in labels.items() if item[0] != 'le'))
            if name.endswith('_bucket') and self.type.get(self.family(name)) == 'histogram':
                buckets.setdefault((self.family(name), rest), []).append(
                    (float(labels['le']), value))
            elif name.endswith('_count'):
                counts[self.family(name), rest] = value
        self.assertTrue(buckets)
        for key, pairs in buckets.items():
            self.assertEqual(pairs, sorted(pairs), key)
            self.assertEqual([v for _, v in pairs], sorted(v for _, v in pairs), key)
            self.assertEqual(pairs[-1], (float('inf'), counts[key]), key)

    def test_labels_are_few_and_bounded(self):
        series = {}
        for name, labels, _ in self.samples:
            self.assertLessEqual(set(labels), LABELS, name)
            series[self.family(name)] = series.get(self.family(name), 0) + 1
        for name, count in series.items():
            self.assertLess(count, 250, name)
        self.assertLess(len(self.samples), 2000)

    def test_what_happened_is_counted(self):
        values = {(name, tuple(sorted(labels.items()))): value
                  for name, labels, value in self.samples}
        for name, labels in [
                ('tokura_router_requests_total', {'method': 'get_features', 'code': 'OK'}),
                ('tokura_router_requests_total', {'method': 'put_records', 'code': 'OK'}),
                ('tokura_http_requests_total', {'path': '/v1/features:get', 'status': '400'}),
                ('tokura_node_commits_total', {}),
                ('tokura_process_start_time_seconds', {}),
                ('tokura_process_resident_memory_bytes', {}),
                ('tokura_process_open_fds', {}),
                ('tokura_process_build_info', None),
                ('tokura_process_request_bytes_limit', {}),
                ('tokura_router_admission_cost_limit', {}),
                ('tokura_node_disk_free_bytes', {})]:
            found = [value for (n, l), value in values.items()
                     if n == name and (labels is None or dict(l) == labels)]
            self.assertTrue(found and found[0] > 0, (name, labels, found))

    def test_the_page_lists_exactly_what_a_server_exposes(self):
        with open(DOCS) as page:
            listed = dict(re.findall(r'^\| `(tokura_[a-z0-9_]+)` \| (\w+) \|', page.read(), re.M))
        self.assertEqual(set(self.type) - set(listed), set(), 'not in docs/metrics.md')
        self.assertEqual({n: k for n, k in listed.items() if n in self.type and
                          self.type[n] != k}, {}, 'of another type')
        self.assertEqual(set(listed) - set(self.type), set(), 'not exposed')

    def test_promtool_has_nothing_to_say(self):
        result = promtool('check', 'metrics', text=self.text)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, b''))

    def test_promtool_accepts_the_alert_rules(self):
        result = promtool('check', 'rules', ALERTS)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_alert_rules_speak_of_metrics_that_a_server_exposes(self):
        with open(ALERTS) as rules:
            named = set(re.findall(r'tokura_[a-z0-9_]+', rules.read()))
        series = self.type.keys() | {name + suffix for name, kind in self.type.items()
                                     if kind == 'histogram'
                                     for suffix in ('_bucket', '_sum', '_count')}
        self.assertTrue(named)
        self.assertEqual(named - series, set())


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Writes each chart's values.schema.json from its values.yaml: a key that is not there is refused, and so is a value of another type, and the
removal of a value (null) that the templates cannot do without. Each key at the top of a values.yaml must have a comment `# --`.

    charts/common/schema.py            writes
    charts/common/schema.py --check    says which files are not what it would write; exit 1

Needs a python with yaml. An empty {} in values.yaml is free for anything, an empty [] for a list of anything, unless RULES says more.
"""
import json
import pathlib
import sys

import yaml

CHARTS = pathlib.Path(__file__).resolve().parent.parent
PORT = {'type': 'integer', 'minimum': 1, 'maximum': 65535}
ANY = {'type': 'object'}
TEXTS = {'type': 'object', 'additionalProperties': {'type': 'string'}}


def list_of(pattern):
    return {'type': 'array', 'items': {'type': 'string', 'pattern': pattern}}


# Kubernetes' names of objects; of namespaces and networks, which may be left out.
NAME = {'type': 'string', 'pattern': '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'}
OPTIONAL_NAME = {'type': 'string', 'pattern': '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$'}
NETWORK = {'name': NAME, 'namespace': OPTIONAL_NAME, 'interface': {'type': 'string', 'pattern': '^[^/ ]{0,15}$'},
           'ips': list_of('^[0-9a-fA-F:.]+(/[0-9]{1,3})?$')}
URL = {'anyOf': [{'type': 'string'}, {
    'type': 'object', 'additionalProperties': False, 'required': ['pod'],
    'properties': {
        'pod': {'type': 'object', 'additionalProperties': False, 'required': ['selector'],
                'properties': {key: {'type': 'string'} for key in ('selector', 'network', 'namespace')}},
        'port': PORT, 'path': {'type': 'string'}}}]}
# What the values cannot tell, by path or by the last key.
IDENTITY = {'type': 'string', 'pattern': '^[0-9]+$'}
TRAFFIC = {
    'imsi': {'type': 'string', 'pattern': '^[0-9]{6,15}$'}, 'msisdn': IDENTITY, 'imeisv': IDENTITY,
    'type': {'enum': ['none', 'external', 'http_get']}, 'euu_if_name': {'type': 'string'}, 'http_url': URL,
    'http_interval': {'type': 'number'}, 'reattach_on_reload': {'type': 'boolean'},
    'pdn_type': {'enum': ['IPv4', 'IPv6', 'IPv4v6']}}
SUBSCRIBER = {**TRAFFIC, 'src_ip': {'type': 'string'}, 'i_tei': {'type': 'integer', 'minimum': 0}}
RANGE = {**TRAFFIC, 'count': {'type': 'integer', 'minimum': 1, 'maximum': 1000000}}
RULES = {
    'multiNetwork': {'enum': ['none', 'multus', 'danm']},
    'pullPolicy': {'enum': ['Always', 'IfNotPresent', 'Never']},
    'mcc': {'type': 'string', 'pattern': '^[0-9]{3}$'},
    'mnc': {'type': 'string', 'pattern': '^[0-9]{2,3}$'},
    'tai': {'type': 'integer', 'minimum': 0, 'maximum': 0xffff},
    'eci': {'type': 'integer', 'minimum': 0, 'maximum': 0xfffffff},
    'port': PORT,
    'uePoolParts': {'enum': [1, 2, 4, 8, 16, 32, 64, 128, 256]},
    'replicaCount': {'type': 'integer', 'minimum': 0},
    'terminationGracePeriodSeconds': {'type': 'integer', 'minimum': 0},
    'maxUnavailable': {'anyOf': [{'type': 'integer', 'minimum': 0}, {'type': 'string', 'pattern': '^[0-9]{1,3}%$'}]},
    'digest': {'type': 'string', 'pattern': '^(sha256:[0-9a-f]{64})?$'},
    'network': NAME, 'podNetwork': NAME,
    'extraEnv': {'type': 'array', 'items': {
        'type': 'object', 'required': ['name'], 'additionalProperties': False,
        'properties': {'name': {'type': 'string'}, 'value': {'type': 'string'}, 'valueFrom': ANY}}},
    'nodeSelector': TEXTS, 'podAnnotations': TEXTS, 'podLabels': TEXTS, 'annotations': TEXTS, 'labels': TEXTS,
    'resources': {'type': 'object', 'additionalProperties': False,
                  'properties': {'requests': ANY, 'limits': ANY, 'claims': {'type': 'array'}}},
    'startup': ANY, 'liveness': ANY, 'readiness': ANY, 'securityContext': ANY, 'podSecurityContext': ANY,
    'uePools': list_of('^[0-9a-fA-F:.]+/[0-9]{1,3}$'), 'dns': list_of('^[0-9a-fA-F:.]+$'),
    'subscribers': {'type': 'array', 'items': {
        'type': 'object', 'properties': SUBSCRIBER, 'required': ['imsi'], 'additionalProperties': False}},
    'subscriberRange': {'type': 'object', 'properties': RANGE, 'additionalProperties': False},
}
# What `null` takes away.
REMOVABLE = ('subscriberRange', 'resources', 'startup', 'liveness', 'readiness')
SIMPLE = {str: 'string', bool: 'boolean', int: 'integer', float: 'number'}


def schema(value, key=None):
    if key in RULES:
        return RULES[key]
    if isinstance(value, dict):
        if not value:
            return ANY
        if 'interface' in value:
            return {'type': 'object', 'properties': NETWORK, 'required': ['name'], 'additionalProperties': False}
        return {'type': 'object', 'properties': {k: schema(v, k) for k, v in value.items()},
                'required': [k for k in value if k not in REMOVABLE], 'additionalProperties': False}
    if isinstance(value, list):
        return {'type': 'array'}
    return {'type': SIMPLE[type(value)]}


def undocumented(text):
    """Keys at the top of a values.yaml that have no `# --` above them, nor one within."""
    keys = []
    documented = False
    for line in text.splitlines():
        if line.startswith('# --') and not line.startswith('# ---'):
            documented = True
        elif line[:1].isalpha():
            keys.append([line.split(':')[0], documented])
            documented = False
        elif line.lstrip().startswith('# --') and keys:
            keys[-1][1] = True
    return [key for key, good in keys if not good]


def main():
    stale = []
    for values in sorted(CHARTS.glob('**/values.yaml')):
        chart = values.parent
        bare = undocumented(values.read_text())
        if bare:
            sys.exit(f'{values.relative_to(CHARTS.parent)}: no comment "# --" on {", ".join(bare)}')
        if chart.name == 'common':
            continue
        defaults = yaml.safe_load(values.read_text())
        sub = [path.name for path in sorted((chart / 'charts').glob('*'))]
        # A sub-chart's own schema says what may stand there.
        whole = {'type': 'object', 'additionalProperties': False,
                 'properties': {key: ANY if key in sub else schema(value, key) for key, value in defaults.items()},
                 'required': [key for key in defaults if key not in sub and key not in REMOVABLE]}
        # Helm adds the first to every chart, a parent's condition the second to a sub-chart.
        whole['properties']['global'] = ANY
        if chart.parent.name == 'charts' and chart.parent.parent != CHARTS.parent:
            whole['properties']['enabled'] = {'type': 'boolean'}
        text = json.dumps({'$schema': 'http://json-schema.org/draft-07/schema#', **whole}, indent=2) + '\n'
        path = chart / 'values.schema.json'
        if '--check' in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(str(path.relative_to(CHARTS.parent)))
        else:
            path.write_text(text)
    if stale:
        sys.exit('run charts/common/schema.py: ' + ', '.join(stale))


if __name__ == '__main__':
    main()

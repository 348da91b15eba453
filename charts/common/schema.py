#!/usr/bin/env python3
"""Writes each chart's values.schema.json from its values.yaml: a key that is not there is refused, and so is a value of another type.

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
TEXTS = {'type': 'array', 'items': {'type': 'string'}}
ANY = {'type': 'object'}
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
    'maxUnavailable': {'type': ['integer', 'string']},
    'digest': {'type': 'string', 'pattern': '^(sha256:[0-9a-f]{64})?$'},
    'interface': {'type': 'string', 'maxLength': 15},
    'resources': {'type': 'object', 'additionalProperties': False,
                  'properties': {'requests': ANY, 'limits': ANY, 'claims': {'type': 'array'}}},
    'startup': ANY, 'liveness': ANY, 'readiness': ANY, 'securityContext': ANY, 'podSecurityContext': ANY,
    'ips': TEXTS, 'uePools': TEXTS, 'dns': TEXTS,
    'subscribers': {'type': 'array', 'items': {
        'type': 'object', 'properties': SUBSCRIBER, 'required': ['imsi'], 'additionalProperties': False}},
    'subscriberRange': {'type': 'object', 'properties': RANGE, 'additionalProperties': False},
}
SIMPLE = {str: 'string', bool: 'boolean', int: 'integer', float: 'number'}


def schema(value, key=None):
    if key in RULES:
        return RULES[key]
    if isinstance(value, dict):
        if not value:
            return ANY
        return {'type': 'object', 'properties': {k: schema(v, k) for k, v in value.items()}, 'additionalProperties': False}
    if isinstance(value, list):
        return {'type': 'array'}
    return {'type': SIMPLE[type(value)]}


def main():
    stale = []
    for values in sorted(CHARTS.glob('**/values.yaml')):
        chart = values.parent
        if chart.name == 'common':
            continue
        defaults = yaml.safe_load(values.read_text())
        sub = [path.name for path in sorted((chart / 'charts').glob('*'))]
        # A sub-chart's own schema says what may stand there.
        whole = {'type': 'object', 'additionalProperties': False,
                 'properties': {key: ANY if key in sub else schema(value, key) for key, value in defaults.items()}}
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

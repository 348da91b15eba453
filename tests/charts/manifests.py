#!/usr/bin/env python3
"""What can be seen in rendered manifests. Needs a python with yaml.

    manifests.py cnti [--except TEST]... FILE...   the tests of the CNTI catalogue that a manifest shows; exit 1 if one fails
    manifests.py alike KUSTOMIZED CHART...         whether the pods of k8s/ are those of the charts; exit 1 if not
    manifests.py configs DIRECTORY FILE...         writes each node's YAML out of its ConfigMaps, as DIRECTORY/NODE.SOURCE.yml
    manifests.py same ONE OTHER                    whether two renderings are the same but for the order of keys; exit 1 if not
    manifests.py without KIND FILE...              the documents that are not of that kind
    manifests.py pinned FILE...                    whether the static CPU manager gives the nodes CPUs of their own; exit 1 if not
"""
import difflib
import json
import os
import re
import sys

import yaml

WORKLOADS = ('Deployment', 'StatefulSet', 'DaemonSet')


def documents(path):
    with open(path, encoding='utf-8') as file:
        yield from filter(None, yaml.safe_load_all(file))


def pods(docs):
    """Name and spec of each pod that runs on; a test of Helm's runs once."""
    for doc in docs:
        if doc['kind'] in WORKLOADS:
            yield f"{doc['kind']}/{doc['metadata']['name']}", doc['spec']['template']


def containers(pod):
    for kind in ('initContainers', 'containers'):
        for container in pod['spec'].get(kind) or []:
            yield kind, container


# ---- CNTI: each yields what is wrong ----

def hardcoded_ip_addresses_in_k8s_runtime_configuration(docs, text):
    for address in re.findall(r'(?:[0-9]{1,3}\.){3}[0-9]{1,3}', text.split('NOTES:')[0]):
        if address not in ('0.0.0.0', '127.0.0.1'):
            yield address


def each_container(check):
    def test(docs, _):
        for name, pod in pods(docs):
            for kind, container in containers(pod):
                for problem in check(pod['spec'], kind, container):
                    yield f"{name}, container {container['name']}: {problem}"
    return test


def each_pod(check):
    def test(docs, _):
        for name, pod in pods(docs):
            for problem in check(pod):
                yield f'{name}: {problem}'
    return test


def security(pod, container, key):
    """The container's setting, else the pod's."""
    own = (container.get('securityContext') or {}).get(key)
    return own if own is not None else (pod.get('securityContext') or {}).get(key)


def probe(name):
    return lambda pod, kind, container: [f'no {name}'] if kind == 'containers' and not container.get(name) else []


def limit(name):
    return lambda pod, kind, container: [] if ((container.get('resources') or {}).get('limits') or {}).get(name) else [f'no limit of {name}']


def hostport(pod, kind, container):
    return [f"hostPort {port['hostPort']}" for port in container.get('ports') or [] if port.get('hostPort')]


def privileged(pod, kind, container):
    return ['privileged'] if security(pod, container, 'privileged') else []


def non_root(pod, kind, container):
    for key in ('runAsUser', 'runAsGroup'):
        if not (security(pod, container, key) or 0) > 999:
            yield f'{key} is not above 999'
    if security(pod, container, 'allowPrivilegeEscalation') is not False:
        yield 'allowPrivilegeEscalation is not false'


def latest(pod, kind, container):
    image = container['image']
    tag = image.rpartition('/')[2].partition('@')[0].partition(':')[2]
    if '@' not in image and tag in ('', 'latest'):
        yield f'image {image}'


def hostpaths(pod):
    return [volume['hostPath']['path'] for volume in pod['spec'].get('volumes') or [] if 'hostPath' in volume]


def selinux(pod, kind, container):
    options = security(pod, container, 'seLinuxOptions') or {}
    return [f'seLinuxOptions {key}' for key in ('user', 'role', 'type') if options.get(key)]


def bound_to_a_node(pod):
    affinity = (pod['spec'].get('affinity') or {}).get('nodeAffinity') or {}
    if pod['spec'].get('nodeName') or 'kubernetes.io/hostname' in (pod['spec'].get('nodeSelector') or {}) \
            or affinity.get('requiredDuringSchedulingIgnoredDuringExecution'):
        yield 'may run on one node only'


def node_drain(docs, text):
    yield from each_pod(bound_to_a_node)(docs, text)
    for doc in docs:
        if doc['kind'] == 'PodDisruptionBudget' and doc['spec'].get('maxUnavailable') in (None, 0, '0%'):
            yield f"PodDisruptionBudget/{doc['metadata']['name']} may block an eviction"


def capabilities(pod, kind, container):
    wanted = security(pod, container, 'capabilities') or {}
    if wanted.get('drop') != ['ALL']:
        yield 'does not drop ALL'
    yield from (f'adds {name}' for name in wanted.get('add') or [] if name != 'NET_ADMIN')


def root_file_system(pod, kind, container):
    return [] if security(pod, container, 'readOnlyRootFilesystem') else ['root file system may be written']


def seccomp(pod, kind, container):
    return [] if (security(pod, container, 'seccompProfile') or {}).get('type') == 'RuntimeDefault' else ['no seccomp profile']


def of_host(pod):
    return [key for key in ('hostNetwork', 'hostPID', 'hostIPC') if pod['spec'].get(key)]


def labels(pod):
    return [] if pod['metadata']['labels'].get('app.kubernetes.io/name') else ['no app.kubernetes.io/name']


def token(docs, _):
    """Mounted by itself in no account, and in a pod only if there is a Role for the account."""
    bound = {subject['name'] for doc in docs if doc['kind'] == 'RoleBinding' for subject in doc['subjects']}
    for doc in docs:
        if doc['kind'] == 'ServiceAccount' and doc.get('automountServiceAccountToken') is not False:
            yield f"ServiceAccount/{doc['metadata']['name']} mounts its token everywhere"
    for name, pod in pods(docs):
        if pod['spec'].get('automountServiceAccountToken') is not False and pod['spec'].get('serviceAccountName') not in bound:
            yield f'{name} has a token, and no Role'


ESSENTIAL = {
    'liveness': each_container(probe('livenessProbe')),
    'readiness': each_container(probe('readinessProbe')),
    'hostport_not_used': each_container(hostport),
    'hardcoded_ip_addresses_in_k8s_runtime_configuration': hardcoded_ip_addresses_in_k8s_runtime_configuration,
    'node_drain': node_drain,
    'privileged_containers': each_container(privileged),
    'non_root_containers': each_container(non_root),
    'cpu_limits': each_container(limit('cpu')),
    'memory_limits': each_container(limit('memory')),
    'hostpath_mounts': each_pod(hostpaths),
    'container_sock_mounts': each_pod(lambda pod: [path for path in hostpaths(pod) if path.endswith('.sock')]),
    'selinux_options': each_container(selinux),
    'latest_tag': each_container(latest),
}
FURTHER = {
    'insecure_capabilities': each_container(capabilities),
    'immutable_file_systems': each_container(root_file_system),
    'linux_hardening': each_container(seccomp),
    'host_network': each_pod(of_host),
    'require_labels': each_pod(labels),
    'service_account_mapping': token,
    'sysctls': each_pod(lambda pod: ['sysctls'] if (pod['spec'].get('securityContext') or {}).get('sysctls') else []),
    'immutable_configmap': lambda docs, _: [doc['metadata']['name'] for doc in docs if doc['kind'] == 'ConfigMap' and not doc.get('immutable')],
    'nodeport_not_used': lambda docs, _: [doc['metadata']['name'] for doc in docs if doc['kind'] == 'Service' and doc['spec'].get('type') == 'NodePort'],
    'external_ips': lambda docs, _: [doc['metadata']['name'] for doc in docs if doc['kind'] == 'Service' and doc['spec'].get('externalIPs')],
    'alpha_k8s_apis': lambda docs, _: [doc['apiVersion'] for doc in docs if 'alpha' in doc['apiVersion']],
}


def cnti(arguments):
    excepted = set()
    while arguments[0] == '--except':
        excepted.add(arguments[1])
        arguments = arguments[2:]
    failed = passed = 0
    for path in arguments:
        docs = list(documents(path))
        with open(path, encoding='utf-8') as file:
            text = file.read()
        for name, test in {**ESSENTIAL, **FURTHER}.items():
            problems = list(test(docs, text))
            if name in excepted:
                if not problems:
                    print(f'{path}: {name} holds, and is excepted')
                    failed += 1
            elif problems:
                failed += 1
                for problem in problems:
                    print(f'{path}: {name}: {problem}')
            else:
                passed += 1
    print(f'{passed} passed, {failed} failed')
    return failed > 0


# ---- k8s/ and charts/ say the same ----

def essence(template):
    """A pod without what must differ: names of accounts and maps, labels, where it is scheduled."""
    spec = json.loads(json.dumps(template['spec']))
    for key in ('serviceAccountName', 'affinity'):
        spec.pop(key, None)
    for volume in spec.get('volumes', []):
        if 'configMap' in volume:
            volume['configMap']['name'] = ''
    for container in spec['containers']:
        for port in container['ports']:
            port.setdefault('protocol', 'TCP')
    return spec


def configuration(docs, node):
    for doc in docs:
        if doc['kind'] == 'ConfigMap' and f'{node}.yml' in doc.get('data', {}):
            return yaml.safe_load(doc['data'][f'{node}.yml'])
    return {}


def alike(arguments):
    raw, charts = list(documents(arguments[0])), [doc for path in arguments[1:] for doc in documents(path)]
    problems = compared = 0
    for doc in charts:
        if doc['kind'] not in WORKLOADS:
            continue
        node = doc['metadata']['labels']['app.kubernetes.io/name']
        other = [o for o in raw if o['kind'] == doc['kind'] and o['metadata']['name'] == node]
        if not other:
            print(f"k8s/ has no {doc['kind']} {node}")
            problems += 1
            continue
        pairs = [('pod', essence(other[0]['spec']['template']), essence(doc['spec']['template'])),
                 ('YAML', configuration(raw, node), configuration(charts, node))]
        for what, a, b in pairs:
            # Who attaches is an example, here and there.
            for side in (a, b):
                for key in ('subscribers', 'subscriber_range'):
                    side.pop(key, None)
            compared += 1
            if a != b:
                problems += 1
                print(f'{node}: the {what} of k8s/ is not that of the chart')
                for key in sorted(set(a) | set(b)):
                    if a.get(key) != b.get(key):
                        print(f'  {key}: {json.dumps(a.get(key), sort_keys=True)}\n  chart: {json.dumps(b.get(key), sort_keys=True)}')
    print(f'{compared} compared, {problems} differ')
    return problems > 0 or compared == 0


def configs(arguments):
    directory, written = arguments[0], 0
    os.makedirs(directory, exist_ok=True)
    for path in arguments[1:]:
        source = os.path.splitext(os.path.basename(path))[0]
        for doc in documents(path):
            if doc['kind'] != 'ConfigMap':
                continue
            for key, text in doc['data'].items():
                if key.endswith('.yml'):
                    with open(os.path.join(directory, f'{key[:-4]}.{source}.yml'), 'w', encoding='utf-8') as file:
                        file.write(text)
                    written += 1
    return written == 0


def same(arguments):
    def whole(path):
        docs = list(documents(path))
        for doc in docs:
            if doc['kind'] == 'ConfigMap':
                doc['data'] = {key: yaml.safe_load(text) for key, text in doc['data'].items()}
        return sorted((json.dumps(doc, sort_keys=True, indent=1) for doc in docs))
    one, other = map(whole, arguments)
    if one != other:
        sys.stdout.writelines(difflib.unified_diff('\n'.join(one).splitlines(True), '\n'.join(other).splitlines(True), *arguments))
    return one != other


def without(arguments):
    yaml.safe_dump_all([doc for path in arguments[1:] for doc in documents(path) if doc['kind'] != arguments[0]], sys.stdout)
    return False


def pinned(arguments):
    """Requests as much as limits in the whole pod, and whole CPUs."""
    problems = checked = 0
    for path in arguments:
        for name, pod in pods(documents(path)):
            if pod['metadata']['labels']['app.kubernetes.io/name'] not in ('enb', 'mme', 'sgw', 'pgw'):
                continue
            checked += 1
            for _, container in containers(pod):
                limits = container['resources']['limits']
                if limits != container['resources']['requests'] or 'memory' not in limits or not str(limits['cpu']).isdigit():
                    problems += 1
                    print(f"{path}: {name}, container {container['name']}: {container['resources']}")
    print(f'{checked} pods, {problems} without CPUs of their own')
    return problems > 0 or checked == 0


if __name__ == '__main__':
    verbs = {'pinned': pinned, 'cnti': cnti, 'alike': alike, 'configs': configs, 'same': same, 'without': without}
    if len(sys.argv) < 3 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    sys.exit(verbs[sys.argv[1]](sys.argv[2:]))

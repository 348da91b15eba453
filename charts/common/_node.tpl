{{/*
Everything that a node of gw-tester is in Kubernetes, once for all four charts. Each chart links this file into its templates and says
what is its own, in templates/_facts.tpl:

  NAME.facts    workload, capabilities, networks, ports, whether it looks for its peers by the Kubernetes API
  NAME.config   the node's YAML, as the daemon reads it

and templates/node.yaml is one line: include "gw-tester.node" .
*/}}

{{- define "gw-tester.node" -}}
{{- $facts := include (printf "%s.facts" .Chart.Name) . | fromYaml -}}
{{- $node := dict "facts" $facts "name" .Chart.Name "fullname" (include "gw-tester.fullname" .) "labels" (include "gw-tester.labels" .) "selector" (include "gw-tester.selector" .) -}}
{{- $config := mergeOverwrite (include (printf "%s.config" .Chart.Name) . | fromYaml) (deepCopy .Values.config) -}}
{{- /* JSON is YAML too, and the order of its keys is always the same; that of toYaml is not where keys are like s11 and s1u. */ -}}
{{- $_ := set $node "config" (toPrettyJson $config) -}}
{{- $_ := set $node "configName" (printf "%s-%s" $node.fullname (toJson $config | sha256sum | trunc 8)) -}}
{{- $_ := set $node "account" (.Values.serviceAccount.name | default (ternary $node.fullname "default" .Values.serviceAccount.create)) -}}
{{- $both := dict "top" . "node" $node -}}
{{ include "gw-tester.account" $both }}
{{ include "gw-tester.configuration" $both }}
{{ include "gw-tester.service" $both }}
{{ include "gw-tester.workload" $both }}
{{ include "gw-tester.disruption" $both }}
{{ include "gw-tester.policy" $both }}
{{ include "gw-tester.monitor" $both }}
{{- end }}

{{/* ---- names and labels ---- */}}

{{- define "gw-tester.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "gw-tester.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gw-tester.labels" -}}
{{ include "gw-tester.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: gw-tester
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "gw-tester.image" -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default .version }}{{ end }}
{{- end }}

{{/* ---- addresses: where the node is, and where its peers are ---- */}}

{{/* My address on a network. Where the pod asks for no networks, it is that of the pod. */}}
{{- define "gw-tester.local" -}}
network:{{ if .namespace }}{{ .namespace }}/{{ end }}{{ .name }}
{{- end }}

{{/* A peer: the address that was given, or every pod of that name. An address that DANM gives stands in no annotation of the pod, but its
svcwatcher fills in the Service of that network. */}}
{{- define "gw-tester.peer" -}}
{{- if .peer.ip -}}
{{ .peer.ip | quote }}
{{- else if eq .multiNetwork "danm" -}}
{{ .service }}
{{- else -}}
{pod: {selector: {{ .peer.selector | quote }}, network: {{ .peer.network }}}}
{{- end -}}
{{- end }}

{{/* ---- who may ask the API server for pods ---- */}}

{{- define "gw-tester.account" -}}
{{- $node := .node -}}
{{- with .top -}}
{{- if .Values.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $node.account }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- if and $node.facts.looksForPods .Values.rbac.create }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $node.fullname }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $node.fullname }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $node.fullname }}
subjects:
  - kind: ServiceAccount
    name: {{ $node.account }}
    namespace: {{ .Release.Namespace }}
{{- end }}
{{- end }}
{{- end }}

{{/* ---- the node's YAML; a change of it is a new name, so that it rolls out, and rolls back, with the pods ---- */}}

{{- define "gw-tester.configuration" -}}
{{- $node := .node -}}
{{- with .top }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $node.configName }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
immutable: true
data:
  {{ $node.name }}.yml: |
    {{- $node.config | nindent 4 }}
{{- end }}
{{- end }}

{{/* ---- a name for the node's pods, for peers that look for names; and a service for its metrics ---- */}}

{{- define "gw-tester.service" -}}
{{- $node := .node -}}
{{- with .top }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $node.fullname }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
spec:
  clusterIP: None
  selector:
    {{- $node.selector | nindent 4 }}
  ports:
    {{- range $node.facts.ports }}
    - name: {{ .name }}
      protocol: UDP
      port: {{ .port }}
      targetPort: {{ .name }}
    {{- end }}
{{- if eq .Values.multiNetwork "danm" }}
{{- range $node.facts.reachedOn }}
---
apiVersion: v1
kind: Service
metadata:
  # Peers of other releases know it by this name.
  name: {{ $node.name }}-{{ . }}
  namespace: {{ $.top.Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
  annotations:
    danm.k8s.io/clusterNetwork: {{ (index $.top.Values .).name }}
    danm.k8s.io/selector: '{"app.kubernetes.io/name":"{{ $node.name }}"}'
spec:
  clusterIP: None
  ports:
    {{- range $node.facts.ports }}
    - name: {{ .name }}
      protocol: UDP
      port: {{ .port }}
    {{- end }}
{{- end }}
{{- end }}
{{- if .Values.metrics.enabled }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $node.fullname }}-metrics
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
spec:
  selector:
    {{- $node.selector | nindent 4 }}
  ports:
    - name: http-metrics
      protocol: TCP
      port: {{ .Values.metrics.port }}
      targetPort: http-metrics
{{- end }}
{{- end }}
{{- end }}

{{/* ---- the pods ---- */}}

{{- define "gw-tester.workload" -}}
{{- $both := . -}}
{{- $node := .node -}}
{{- with .top }}
---
apiVersion: apps/v1
kind: {{ $node.facts.workload }}
metadata:
  name: {{ $node.fullname }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
spec:
  replicas: {{ .Values.replicaCount }}
  {{- if eq $node.facts.workload "StatefulSet" }}
  serviceName: {{ $node.fullname }}
  podManagementPolicy: Parallel
  {{- end }}
  selector:
    matchLabels:
      {{- $node.selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- $node.labels | nindent 8 }}
        {{- with $node.facts.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- $annotations := mergeOverwrite (include "gw-tester.attachments" $both | fromYaml) (deepCopy .Values.podAnnotations) }}
      {{- with $annotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ $node.account }}
      automountServiceAccountToken: {{ $node.facts.looksForPods }}
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      securityContext:
        {{- toYaml .Values.podSecurityContext | nindent 8 }}
      {{- with .Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      affinity:
        {{- if .Values.affinity }}
        {{- toYaml .Values.affinity | nindent 8 }}
        {{- else }}
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 50
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    {{- $node.selector | nindent 20 }}
            {{- with $node.facts.apartFrom }}
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    {{- toYaml . | nindent 20 }}
            {{- end }}
        {{- end }}
      containers:
        - name: {{ $node.name }}
          image: {{ include "gw-tester.image" (merge (dict "version" .Chart.AppVersion) .Values.image) }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: ["--config", "/etc/gw-tester/{{ $node.name }}.yml"]
          env:
            - name: STATE_DIRECTORY
              value: /var/lib/gw-tester
            {{- with $node.facts.instanceVariable }}
            - name: {{ . }}
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            {{- end }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            {{- range $node.facts.ports }}
            - name: {{ .name }}
              containerPort: {{ .port }}
              protocol: UDP
            {{- end }}
            - name: http-metrics
              containerPort: {{ .Values.metrics.port }}
              protocol: TCP
          {{- with .Values.probes.startup }}
          startupProbe:
            httpGet:
              path: /livez
              port: http-metrics
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .Values.probes.liveness }}
          livenessProbe:
            httpGet:
              path: /livez
              port: http-metrics
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .Values.probes.readiness }}
          readinessProbe:
            httpGet:
              path: /readyz
              port: http-metrics
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .Values.lifecycle }}
          lifecycle:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          terminationMessagePolicy: FallbackToLogsOnError
          resources:
            {{- include "gw-tester.resources" $both | nindent 12 }}
          securityContext:
            {{- toYaml .Values.securityContext | nindent 12 }}
          volumeMounts:
            - name: config
              mountPath: /etc/gw-tester
              readOnly: true
            - name: podinfo
              mountPath: /etc/podinfo
              readOnly: true
            - name: state
              mountPath: /var/lib/gw-tester
            {{- if include "gw-tester.tunPath" $both }}
            - name: tun
              mountPath: /dev/net/tun
            {{- end }}
        {{- with $node.facts.sidecars }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ $node.configName }}
        - name: podinfo
          downwardAPI:
            items:
              - path: annotations
                fieldRef:
                  fieldPath: metadata.annotations
        - name: state
          emptyDir:
            sizeLimit: 64Mi
        {{- with include "gw-tester.tunPath" $both }}
        - name: tun
          hostPath:
            path: {{ . }}
            type: CharDevice
        {{- end }}
{{- end }}
{{- end }}

{{/* The networks that the pods ask for, as Multus or DANM reads it. */}}
{{- define "gw-tester.attachments" -}}
{{- $values := .top.Values -}}
{{- $list := list -}}
{{- if eq $values.multiNetwork "multus" -}}
{{- range .node.facts.networks -}}
{{- $network := index $values . -}}
{{- $entry := dict "name" $network.name "interface" $network.interface -}}
{{- with $network.namespace }}{{ $_ := set $entry "namespace" . }}{{ end -}}
{{- with $network.ips }}{{ $_ := set $entry "ips" . }}{{ end -}}
{{- $list = append $list $entry -}}
{{- end -}}
k8s.v1.cni.cncf.io/networks: {{ $list | toJson | quote }}
{{- else if eq $values.multiNetwork "danm" -}}
{{- $list = append $list (dict "clusterNetwork" $values.danm.podNetwork "ip" "dynamic") -}}
{{- range .node.facts.networks -}}
{{- $network := index $values . -}}
{{- $list = append $list (dict "clusterNetwork" $network.name "ip" (first (default (list "dynamic") $network.ips))) -}}
{{- end -}}
danm.k8s.io/interfaces: {{ $list | toJson | quote }}
{{- end -}}
{{- end }}

{{/* Where /dev/net/tun of the host is, for a node that needs one and gets it from no device plugin. */}}
{{- define "gw-tester.tunPath" -}}
{{- if and .node.facts.tun (not .top.Values.tun.resource) -}}
{{ .top.Values.tun.hostPath }}
{{- end -}}
{{- end }}

{{- define "gw-tester.resources" -}}
{{- $resources := deepCopy (.top.Values.resources | default dict) -}}
{{- if .node.facts.tun -}}
{{- with .top.Values.tun.resource -}}
{{- $device := dict . 1 -}}
{{- $resources = mergeOverwrite $resources (dict "limits" $device "requests" $device) -}}
{{- end -}}
{{- end -}}
{{ toYaml $resources }}
{{- end }}

{{/* ---- how many may be away at a time ---- */}}

{{- define "gw-tester.disruption" -}}
{{- $node := .node -}}
{{- with .top -}}
{{- if .Values.pdb.enabled }}
---
apiVersion: {{ ternary "policy/v1" "policy/v1beta1" (.Capabilities.APIVersions.Has "policy/v1") }}
kind: PodDisruptionBudget
metadata:
  name: {{ $node.fullname }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
spec:
  maxUnavailable: {{ .Values.pdb.maxUnavailable }}
  selector:
    matchLabels:
      {{- $node.selector | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}

{{/* ---- who may speak with the pods on the pod network ---- */}}

{{- define "gw-tester.policy" -}}
{{- $node := .node -}}
{{- with .top -}}
{{- if .Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $node.fullname }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- $node.selector | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/part-of: gw-tester
      ports:
        {{- range $node.facts.ports }}
        - protocol: UDP
          port: {{ .port }}
        {{- end }}
    # Prometheus, and the kubelet where the network plugin counts it as a pod.
    - ports:
        - protocol: TCP
          port: {{ .Values.metrics.port }}
    {{- with .Values.networkPolicy.extraIngress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  egress:
    - to:
        - podSelector:
            matchLabels:
              app.kubernetes.io/part-of: gw-tester
    # Names.
    - ports:
        - protocol: UDP
          port: 53
        - protocol: TCP
          port: 53
    {{- if $node.facts.looksForPods }}
    # The API server, whose address a policy cannot name.
    - ports:
        - protocol: TCP
          port: 443
        - protocol: TCP
          port: 6443
    {{- end }}
    {{- with .Values.networkPolicy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* ---- Prometheus Operator ---- */}}

{{- define "gw-tester.monitor" -}}
{{- $node := .node -}}
{{- with .top -}}
{{- if .Values.metrics.podMonitor.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ $node.fullname }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $node.labels | nindent 4 }}
    {{- with .Values.metrics.podMonitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- $node.selector | nindent 6 }}
  podMetricsEndpoints:
    - port: http-metrics
      interval: {{ .Values.metrics.podMonitor.interval }}
{{- end }}
{{- end }}
{{- end }}

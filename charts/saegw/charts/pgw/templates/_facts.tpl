{{- define "pgw.facts" -}}
{{- if gt (int .Values.replicaCount) (int .Values.uePoolParts) }}
{{- fail (printf "replicaCount %v is more than uePoolParts %v: each P-GW needs a part of the pools of its own" .Values.replicaCount .Values.uePoolParts) }}
{{- end -}}
workload: StatefulSet
instanceVariable: GWT_POOL_SHARE__INSTANCE
tun: true
podLabels: {network: pdn{{ if .Values.webServer.enabled }}, gw-tester/web-server: sgi{{ end }}}
looksForPods: false
reachedOn: [s5c, sgi]
networks: [s5u, s5c, sgi]
ports:
  - {name: gtpc, port: 2123}
  - {name: gtpu, port: 2152}
{{- with .Values.webServer }}
{{- if .enabled }}
sidecars:
  - name: web-server
    image: {{ include "gw-tester.image" (merge (dict "version" $.Chart.AppVersion) .image) }}
    imagePullPolicy: {{ .image.pullPolicy }}
    command: [/opt/gw-tester/bin/http-server, --listen, "0.0.0.0:{{ .port }}"]
    ports:
      - {name: http, containerPort: {{ .port }}, protocol: TCP}
    livenessProbe: {tcpSocket: {port: http}}
    readinessProbe: {tcpSocket: {port: http}, periodSeconds: 2}
    terminationMessagePolicy: FallbackToLogsOnError
    resources: {{ .resources | toJson }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
{{- end }}
{{- end }}
{{- end }}

{{- define "pgw.config" -}}
local_addresses:
  s5c_ip: {{ include "gw-tester.local" .Values.s5c }}
  s5u_ip: {{ include "gw-tester.local" .Values.s5u }}
{{- if .Values.webServer.enabled }}
host_ports: [{{ .Values.webServer.port }}]
{{- end }}
{{- if or .Values.sgiNat (and (ne .Values.multiNetwork "none") (not .Values.webServer.enabled)) }}
sgi_if_name: {{ include "gw-tester.local" .Values.sgi }}
{{- end }}
{{- if .Values.sgiNat }}
sgi_nat: true
{{- end }}
{{- with .Values.uePools }}
ue_pools: {{ toJson . }}
{{- end }}
pool_share: {instance: 0, of: {{ .Values.uePoolParts }}}
{{- with .Values.dns }}
dns: {{ toJson . }}
{{- end }}
prom_addr: 0.0.0.0:{{ .Values.metrics.port }}
shutdown_grace: {{ sub .Values.terminationGracePeriodSeconds 10 | max 1 }}
{{- end }}

{{- define "pgw.facts" -}}
{{- if gt (int .Values.replicaCount) (int .Values.uePoolParts) }}
{{- fail (printf "replicaCount %v is more than uePoolParts %v: each P-GW needs a part of the pools of its own" .Values.replicaCount .Values.uePoolParts) }}
{{- end -}}
workload: StatefulSet
instanceVariable: GWT_POOL_SHARE__INSTANCE
tun: true
podLabels: {network: pdn}
looksForPods: false
reachedOn: [s5c]
networks: [s5u, s5c, sgi]
ports:
  - {name: gtpc, port: 2123}
  - {name: gtpu, port: 2152}
{{- end }}

{{- define "pgw.config" -}}
local_addresses:
  s5c_ip: {{ include "gw-tester.local" .Values.s5c }}
  s5u_ip: {{ include "gw-tester.local" .Values.s5u }}
sgi_if_name: {{ include "gw-tester.local" .Values.sgi }}
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

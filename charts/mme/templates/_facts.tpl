{{- define "mme.facts" -}}
workload: Deployment
looksForPods: {{ and (ne .Values.multiNetwork "danm") (not (and .Values.sgw.s11.ip .Values.pgw.s5c.ip)) }}
reachedOn: [s1c]
networks: [s1c, s11]
ports:
  - {name: s1ap, port: 36412}
  - {name: gtpc, port: 2123}
{{- end }}

{{- define "mme.config" -}}
mcc: {{ .Values.mcc | quote }}
mnc: {{ .Values.mnc | quote }}
apn: {{ .Values.apn | quote }}
local_addresses:
  s1c_addr: {{ include "gw-tester.local" .Values.s1c }}
  s11_ip: {{ include "gw-tester.local" .Values.s11 }}
sgw_s11_ip: {{ include "gw-tester.peer" (dict "peer" (merge (dict "network" .Values.s11.name) .Values.sgw.s11) "multiNetwork" .Values.multiNetwork "service" "sgw-s11") }}
pgw_s5c_ip: {{ include "gw-tester.peer" (dict "peer" (merge (dict "network" .Values.pgw.s5c.name) .Values.pgw.s5c) "multiNetwork" .Values.multiNetwork "service" "pgw-s5c") }}
prom_addr: 0.0.0.0:{{ .Values.metrics.port }}
shutdown_grace: {{ sub .Values.terminationGracePeriodSeconds 10 | max 1 }}
{{- end }}

{{- define "sgw.facts" -}}
workload: Deployment
looksForPods: false
reachedOn: [s11]
networks: [s11, s1u, s5c, s5u]
ports:
  - {name: gtpc, port: 2123}
  - {name: gtpu, port: 2152}
{{- end }}

{{- define "sgw.config" -}}
local_addresses:
  s11_ip: {{ include "gw-tester.local" .Values.s11 }}
  s1u_ip: {{ include "gw-tester.local" .Values.s1u }}
  s5c_ip: {{ include "gw-tester.local" .Values.s5c }}
  s5u_ip: {{ include "gw-tester.local" .Values.s5u }}
prom_addr: 0.0.0.0:{{ .Values.metrics.port }}
shutdown_grace: {{ sub .Values.terminationGracePeriodSeconds 10 | max 1 }}
{{- end }}

{{- define "enb.facts" -}}
workload: StatefulSet
instanceVariable: GWT_INSTANCE
tun: true
podLabels: {network: e-utran}
apartFrom: {network: pdn}
looksForPods: {{ and (ne .Values.multiNetwork "danm") (or (not .Values.mme.s1c.ip) (and (include "enb.fetches" .) (not .Values.httpUrl))) }}
networks: [euu, s1c, s1u]
ports:
  - {name: s1ap, port: 36412}
  - {name: gtpu, port: 2152}
{{- end }}

{{- define "enb.config" -}}
mcc: {{ .Values.mcc | quote }}
mnc: {{ .Values.mnc | quote }}
tai: {{ .Values.tai }}
eci: {{ .Values.eci }}
local_addresses:
  s1c_ip: {{ include "gw-tester.local" .Values.s1c }}
  s1u_ip: {{ include "gw-tester.local" .Values.s1u }}
{{- with .Values.mme.s1c }}
mme_addr: {{ if .ip }}{{ printf "%s:%v" .ip .port | quote }}{{ else }}{{ include "gw-tester.peer" (dict "peer" (dict "selector" .selector "network" $.Values.s1c.name) "multiNetwork" $.Values.multiNetwork "service" "mme-s1c") }}{{ end }}
{{- end }}
prom_addr: 0.0.0.0:{{ .Values.metrics.port }}
shutdown_grace: {{ sub .Values.terminationGracePeriodSeconds 10 | max 1 }}
{{- $url := .Values.httpUrl }}
{{- with .Values.webServer }}
{{- if eq $.Values.multiNetwork "danm" }}
{{- $url = $url | default (printf "http://pgw-sgi:%v%s" .port .path) }}
{{- else }}
{{- $url = $url | default (dict "pod" (dict "selector" .selector "network" .network) "port" .port "path" .path) }}
{{- end }}
{{- end }}
{{- $defaults := dict "external" (dict "euu_if_name" (include "gw-tester.local" .Values.euu)) "http_get" (dict "http_url" $url) }}
subscribers:
{{- range .Values.subscribers }}
  - {{ merge (deepCopy .) (index $defaults (.type | default "none") | default dict) | toJson }}
{{- else }} []
{{- end }}
{{- with .Values.subscriberRange }}
subscriber_range: {{ merge (deepCopy .) (index $defaults (.type | default "none") | default dict) | toJson }}
{{- end }}
{{- end }}

{{/* Whether some subscriber fetches a page. */}}
{{- define "enb.fetches" -}}
{{- range append .Values.subscribers (.Values.subscriberRange | default dict) -}}
{{- if eq (.type | default "none") "http_get" }}yes{{ end -}}
{{- end -}}
{{- end }}

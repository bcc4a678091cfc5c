{{/* Rules of network policies. Ray picks its ports as it goes, so that its peers may use any. */}}

{{- define "interference.rayPeers" -}}
{{- if eq .root.Values.ray.mode "cluster" }}
- {{ .way }}:
    - podSelector:
        matchLabels: {{- include "interference.selector" . | nindent 10 }}
{{- else if eq .root.Values.ray.mode "external" }}
- {{ .way }}: {{- toYaml .root.Values.ray.peers | nindent 4 }}
{{- end }}
{{- end -}}

{{- define "interference.egress" -}}
{{- if .to }}
- to: {{- toYaml .to | nindent 4 }}
  ports:
    {{- range $protocol := default (list "TCP") .protocols }}
    {{- range $.ports }}
    - {port: {{ . }}, protocol: {{ $protocol }}}
    {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "interference.databaseEgress" -}}
{{- if .Values.database.url }}
{{- $authority := (urlParse .Values.database.url).host }}
- ports: [{port: {{ regexFind "[0-9]+$" (regexFind ":[0-9]+$" $authority) | default "5432" }}, protocol: TCP}]
  {{- with .Values.networkPolicy.database }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

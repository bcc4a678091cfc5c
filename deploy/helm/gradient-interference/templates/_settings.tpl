{{/* The variables of service/README.md that follow from values; one name, one place. */}}

{{- define "interference.stores" -}}
{{- $stores := dict -}}
{{- range $name, $store := .Values.stores -}}
{{- $_ := set $stores $name (ternary (printf "/srv/%s" $name) $store (hasKey $store "claim")) -}}
{{- end -}}
{{- $stores | toJson -}}
{{- end -}}

{{- define "interference.databaseSettings" -}}
{{- with .Values.database }}
{{- if .url }}
INTERFERENCE_DATABASE_URL: {{ .url | quote }}
{{- if .passwordSecret.name }}
INTERFERENCE_DATABASE_PASSWORD_FILE: {{ printf "/etc/interference/database/%s" .passwordSecret.key }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "interference.settings" -}}
INTERFERENCE_HOST: 0.0.0.0
INTERFERENCE_PORT: {{ .Values.service.port | quote }}
INTERFERENCE_TELEMETRY__HOST: 0.0.0.0
INTERFERENCE_TELEMETRY__PORT: {{ .Values.service.metricsPort | quote }}
INTERFERENCE_STATE_DIRECTORY: /var/lib/interference
{{- include "interference.databaseSettings" . }}
INTERFERENCE_STORES: {{ include "interference.stores" . | quote }}
INTERFERENCE_DRAIN__ANNOUNCE_SECONDS: {{ .Values.drain.announceSeconds | quote }}
INTERFERENCE_DRAIN__JOB_SECONDS: {{ .Values.drain.jobSeconds | quote }}
INTERFERENCE_DRAIN__CALL_SECONDS: {{ .Values.drain.callSeconds | quote }}
{{- if .Values.tls.allowPlaintext }}
INTERFERENCE_SECURITY__ALLOW_PLAINTEXT: "true"
{{- else }}
INTERFERENCE_SECURITY__CERTIFICATE: /etc/interference/tls/tls.crt
INTERFERENCE_SECURITY__KEY: /etc/interference/tls/tls.key
{{- if .Values.tls.clientCertificates }}
INTERFERENCE_SECURITY__CLIENT_AUTHORITIES: /etc/interference/tls/ca.crt
{{- end }}
{{- end }}
{{- if .Values.access.allowAnonymous }}
INTERFERENCE_SECURITY__ALLOW_ANONYMOUS: "true"
{{- else }}
INTERFERENCE_SECURITY__ACCESS_FILE: {{ printf "/etc/interference/access/%s" .Values.access.key }}
{{- end }}
{{- if eq .Values.ray.mode "local" }}
INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES: {{ mul .Values.ray.objectStoreGiB 1073741824 | quote }}
{{- else }}
RAY_ADDRESS: {{ include "interference.rayAddress" . }}
{{- end }}
{{- if and (eq .Values.ray.mode "cluster") .Values.ray.workers.gpu.enabled }}
{{- if not (hasKey .Values.settings "INTERFERENCE_COMPUTE__DEVICE") }}
INTERFERENCE_COMPUTE__DEVICE: gpu
{{- end }}
{{- if not (hasKey .Values.settings "INTERFERENCE_COMPUTE__GPU_WAIT_SECONDS") }}
INTERFERENCE_COMPUTE__GPU_WAIT_SECONDS: "900"
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}
{{- end }}
{{- end -}}

{{/* What the platform waits: until the service is gone whatever hangs, as service/README.md says, and 15 s for its node of Ray. */}}
{{- define "interference.terminationSeconds" -}}
{{- with .Values.drain -}}
{{- add .announceSeconds (max (add .jobSeconds 5) .callSeconds) 25 -}}
{{- end -}}
{{- end -}}

{{/* Secrets of the service, each a directory: Kubernetes renews the files in it, but not one that is mounted by itself. */}}

{{- define "interference.secrets" -}}
{{- $secrets := dict -}}
{{- with .Values -}}
{{- if not .access.allowAnonymous }}{{ $_ := set $secrets "access" .access.secret }}{{ end -}}
{{- if not .tls.allowPlaintext }}{{ $_ := set $secrets "tls" .tls.secret }}{{ end -}}
{{- if and .database.url .database.passwordSecret.name }}{{ $_ := set $secrets "database" .database.passwordSecret.name }}{{ end -}}
{{- range .credentialSecrets }}{{ $_ := set $secrets (printf "credentials/%s" .) . }}{{ end -}}
{{- end -}}
{{- $secrets | toJson -}}
{{- end -}}

{{- define "interference.secretMounts" -}}
{{- range $place, $secret := include "interference.secrets" . | fromJson }}
- name: {{ $place | replace "/" "-" }}
  mountPath: /etc/interference/{{ $place }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "interference.secretVolumes" -}}
{{- range $place, $secret := include "interference.secrets" . | fromJson }}
- name: {{ $place | replace "/" "-" }}
  secret: {secretName: {{ $secret }}, defaultMode: 0440}
{{- end }}
{{- end -}}

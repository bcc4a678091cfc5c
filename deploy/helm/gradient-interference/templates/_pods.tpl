{{/* What all pods have in common. */}}

{{- define "interference.podSecurity" -}}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "interference.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "interference.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Stores on claims, read-only, wherever rows and models are read. */}}
{{- define "interference.storeMounts" -}}
{{- range $name, $store := .Values.stores }}
{{- if $store.claim }}
- name: store-{{ $name }}
  mountPath: /srv/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{- define "interference.storeVolumes" -}}
{{- range $name, $store := .Values.stores }}
{{- if $store.claim }}
- name: store-{{ $name }}
  persistentVolumeClaim: {claimName: {{ $store.claim }}, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}

{{/* Room that Ray needs on each of its nodes. Shared memory counts as memory of the container. */}}
{{- define "interference.rayMounts" -}}
- name: tmp
  mountPath: /tmp
- name: shared-memory
  mountPath: /dev/shm
{{- if and .Values.ray.tokenSecret (ne .Values.ray.mode "local") }}
- name: ray-token
  mountPath: /etc/interference/ray
  readOnly: true
{{- end }}
{{- end -}}

{{- define "interference.rayVolumes" -}}
- name: tmp
  emptyDir: {sizeLimit: {{ .node.scratch }}}
- name: shared-memory
  emptyDir: {medium: Memory, sizeLimit: {{ printf "%dMi" (add (mul .node.objectStoreGiB 1024) 256) }}}
{{- if and .root.Values.ray.tokenSecret (ne .root.Values.ray.mode "local") }}
- name: ray-token
  secret: {secretName: {{ .root.Values.ray.tokenSecret }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{/* What Ray reads on each of its nodes, the service's included. */}}
{{- define "interference.rayEnv" -}}
{{- if ne .Values.ray.mode "local" -}}
{{- if .Values.ray.tokenSecret }}
- {name: RAY_AUTH_MODE, value: token}
- {name: RAY_AUTH_TOKEN_PATH, value: /etc/interference/ray/auth_token}
{{- else }}
- {name: RAY_AUTH_MODE, value: disabled}
{{- end }}
{{- end }}
- {name: RAY_USAGE_STATS_ENABLED, value: "0"}
- {name: RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO, value: "1"}
{{- end -}}

{{/* A node of the Ray cluster; the head's port is that of the control store, a worker's that of its node manager. */}}
{{- define "interference.rayPod" -}}
metadata:
  labels: {{- include "interference.labels" (dict "root" .root "component" "ray") | nindent 4 }}
  {{- with .root.Values.ray.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "interference.fullname" .root }}-ray
  {{- include "interference.podSecurity" . | nindent 2 }}
  {{- include "interference.placement" .node | nindent 2 }}
  {{- with .node.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  containers:
    - name: {{ .container }}
      image: {{ include "interference.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      securityContext: {{- include "interference.containerSecurity" .root | nindent 8 }}
      resources: {{- toYaml .node.resources | nindent 8 }}
      # Named ones alone are in the head's Service: neither the dashboard nor Ray's client port.
      ports:
        - {name: {{ .portName }}, containerPort: {{ .port }}}
        {{- if .root.Values.monitoring.rayPodMonitor.enabled }}
        - {name: metrics, containerPort: 8080}
        {{- end }}
      env: {{- include "interference.rayEnv" .root | nindent 8 }}
      # KubeRay would ask an agent that is only in ray[default], by wget.
      livenessProbe:
        tcpSocket: {port: {{ .port }}}
        initialDelaySeconds: 60
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        tcpSocket: {port: {{ .port }}}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 3
      volumeMounts:
        {{- include "interference.rayMounts" .root | nindent 8 }}
        {{- include "interference.storeMounts" .root | nindent 8 }}
  volumes:
    {{- include "interference.rayVolumes" . | nindent 4 }}
    {{- include "interference.storeVolumes" .root | nindent 4 }}
{{- end -}}

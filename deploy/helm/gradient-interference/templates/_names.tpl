{{/* Names, labels and images. */}}

{{- define "interference.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What policies, services and budgets find pods by; component is service, ray or migration. */}}
{{- define "interference.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name | trunc 63 }}
app.kubernetes.io/part-of: gradient-interference
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "interference.labels" -}}
{{ include "interference.selector" . }}
app.kubernetes.io/name: gradient-interference
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "interference.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* A new image gets a new cluster: nodes of the old one are refused, and KubeRay leaves running nodes as they are. */}}
{{- define "interference.rayCluster" -}}
{{- printf "%s-ray-%s" (include "interference.fullname" .) (include "interference.image" . | sha256sum | trunc 8) -}}
{{- end -}}

{{- define "interference.rayAddress" -}}
{{- if eq .Values.ray.mode "cluster" -}}
{{- printf "%s-head-svc.%s.svc:6379" (include "interference.rayCluster" .) .Release.Namespace -}}
{{- else -}}
{{- .Values.ray.address -}}
{{- end -}}
{{- end -}}

{{- define "interference.claim" -}}
{{- default (printf "%s-state" (include "interference.fullname" .)) .Values.persistence.existingClaim -}}
{{- end -}}

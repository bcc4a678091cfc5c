{{/* What no schema can say: values that do not go together. */}}

{{- define "interference.checks" -}}
{{- with .Values -}}
{{- if gt (int .replicas) 1 -}}
{{- if not .database.url -}}
{{- fail "replicas above 1 need PostgreSQL: set database.url, or leave replicas at 1" -}}
{{- end -}}
{{- if and (not .persistence.existingClaim) (ne .persistence.accessMode "ReadWriteMany") -}}
{{- fail "replicas above 1 share their results: set persistence.accessMode to ReadWriteMany, or persistence.existingClaim to a claim that several pods can mount" -}}
{{- end -}}
{{- end -}}
{{- if and .database.migrationJob (not .database.url) -}}
{{- fail "database.migrationJob needs PostgreSQL: set database.url; a database of SQLite is migrated by the service's start" -}}
{{- end -}}
{{- if and .tls.clientCertificates .tls.allowPlaintext -}}
{{- fail "tls.clientCertificates needs TLS: set tls.allowPlaintext to false" -}}
{{- end -}}
{{- if and .tls.clientCertificates .access.allowAnonymous -}}
{{- fail "tls.clientCertificates says who calls but not what each may do: set access.allowAnonymous to false, and access.secret" -}}
{{- end -}}
{{- if eq .ray.mode "external" -}}
{{- if not .ray.address -}}
{{- fail "ray.mode external needs ray.address, such as head.example:6379" -}}
{{- end -}}
{{- if and .networkPolicy.enabled (not .ray.peers) -}}
{{- fail "ray.mode external needs ray.peers, the pods or addresses of its nodes, while networkPolicy.enabled is true" -}}
{{- end -}}
{{- else if or .ray.address .ray.peers -}}
{{- fail "ray.address and ray.peers are of ray.mode external" -}}
{{- end -}}
{{- if and (eq .ray.mode "cluster") (not (or .ray.workers.cpu.enabled .ray.workers.gpu.enabled)) -}}
{{- fail "ray.mode cluster needs workers: set ray.workers.cpu.enabled or ray.workers.gpu.enabled" -}}
{{- end -}}
{{- range $name, $group := .ray.workers -}}
{{- if or (gt (int $group.minReplicas) (int $group.replicas)) (gt (int $group.replicas) (int $group.maxReplicas)) -}}
{{- fail (printf "ray.workers.%s: minReplicas <= replicas <= maxReplicas must hold" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .networkPolicy.enabled (eq .ray.mode "cluster") .ray.autoscaling.enabled (not .networkPolicy.kubernetesApi.to) -}}
{{- fail "ray.autoscaling asks Kubernetes for workers: set networkPolicy.kubernetesApi.to to the addresses of its API" -}}
{{- end -}}
{{- if and .monitoring.prometheusRule.enabled (not .monitoring.prometheusRule.runbookBase) -}}
{{- fail "set monitoring.prometheusRule.runbookBase to where the runbooks of deploy/runbooks can be read" -}}
{{- end -}}
{{- if eq (int .service.port) (int .service.metricsPort) -}}
{{- fail "service.port and service.metricsPort must differ" -}}
{{- end -}}
{{- end -}}
{{- end -}}

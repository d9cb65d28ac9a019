{{- define "chatbox.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* 40 characters, because the longest suffix and the hash of a pod must fit into 63. */ -}}
{{- define "chatbox.fullname" -}}
{{- $name := include "chatbox.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "chatbox.releaseLabels" -}}
app.kubernetes.io/name: {{ include "chatbox.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* The selector labels of a component: (dict "root" $ "component" "gateway"). No two components share these. */ -}}
{{- define "chatbox.selectorLabels" -}}
{{ include "chatbox.releaseLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* The name of a component's objects: (dict "root" $ "component" "gateway"). */ -}}
{{- define "chatbox.componentName" -}}
{{- include "chatbox.fullname" .root }}-{{ .component -}}
{{- end -}}

{{- /* Metadata of an object: (dict "root" $ "component" "gateway"), with "name" if it differs from the
       rest of its component, and its own "labels" and "annotations". */ -}}
{{- define "chatbox.metadata" -}}
{{- $labels := merge (dict) (.labels | default dict) .root.Values.commonLabels -}}
{{- $annotations := merge (dict) (.annotations | default dict) .root.Values.commonAnnotations -}}
{{- $own := include "chatbox.fullname" .root -}}
{{- if .component -}}{{- $own = include "chatbox.componentName" . -}}{{- end -}}
name: {{ .name | default $own }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "chatbox.releaseLabels" .root | nindent 2 }}
  {{- with .component }}
  app.kubernetes.io/component: {{ . }}
  {{- end }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") }}
  {{- with $labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "chatbox.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
{{- if $account.name -}}
{{- $account.name -}}
{{- else if $account.create -}}
{{- include "chatbox.componentName" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "chatbox.secretName" -}}
{{- .Values.secrets.existingSecret | default (include "chatbox.fullname" .) -}}
{{- end -}}

{{- /* Completes links to the runbook, which begin with its place in the repository: (dict "root" $ "text" ...). */ -}}
{{- define "chatbox.withRunbook" -}}
{{- $base := .root.Values.monitoring.runbookBaseUrl -}}
{{- .text | replace "./docs/runbook.md" (printf "%s/docs/runbook.md" ($base | default ".")) -}}
{{- end -}}

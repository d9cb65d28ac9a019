{{- /* Service of a bundled store: (dict "root" $ "component" "redis"). */ -}}
{{- define "chatbox.storeService" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "chatbox.metadata" . | nindent 2 }}
spec:
  clusterIP: None
  selector:
    {{- include "chatbox.selectorLabels" . | nindent 4 }}
  ports:
    - name: {{ .component }}
      port: {{ include "chatbox.storePort" .component }}
      targetPort: {{ .component }}
      protocol: TCP
{{- end -}}

{{- /* A StatefulSet without its container, which each store defines itself. */ -}}
{{- define "chatbox.storeSet" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "chatbox.metadata" . | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ include "chatbox.componentName" . }}
  selector:
    matchLabels:
      {{- include "chatbox.selectorLabels" . | nindent 6 }}
{{- end -}}

{{- define "chatbox.storePodMetadata" -}}
labels:
  {{- include "chatbox.selectorLabels" . | nindent 2 }}
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := merge (dict) .root.Values.commonAnnotations -}}
{{- if .root.Values.secrets.create -}}
{{- $annotations = set $annotations "checksum/secret" (include (print .root.Template.BasePath "/secret.yaml") .root | sha256sum) -}}
{{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Checks only that the port is open, because a command in the container would need the password.
       A container that ends is restarted anyway, and a slow store must not be killed. */ -}}
{{- define "chatbox.storeProbes" -}}
startupProbe:
  tcpSocket: { port: {{ . }} }
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  tcpSocket: { port: {{ . }} }
  periodSeconds: 5
  failureThreshold: 3
{{- end -}}

{{- define "chatbox.storeClaim" -}}
volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .persistence.storageClassName }}
      storageClassName: {{ . }}
      {{- end }}
      resources: { requests: { storage: {{ .persistence.size }} } }
{{- end -}}

{{- /* The reference of an image: (dict "root" $ "image" .Values.image "key" "image"). The tag is for
       people. If there is a digest, the node pulls that. */ -}}
{{- define "chatbox.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- $tag := .image.tag | default (.default | default "") -}}
{{- if and .root.Values.releaseMode (not .image.digest) -}}
{{- fail (printf "%s.digest is missing: releaseMode takes no image without one" .key) -}}
{{- end -}}
{{- if not (or $tag .image.digest) -}}
{{- fail (printf "%s.tag is missing: give it or %s.digest" .key .key) -}}
{{- end -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .image.repository }}
{{- with $tag }}:{{ . }}{{ end }}
{{- with .image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "chatbox.productImage" -}}
{{- include "chatbox.image" (dict "root" . "image" .Values.image "key" "image" "default" .Chart.AppVersion) -}}
{{- end -}}

{{- /* The fields that every pod has: (dict "root" $ "user" 10001 "group" 10001). */ -}}
{{- define "chatbox.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- if ne .root.Values.platform "openshift" }}
  runAsUser: {{ .user }}
  runAsGroup: {{ .group }}
  fsGroup: {{ .group }}
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "chatbox.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{- define "chatbox.tmpVolume" -}}
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
{{- end -}}

{{- define "chatbox.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: management }
  {{- toYaml .startup | nindent 2 }}
livenessProbe:
  httpGet: { path: /healthz, port: management }
  {{- toYaml .liveness | nindent 2 }}
readinessProbe:
  httpGet: { path: /readyz, port: management }
  {{- toYaml .readiness | nindent 2 }}
{{- end -}}

{{- /* Where the pods of a component go: (dict "root" $ "component" "gateway"). */ -}}
{{- define "chatbox.scheduling" -}}
{{- $own := index .root.Values .component -}}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- if $own.affinity }}
  {{- toYaml $own.affinity | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "chatbox.selectorLabels" . | nindent 14 }}
  {{- end }}
{{- with $own.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- /* Seconds from the deletion of a pod to SIGKILL, of `gateway` or `worker`. */ -}}
{{- define "chatbox.graceSeconds" -}}
{{- $drain := .drain -}}
{{- add (int $drain.preStopSeconds) (int $drain.drainSeconds) (int $drain.closeSeconds) (int $drain.marginSeconds) -}}
{{- end -}}

{{- /* DRAIN_TIMEOUT in seconds: the time for the process itself. */ -}}
{{- define "chatbox.drainSeconds" -}}
{{- add (int .drain.drainSeconds) (int .drain.closeSeconds) -}}
{{- end -}}

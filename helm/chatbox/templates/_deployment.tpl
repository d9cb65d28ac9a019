{{- /* Metadata of the pods of a Deployment: (dict "root" $ "component" "gateway"). */ -}}
{{- define "chatbox.podMetadata" -}}
{{- $own := index .root.Values .component -}}
{{- $labels := merge (dict) $own.podLabels .root.Values.commonLabels -}}
{{- $annotations := merge (dict) $own.podAnnotations .root.Values.commonAnnotations -}}
{{- if .root.Values.secrets.create -}}
{{- $annotations = set $annotations "checksum/secret" (include (print .root.Template.BasePath "/secret.yaml") .root | sha256sum) -}}
{{- end -}}
labels:
  {{- include "chatbox.selectorLabels" . | nindent 2 }}
  {{- with $labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* A Deployment without ports and the pause, which only the gateway has. The migration is an init
       container. It may run many times and beside the previous version, and a pod that starts later
       has nothing to migrate. */ -}}
{{- define "chatbox.deployment" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $image := include "chatbox.productImage" $root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "chatbox.metadata" (dict "root" $root "component" .component) | nindent 2 }}
spec:
  {{- if .replicas }}
  replicas: {{ .replicas }}
  {{- end }}
  minReadySeconds: {{ int $own.rollout.minReadySeconds }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: {{ $own.rollout.maxSurge }}
      maxUnavailable: {{ $own.rollout.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "chatbox.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      {{- include "chatbox.podMetadata" . | nindent 6 }}
    spec:
      serviceAccountName: {{ include "chatbox.serviceAccountName" . }}
      {{- include "chatbox.podBasics" (dict "root" $root "user" 10001 "group" 10001) | nindent 6 }}
      {{- include "chatbox.scheduling" . | trim | nindent 6 }}
      terminationGracePeriodSeconds: {{ include "chatbox.graceSeconds" $own }}
      initContainers:
        - name: migrate
          image: {{ $image }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [migrate]
          env:
            {{- include "chatbox.migrateEnv" . | trim | nindent 12 }}
          {{- include "chatbox.containerSecurity" . | nindent 10 }}
          resources:
            {{- toYaml $own.resources | nindent 12 }}
          volumeMounts:
            {{- include "chatbox.volumeMounts" $own | nindent 12 }}
      containers:
        - name: {{ .component }}
          image: {{ $image }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ .component }}]
          env:
            {{- include "chatbox.env" . | trim | nindent 12 }}
          ports:
            {{- with .publicPort }}
            - { name: http, containerPort: {{ . }}, protocol: TCP }
            {{- end }}
            - { name: management, containerPort: 9090, protocol: TCP }
          {{- include "chatbox.probes" $own.probes | nindent 10 }}
          {{- with int $own.drain.preStopSeconds }}
          lifecycle: { preStop: { sleep: { seconds: {{ . }} } } }
          {{- end }}
          {{- include "chatbox.containerSecurity" . | nindent 10 }}
          resources:
            {{- toYaml $own.resources | nindent 12 }}
          volumeMounts:
            {{- include "chatbox.volumeMounts" $own | nindent 12 }}
      volumes:
        {{- include "chatbox.tmpVolume" . | nindent 8 }}
        {{- with $own.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end -}}

{{- define "chatbox.volumeMounts" -}}
- { name: tmp, mountPath: /tmp }
{{- with .extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* A budget that never blocks the drain of a node: one pod may always be evicted, and an unhealthy one too. */ -}}
{{- define "chatbox.pdb" -}}
{{- $pdb := (index .root.Values .component).pdb -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "chatbox.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ $pdb.maxUnavailable }}
  unhealthyPodEvictionPolicy: {{ $pdb.unhealthyPodEvictionPolicy }}
  selector:
    matchLabels:
      {{- include "chatbox.selectorLabels" . | nindent 6 }}
{{- end -}}

{{- define "chatbox.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "chatbox.metadata" (dict "root" .root "component" .component "name" (include "chatbox.serviceAccountName" .) "annotations" (index .root.Values .component).serviceAccount.annotations) | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

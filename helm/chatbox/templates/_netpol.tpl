{{- /* A list of peers. An empty list is an error, because the rule would admit everybody:
       (dict "peers" list "key" "networkPolicy.redis.to" "why" "redis.bundled is false"). */ -}}
{{- define "chatbox.peers" -}}
{{- if not .peers -}}
{{- fail (printf "%s is empty: %s" .key .why) -}}
{{- end -}}
{{- toYaml .peers -}}
{{- end -}}

{{- /* Pods of this release: (dict "root" $ "component" "gateway"). */ -}}
{{- define "chatbox.ownPeer" -}}
- podSelector:
    matchLabels:
      {{- include "chatbox.selectorLabels" . | nindent 6 }}
{{- end -}}

{{- define "chatbox.dnsEgress" -}}
{{- $dns := .Values.networkPolicy.dns -}}
- to:
    {{- include "chatbox.peers" (dict "peers" $dns.to "key" "networkPolicy.dns.to" "why" "no pod finds anything without a name server") | nindent 4 }}
    {{- if $dns.nodeLocal.enabled }}
    {{- range $dns.nodeLocal.cidrs }}
    - ipBlock: { cidr: {{ . }} }
    {{- end }}
    {{- end }}
  ports:
    {{- range $dns.ports }}
    - { protocol: UDP, port: {{ int . }} }
    - { protocol: TCP, port: {{ int . }} }
    {{- end }}
{{- end -}}

{{- /* Redis and MongoDB, inside or outside the release. */ -}}
{{- define "chatbox.storeEgress" -}}
{{- $root := . -}}
{{- range $store := list "redis" "mongodb" -}}
{{- $policy := index $root.Values.networkPolicy $store }}
- to:
    {{- if (index $root.Values $store).bundled }}
    {{- include "chatbox.ownPeer" (dict "root" $root "component" $store) | nindent 4 }}
    {{- else }}
    {{- include "chatbox.peers" (dict "peers" $policy.to "key" (printf "networkPolicy.%s.to" $store) "why" (printf "say where it is, or set %s.bundled" $store)) | nindent 4 }}
    {{- end }}
  ports:
    - { protocol: TCP, port: {{ if (index $root.Values $store).bundled }}{{ include "chatbox.storePort" $store }}{{ else }}{{ int $policy.port }}{{ end }} }
{{- end -}}
{{- end -}}

{{- define "chatbox.storePort" -}}
{{- if eq . "redis" -}}6379{{- else -}}27017{{- end -}}
{{- end -}}

{{- define "chatbox.monitoringIngress" -}}
{{- with .Values.networkPolicy.monitoring.from }}
- from:
    {{- toYaml . | nindent 4 }}
  ports:
    - { protocol: TCP, port: management }
{{- end }}
{{- end -}}

{{- define "chatbox.gatewayIngress" -}}
{{- with .Values.networkPolicy.ingressController.from }}
- from:
    {{- toYaml . | nindent 4 }}
  ports:
    - { protocol: TCP, port: http }
{{- end }}
{{- if .Values.test.enabled }}
- from:
    {{- include "chatbox.ownPeer" (dict "root" . "component" "test") | nindent 4 }}
  ports:
    - { protocol: TCP, port: http }
{{- end }}
{{- include "chatbox.monitoringIngress" . }}
{{- end -}}

{{- /* The policy of a bundled store: gateways and workers may connect, and nothing goes out. */ -}}
{{- define "chatbox.storePolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "chatbox.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "chatbox.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        {{- include "chatbox.ownPeer" (dict "root" .root "component" "gateway") | nindent 8 }}
        {{- include "chatbox.ownPeer" (dict "root" .root "component" "worker") | nindent 8 }}
      ports:
        - { protocol: TCP, port: {{ include "chatbox.storePort" .component }} }
  egress: []
{{- end -}}

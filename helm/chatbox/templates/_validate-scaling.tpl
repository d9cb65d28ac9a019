{{- define "chatbox.validateScaling" -}}
{{- $scaling := .Values.gateway.autoscaling -}}
{{- $key := "gateway.autoscaling" -}}
{{- $cap := int64 .Values.settings.maxConnections -}}
{{- if hasSuffix "_total" $scaling.metricName -}}
{{- fail (printf "%s.metricName ends in _total: adapters turn such a metric into a rate" $key) -}}
{{- end -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "%s.minReplicas is above %s.maxReplicas" $key $key) -}}
{{- end -}}
{{- if gt (mul 10 (int64 $scaling.targetConnectionsPerPod)) (mul 8 $cap) -}}
{{- fail (printf "%s.targetConnectionsPerPod is above 80 %% of settings.maxConnections, which is %d: pods would be full before others come" $key $cap) -}}
{{- end -}}
{{- $grace := int (include "chatbox.graceSeconds" .Values.gateway) -}}
{{- range $index, $policy := $scaling.behavior.scaleDown.policies -}}
{{- if lt (int $policy.periodSeconds) $grace -}}
{{- fail (printf "%s.behavior.scaleDown.policies[%d].periodSeconds is below %d, the seconds that a pod drains: more than one would go at a time" $key $index $grace) -}}
{{- end -}}
{{- end -}}
{{- if and $scaling.cpu.enabled (not (dig "requests" "cpu" "" .Values.gateway.resources)) -}}
{{- fail "gateway.resources.requests.cpu is missing: gateway.autoscaling.cpu counts in percent of it" -}}
{{- end -}}
{{- if eq $scaling.mode "keda" -}}
{{- if not $scaling.keda.serverAddress -}}
{{- fail (printf "%s.keda.serverAddress is missing: mode keda asks Prometheus itself" $key) -}}
{{- end -}}
{{- else if or $scaling.keda.serverAddress $scaling.keda.query -}}
{{- fail (printf "%s.keda is given and the mode is %s: two autoscalers on the same pods both stop" $key $scaling.mode) -}}
{{- end -}}
{{- if and .Values.monitoring.adapterRules.enabled (ne $scaling.metricName "chatbox_websocket_connections") -}}
{{- fail (printf "monitoring.adapterRules serves chatbox_websocket_connections, and %s.metricName is another one" $key) -}}
{{- end -}}
{{- end -}}

{{- define "chatbox.validatePods" -}}
{{- $root := . -}}
{{- $reserved := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" -}}
{{- include "chatbox.refuseLabels" (dict "labels" .Values.commonLabels "key" "commonLabels" "reserved" (concat $reserved (list "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart"))) -}}
{{- range $component := list "gateway" "worker" -}}
{{- $own := index $root.Values $component -}}
{{- include "chatbox.refuseLabels" (dict "labels" $own.podLabels "key" (printf "%s.podLabels" $component) "reserved" $reserved) -}}
{{- if gt (int (include "chatbox.drainSeconds" $own)) 600 -}}
{{- fail (printf "%s.drain: drainSeconds and closeSeconds are more than the 600 that the product takes" $component) -}}
{{- end -}}
{{- if and (has (toString $own.rollout.maxSurge) (list "0" "0%")) (has (toString $own.rollout.maxUnavailable) (list "0" "0%")) -}}
{{- fail (printf "%s.rollout: maxSurge and maxUnavailable are both 0, so no upgrade could move" $component) -}}
{{- end -}}
{{- $given := include "chatbox.processEnv" (dict "root" $root "component" $component) | fromYamlArray -}}
{{- range $variable := $own.extraEnv -}}
{{- range $given -}}
{{- if eq .name $variable.name -}}
{{- fail (printf "%s.extraEnv gives %s, which the chart gives itself" $component $variable.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "chatbox.refuseLabels" -}}
{{- $labels := .labels -}}
{{- $key := .key -}}
{{- range .reserved -}}
{{- if hasKey $labels . -}}
{{- fail (printf "%s has %s, which the chart gives itself" $key .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Every way in, and the ways out that a schema cannot check. */ -}}
{{- define "chatbox.validateDoors" -}}
{{- $gateway := .Values.gateway -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and $gateway.ingress.enabled (not $gateway.ingress.hosts) -}}
{{- fail "gateway.ingress.hosts is empty: name the host of the chat page" -}}
{{- end -}}
{{- if and $gateway.httpRoute.enabled (not $gateway.httpRoute.parentRefs) -}}
{{- fail "gateway.httpRoute.parentRefs is empty: name the Gateway that the route hangs on" -}}
{{- end -}}
{{- if $policy.enabled -}}
{{- if and (or $gateway.ingress.enabled $gateway.httpRoute.enabled) (not $policy.ingressController.from) -}}
{{- fail "networkPolicy.ingressController.from is empty: nobody would reach the gateways through the ingress" -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled (not $policy.monitoring.from) -}}
{{- fail "networkPolicy.monitoring.from is empty: nobody would reach what monitoring.podMonitor offers" -}}
{{- end -}}
{{- include "chatbox.validateModelEgress" . -}}
{{- end -}}
{{- end -}}

{{- define "chatbox.validateModelEgress" -}}
{{- $llm := .Values.networkPolicy.llm -}}
{{- $linkLocal := dict "0.0.0.0/0" "169.254.0.0/16" "::/0" "fe80::/10" -}}
{{- range $index, $peer := $llm.to -}}
{{- with $peer.ipBlock -}}
{{- if and (hasKey $linkLocal .cidr) (not (has (get $linkLocal .cidr) (.except | default list))) -}}
{{- fail (printf "networkPolicy.llm.to[%d] does not except %s, where clouds keep their credentials" $index (get $linkLocal .cidr)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not (or $llm.to $llm.extraTo) -}}
{{- range $provider := .Values.llm.providers -}}
{{- if ne $provider.type "demo" -}}
{{- fail (printf "networkPolicy.llm.to is empty: say where the model %s is" $provider.id) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

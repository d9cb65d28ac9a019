{{- define "chatbox.validateSecrets" -}}
{{- $secrets := .Values.secrets -}}
{{- if and $secrets.existingSecret $secrets.create -}}
{{- fail "secrets.existingSecret and secrets.create exclude each other" -}}
{{- end -}}
{{- if not (or $secrets.existingSecret $secrets.create) -}}
{{- fail "secrets.existingSecret is missing: name the Secret with what secrets.keys lists, or set secrets.create to try the chart" -}}
{{- end -}}
{{- if $secrets.create -}}
{{- include "chatbox.validateSecretValues" . -}}
{{- else -}}
{{- range $name, $value := $secrets.values -}}
{{- if $value -}}
{{- fail (printf "secrets.values.%s is given and secrets.create is off: it would be read by nobody" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "chatbox.validateSecretValues" -}}
{{- $values := .Values.secrets.values -}}
{{- $keys := .Values.secrets.keys -}}
{{- $needed := list "encryptionKeys" -}}
{{- if not .Values.settings.jwksUrl -}}{{- $needed = append $needed "jwtSecret" -}}{{- end -}}
{{- if .Values.secrets.keys.probeToken -}}{{- $needed = append $needed "probeToken" -}}{{- end -}}
{{- $needed = append $needed (.Values.redis.bundled | ternary "redisPassword" "redisUrl") -}}
{{- $needed = append $needed (.Values.mongodb.bundled | ternary "mongoPassword" "mongoUri") -}}
{{- range $name := $needed -}}
{{- if not (index $values $name) -}}
{{- fail (printf "secrets.values.%s is missing: secrets.create makes nothing up" $name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.probeToken (not .Values.secrets.keys.probeToken) -}}
{{- fail "secrets.keys.probeToken is missing: secrets.values.probeToken is given" -}}
{{- end -}}
{{- range $name := splitList "," (include "chatbox.optionalSecrets" .) -}}
{{- if and (index $keys $name) (not (index $values $name)) -}}
{{- fail (printf "secrets.values.%s is missing: secrets.keys.%s is given" $name $name) -}}
{{- end -}}
{{- if and (index $values $name) (not (index $keys $name)) -}}
{{- fail (printf "secrets.keys.%s is missing: secrets.values.%s is given" $name $name) -}}
{{- end -}}
{{- end -}}
{{- range $provider := .Values.llm.providers -}}
{{- with $provider.apiKeySecretKey -}}
{{- if not (index $values.llmApiKeys .) -}}
{{- fail (printf "secrets.values.llmApiKeys.%s is missing: the provider %s names it" . $provider.id) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $values -}}
{{- if kindIs "string" $value -}}
{{- include "chatbox.refusePlaceholder" (dict "key" (printf "secrets.values.%s" $name) "value" $value "secret" true) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $values.llmApiKeys -}}
{{- include "chatbox.refusePlaceholder" (dict "key" (printf "secrets.values.llmApiKeys.%s" $name) "value" $value "secret" true) -}}
{{- end -}}
{{- end -}}

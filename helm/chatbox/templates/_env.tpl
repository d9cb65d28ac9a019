{{- /* An environment variable. Kubernetes replaces `$(NAME)` in a value, which is not intended in a
       prompt. A doubled `$` is kept as a plain one. */ -}}
{{- define "chatbox.variable" -}}
{{- $value := .value -}}
{{- if kindIs "float64" $value -}}{{- $value = int64 $value -}}{{- end -}}
{{- if kindIs "slice" $value -}}{{- $value = join "," $value -}}{{- end -}}
{{- $value = toString $value -}}
{{- if $value -}}
- name: {{ .name }}
  value: {{ $value | replace "$(" "$$(" | quote }}
{{ end -}}
{{- end -}}

{{- define "chatbox.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef: { name: {{ include "chatbox.secretName" .root }}, key: {{ .key }} }
{{ end -}}

{{- /* The part of `settings` that a program reads: (dict "root" $ "program" "gateway"). */ -}}
{{- define "chatbox.settings" -}}
{{- $settings := .root.Values.settings -}}
{{- range $name := splitList "," (include "chatbox.settingNames" .) -}}
{{- $value := index $settings $name -}}
{{- if eq $name "allowedOrigins" -}}
{{- $value = $value | default (list $settings.publicUrl) -}}
{{- end -}}
{{- include "chatbox.variable" (dict "name" ($name | snakecase | upper) "value" $value) -}}
{{- end -}}
{{- end -}}

{{- /* The settings that the chart itself gives a process: (dict "root" $ "component" "gateway"). They
       are in the pod and not in a ConfigMap, because a pod of the previous version that restarts
       during an upgrade must keep its settings. */ -}}
{{- define "chatbox.processEnv" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $keys := $root.Values.secrets.keys -}}
{{- include "chatbox.variable" (dict "name" "NODE_ENV" "value" "production") -}}
{{- include "chatbox.variable" (dict "name" "MODE" "value" "cluster") -}}
{{- if eq .component "gateway" -}}
{{- include "chatbox.variable" (dict "name" "HOST" "value" "0.0.0.0") -}}
{{- include "chatbox.variable" (dict "name" "PORT" "value" "8080") -}}
{{- end -}}
{{- include "chatbox.variable" (dict "name" "MANAGEMENT_HOST" "value" "0.0.0.0") -}}
{{- include "chatbox.variable" (dict "name" "MANAGEMENT_PORT" "value" "9090") -}}
{{- include "chatbox.variable" (dict "name" "DRAIN_TIMEOUT" "value" (printf "%ss" (include "chatbox.drainSeconds" $own))) -}}
{{- include "chatbox.settings" (dict "root" $root "program" .component) -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" "REDIS_URL" "key" $keys.redisUrl) -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" "MONGO_URI" "key" $keys.mongoUri) -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" "ENCRYPTION_KEYS" "key" $keys.encryptionKeys) -}}
{{- if and (eq .component "gateway") (not $root.Values.settings.jwksUrl) -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" "JWT_SECRET" "key" $keys.jwtSecret) -}}
{{- end -}}
{{- if eq .component "gateway" -}}
{{- with $keys.oidcClientSecret -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" "OIDC_CLIENT_SECRET" "key" .) -}}
{{- end -}}
{{- end -}}
{{- if eq .component "worker" -}}
{{- range $name := splitList "," (include "chatbox.alertSecrets" .) -}}
{{- with index $keys $name -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" ($name | snakecase | upper) "key" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "chatbox.providers" . -}}
{{- end -}}

{{- /* The secrets of the channels for alerts, each of which may be missing. */ -}}
{{- define "chatbox.alertSecrets" -}}
smtpPass,smsAuthToken,alertWebhookUrl,alertWebhookSecret,alertChatUrl,alertTeamsUrl
{{- end -}}

{{- /* All secrets that may be missing. */ -}}
{{- define "chatbox.optionalSecrets" -}}
oidcClientSecret,{{ include "chatbox.alertSecrets" . }}
{{- end -}}

{{- /* The whole environment of a process. */ -}}
{{- define "chatbox.env" -}}
{{- include "chatbox.processEnv" . -}}
{{- with (index .root.Values .component).extraEnv -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}

{{- /* The migration needs only the secret of the store. It may need `extraEnv` to reach the store. */ -}}
{{- define "chatbox.migrateEnv" -}}
{{- $root := .root -}}
{{- include "chatbox.variable" (dict "name" "NODE_ENV" "value" "production") -}}
{{- include "chatbox.variable" (dict "name" "MODE" "value" "cluster") -}}
{{- include "chatbox.settings" (dict "root" $root "program" "migrate") -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" "MONGO_URI" "key" $root.Values.secrets.keys.mongoUri) -}}
{{- with (index $root.Values .component).extraEnv -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}

{{- /* The settings of the model providers that a program reads. The value of a secret field is the
       name of a key in the Secret. */ -}}
{{- define "chatbox.providers" -}}
{{- $root := .root -}}
{{- $fields := splitList "," (include "chatbox.providerFields" (dict "program" .component)) -}}
{{- range $index, $provider := $root.Values.llm.providers -}}
{{- range $field := $fields -}}
{{- $name := printf "LLM_PROVIDER_%d_%s" (add1 $index) ($field | trimSuffix "SecretKey" | snakecase | upper) -}}
{{- with index $provider $field -}}
{{- if hasSuffix "SecretKey" $field -}}
{{- include "chatbox.secretVariable" (dict "root" $root "name" $name "key" .) -}}
{{- else -}}
{{- include "chatbox.variable" (dict "name" $name "value" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The probe signs a token as a site does, unless it gets one. */ -}}
{{- define "chatbox.probeEnv" -}}
{{- $settings := .Values.settings -}}
{{- $keys := .Values.secrets.keys -}}
{{- include "chatbox.variable" (dict "name" "PROBE_ORIGIN" "value" ($settings.publicUrl | default (first $settings.allowedOrigins))) -}}
{{- include "chatbox.variable" (dict "name" "JWT_ISSUER" "value" $settings.jwtIssuer) -}}
{{- include "chatbox.variable" (dict "name" "JWT_AUDIENCE" "value" $settings.jwtAudience) -}}
{{- if $keys.probeToken -}}
{{- include "chatbox.secretVariable" (dict "root" . "name" "PROBE_TOKEN" "key" $keys.probeToken) -}}
{{- else -}}
{{- include "chatbox.secretVariable" (dict "root" . "name" "JWT_SECRET" "key" $keys.jwtSecret) -}}
{{- end -}}
{{- end -}}

{{- /* The checks that a schema cannot express. Fails with one sentence that names the first wrong value. */ -}}
{{- define "chatbox.validate" -}}
{{- include "chatbox.validateImages" . -}}
{{- include "chatbox.validateSettings" . -}}
{{- include "chatbox.validateProviders" . -}}
{{- include "chatbox.validateSecrets" . -}}
{{- include "chatbox.validateScaling" . -}}
{{- include "chatbox.validatePods" . -}}
{{- include "chatbox.validateDoors" . -}}
{{- end -}}

{{- define "chatbox.validateImages" -}}
{{- $images := dict "image" .Values.image "redis.image" .Values.redis.image "mongodb.image" .Values.mongodb.image -}}
{{- range $key, $image := $images -}}
{{- if eq $image.tag "latest" -}}
{{- fail (printf "%s.tag is latest: that names another image every day, so give a version" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Refuses placeholders as the product does at its start: (dict "key" ... "value" ... "secret" true). */ -}}
{{- define "chatbox.refusePlaceholder" -}}
{{- $pattern := `(?i)replace[-_]?(with|me)|(^|[^a-z])change|placeholder|(^|[^a-z])your[-_]|^<.*>$|^x{3,}$` -}}
{{- if or (regexMatch $pattern .value) (and .secret (regexMatch "(?i)example" .value)) -}}
{{- fail (printf "%s still holds a placeholder" .key) -}}
{{- end -}}
{{- end -}}

{{- define "chatbox.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 -}}
{{- mul (int64 (regexFind "^[0-9]+" .)) (index $units (regexFind "[a-z]+$" .)) -}}
{{- end -}}

{{- define "chatbox.validateSettings" -}}
{{- $settings := .Values.settings -}}
{{- range $name, $value := $settings -}}
{{- range $each := kindIs "slice" $value | ternary $value (list $value) -}}
{{- include "chatbox.refusePlaceholder" (dict "key" (printf "settings.%s" $name) "value" (toString $each)) -}}
{{- end -}}
{{- end -}}
{{- if not (or $settings.publicUrl $settings.allowedOrigins) -}}
{{- fail "settings.publicUrl is missing: say the address that browsers see, or list settings.allowedOrigins" -}}
{{- end -}}
{{- if and (hasPrefix "https://" $settings.publicUrl) (not $settings.trustedProxies) -}}
{{- fail "settings.trustedProxies is empty: name the proxy in front, or all users share one address; [none] if it passes their addresses on" -}}
{{- end -}}
{{- if and (or .Values.redis.bundled .Values.mongodb.bundled) (not $settings.allowPlaintextBackends) -}}
{{- fail "settings.allowPlaintextBackends is false, and a bundled store speaks without TLS: set it to true, or give a store of your own" -}}
{{- end -}}
{{- if lt (int64 (include "chatbox.milliseconds" $settings.sessionIdleTimeout)) (int64 (include "chatbox.milliseconds" $settings.reconnectTimeout)) -}}
{{- fail "settings.sessionIdleTimeout is shorter than settings.reconnectTimeout" -}}
{{- end -}}
{{- if and $settings.jwksUrl $settings.allowVisitors -}}
{{- fail "settings.allowVisitors excludes settings.jwksUrl: a visitor's token is signed with the JWT secret" -}}
{{- end -}}
{{- if and $settings.jwksUrl .Values.test.enabled (not .Values.secrets.keys.probeToken) -}}
{{- fail "secrets.keys.probeToken is missing: under settings.jwksUrl the test cannot sign a token itself; give one or set test.enabled to false" -}}
{{- end -}}
{{- end -}}

{{- define "chatbox.validateProviders" -}}
{{- if not .Values.llm.providers -}}
{{- fail "llm.providers is empty: without a model nobody answers" -}}
{{- end -}}
{{- $ids := dict -}}
{{- range $index, $provider := .Values.llm.providers -}}
{{- $key := printf "llm.providers[%d]" $index -}}
{{- /* Prose may contain words like `placeholder`. */ -}}
{{- range $field, $value := omit $provider "systemPrompt" -}}
{{- include "chatbox.refusePlaceholder" (dict "key" (printf "%s.%s" $key $field) "value" (toString $value)) -}}
{{- end -}}
{{- if hasKey $ids $provider.id -}}
{{- fail (printf "%s.id is that of another provider: %s" $key $provider.id) -}}
{{- end -}}
{{- $_ := set $ids $provider.id true -}}
{{- if ge (int64 ($provider.maxTokens | default 1024)) (int64 ($provider.contextTokens | default 8192)) -}}
{{- fail (printf "%s.maxTokens has to be smaller than its contextTokens: both share the window" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}

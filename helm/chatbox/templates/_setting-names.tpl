{{- /* The keys of `settings` that a program reads: (dict "program" "gateway"). Written by
       `npm run docs`. */ -}}
{{- define "chatbox.settingNames" -}}
{{- if eq .program "gateway" -}}logLevel,pathPrefix,publicUrl,allowedOrigins,trustedProxies,hsts,jwksUrl,jwtIssuer,jwtAudience,allowVisitors,mongoDatabase,reconnectTimeout,sessionIdleTimeout,rateLimit,maxConnections,maxConnectionsPerUser,maxMessageSize{{- end -}}
{{- if eq .program "worker" -}}logLevel,mongoDatabase,llmFirstTokenTimeout,llmStreamTimeout,llmConcurrency,reconnectTimeout,sessionIdleTimeout{{- end -}}
{{- if eq .program "migrate" -}}logLevel,mongoDatabase{{- end -}}
{{- end -}}

{{- /* The keys of `settings`, and of a model provider, that a program reads: (dict "program"
       "gateway"). Written by `npm run docs`. */ -}}
{{- define "chatbox.settingNames" -}}
{{- if eq .program "gateway" -}}logLevel,pathPrefix,publicUrl,allowedOrigins,trustedProxies,hsts,jwksUrl,jwtIssuer,jwtAudience,allowVisitors,allowPlaintextBackends,mongoDatabase,reconnectTimeout,sessionIdleTimeout,rateLimit,visitorRateLimit,newVisitorsPerAddress,maxConnections,maxConnectionsPerUser,maxConnectionsPerAddress,handshakesPerAddress,visitorConnections,maxMessageSize,budgetUserTokens,budgetUserCost,budgetAddressTokens,budgetAddressCost,budgetSiteTokens,budgetSiteCost,operators,operatorSession,signInSameBrowser,oidcIssuer,oidcClientId,oidcScope,oidcRolesClaim,auditRetention,operatorTags{{- end -}}
{{- if eq .program "worker" -}}logLevel,pathPrefix,publicUrl,allowPlaintextBackends,mongoDatabase,llmFirstTokenTimeout,llmStreamTimeout,llmConcurrency,reconnectTimeout,sessionIdleTimeout,budgetUserTokens,budgetUserCost,budgetAddressTokens,budgetAddressCost,budgetSiteTokens,budgetSiteCost,smtpHost,smtpPort,smtpTls,smtpUser,emailFrom,adminEmails,smsEndpoint,smsAccountSid,smsFrom,adminPhones,alertPrivateAddresses,alertVisitorText,alertDelay,alertEscalateAfter,alertGroupWindow,alertCap,alertQuietHours,alertTimeZone{{- end -}}
{{- if eq .program "migrate" -}}logLevel,allowPlaintextBackends,mongoDatabase{{- end -}}
{{- end -}}

{{- define "chatbox.providerFields" -}}
{{- if eq .program "gateway" -}}id,name,type,model{{- end -}}
{{- if eq .program "worker" -}}id,name,type,endpoint,apiKeySecretKey,model,maxTokens,contextTokens,inputPrice,outputPrice,systemPrompt{{- end -}}
{{- end -}}

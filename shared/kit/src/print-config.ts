import { HIDDEN, withoutPasswords } from './redaction.ts'
import type { ProviderField, SettingName } from './setting-rules.ts'
import type { ProviderSettings, Settings } from './settings.ts'

type Printed = Record<string, unknown>

/** The settings in force, under the names of their variables, as JSON without any secret. */
export function printConfig(settings: Settings): string {
  const printed: Printed = toVariables(settings)
  settings.providers.forEach((provider, index) => {
    for (const [field, value] of Object.entries(toProviderVariables(provider))) {
      printed[`LLM_PROVIDER_${index + 1}_${field}`] = value
    }
  })
  return JSON.stringify(printed, (_, value: unknown) => value ?? null, 2)
}

function toVariables(settings: Settings): Record<SettingName, unknown> {
  return {
    NODE_ENV: settings.production ? 'production' : 'development',
    MODE: settings.mode,
    HOST: settings.host,
    PORT: settings.port,
    MANAGEMENT_PORT: settings.managementPort,
    PATH_PREFIX: settings.pathPrefix,
    PUBLIC_URL: settings.publicUrl,
    ALLOWED_ORIGINS: settings.allowedOrigins,
    TRUSTED_PROXIES: settings.trustedProxies,
    HSTS: settings.hsts,
    JWT_SECRET: hidden(settings.auth.jwtSecret),
    JWKS_URL: settings.auth.jwksUrl,
    JWT_ISSUER: settings.auth.issuer,
    JWT_AUDIENCE: settings.auth.audience,
    ALLOW_VISITORS: settings.allowVisitors,
    DATA_DIR: settings.dataDir,
    REDIS_URL: settings.redisUrl && withoutPasswords(settings.redisUrl),
    MONGO_URI: settings.mongoUri && withoutPasswords(settings.mongoUri),
    MONGO_DATABASE: settings.mongoDatabase,
    ENCRYPTION_KEYS: settings.encryptionKeys.map(({ id }) => `${id}:${HIDDEN}`),
    LLM_FIRST_TOKEN_TIMEOUT: `${settings.llmFirstTokenTimeoutMs}ms`,
    LLM_STREAM_TIMEOUT: `${settings.llmStreamTimeoutMs}ms`,
    LLM_CONCURRENCY: settings.llmConcurrency,
    RECONNECT_TIMEOUT: `${settings.reconnectTimeoutMs}ms`,
    SESSION_IDLE_TIMEOUT: `${settings.sessionIdleTimeoutMs}ms`,
    RATE_LIMIT: settings.rateLimit,
    MAX_CONNECTIONS: settings.maxConnections,
    MAX_CONNECTIONS_PER_USER: settings.maxConnectionsPerUser,
    MAX_MESSAGE_SIZE: settings.maxMessageBytes,
    LOG_LEVEL: settings.logLevel,
    DRAIN_TIMEOUT: `${settings.drainTimeoutMs}ms`,
  }
}

function toProviderVariables(provider: ProviderSettings): Record<ProviderField, unknown> {
  return {
    ID: provider.id,
    NAME: provider.name,
    TYPE: provider.type,
    ENDPOINT: provider.endpoint,
    API_KEY: hidden(provider.apiKey),
    MODEL: provider.model,
    MAX_TOKENS: provider.maxTokens,
    CONTEXT_TOKENS: provider.contextTokens,
    SYSTEM_PROMPT: provider.systemPrompt,
  }
}

function hidden(secret: string | undefined): string | undefined {
  return secret === undefined ? undefined : HIDDEN
}

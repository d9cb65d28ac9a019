/** Which program reads the settings: each one needs only a part of them. */
export const PROCESS_KINDS = ['standalone', 'gateway', 'worker', 'migrate'] as const
export type ProcessKind = (typeof PROCESS_KINDS)[number]

/** Everything a process is told from outside, checked. Durations are milliseconds, sizes are bytes. */
export interface Settings {
  mode: 'standalone' | 'cluster'
  production: boolean
  /** The address that the servers listen on. */
  host: string
  port: number
  managementPort: number
  /** Begins with `/` and does not end with one. */
  pathPrefix: string
  publicUrl: string | undefined
  dataDir: string
  redisUrl: string | undefined
  mongoUri: string | undefined
  mongoDatabase: string
  auth: {
    jwtSecret: string | undefined
    jwksUrl: string | undefined
    issuer: string | undefined
    audience: string | undefined
  }
  /** The first one encrypts, all of them decrypt; each key is 32 bytes. */
  encryptionKeys: { id: string; key: Uint8Array }[]
  /** Exact origins: scheme, host and port. */
  allowedOrigins: string[]
  /** Addresses or CIDR blocks whose `X-Forwarded-For` is believed. */
  trustedProxies: string[]
  /** What may be reached over https alone once a browser has been here. */
  hsts: 'off' | 'host' | 'subdomains'
  allowVisitors: boolean
  providers: ProviderSettings[]
  llmFirstTokenTimeoutMs: number
  llmStreamTimeoutMs: number
  llmConcurrency: number
  reconnectTimeoutMs: number
  sessionIdleTimeoutMs: number
  /** Messages a minute a user. */
  rateLimit: number
  maxConnections: number
  maxConnectionsPerUser: number
  maxMessageBytes: number
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  drainTimeoutMs: number
}

export interface ProviderSettings {
  id: string
  name: string
  type: 'openai' | 'anthropic' | 'dify' | 'demo'
  endpoint: string | undefined
  apiKey: string | undefined
  /** The provider's own name of the model. */
  model: string | undefined
  /** The longest reply, in tokens. */
  maxTokens: number
  /** The model's whole window, in tokens. */
  contextTokens: number
  systemPrompt: string
}

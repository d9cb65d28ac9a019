import { fileURLToPath } from 'node:url'
import type { Settings } from '@chatbox/kit'
import type { GatewayOptions } from './options.ts'

/** Where the build puts the chat page; the same from the sources and from the compiled files. */
const WEB_ROOT = fileURLToPath(new URL('../../../web/chat/dist/', import.meta.url))

/** The part of the settings that a gateway works with: neither keys of providers nor back ends. */
export function toGatewayOptions(settings: Settings): GatewayOptions {
  const [first, ...others] = settings.providers.map(({ id, name }) => ({ id, name }))
  if (!first) throw new Error('settings without a model were accepted')
  return {
    port: settings.port,
    host: settings.host,
    pathPrefix: settings.pathPrefix,
    publicUrl: settings.publicUrl,
    auth: settings.auth,
    allowedOrigins: settings.allowedOrigins,
    trustedProxies: settings.trustedProxies,
    hsts: settings.hsts,
    allowVisitors: settings.allowVisitors,
    models: [first, ...others],
    reconnectTimeoutMs: settings.reconnectTimeoutMs,
    rateLimit: settings.rateLimit,
    maxConnections: settings.maxConnections,
    maxConnectionsPerUser: settings.maxConnectionsPerUser,
    maxMessageBytes: settings.maxMessageBytes,
    webRoot: WEB_ROOT,
  }
}

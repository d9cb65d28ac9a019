import { fileURLToPath } from 'node:url'
import type { Settings } from '@chatbox/kit'
import type { GatewayOptions } from './options.ts'

/** Where the build puts the chat page; the same from the sources and from the compiled files. */
const WEB_ROOT = fileURLToPath(new URL('../../../web/chat/dist/', import.meta.url))

export function toGatewayOptions(settings: Settings): GatewayOptions {
  const { server, auth, sessions, limits, providers } = settings
  const [first, ...others] = providers.map(({ id, name }) => ({ id, name }))
  if (!first) throw new Error('settings without a model were accepted')
  return { server, auth, sessions, limits, models: [first, ...others], webRoot: WEB_ROOT }
}

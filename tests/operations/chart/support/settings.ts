import { randomBytes } from 'node:crypto'
import type { Container, Manifest } from './manifest.ts'
import { podsOf } from './manifest.ts'
import { NAME } from './render.ts'

/** What the chart says itself, and why nobody else may. */
export const GOVERNED: Readonly<Record<string, string>> = {
  NODE_ENV: 'always production: what the product makes up outside of it is for trying',
  MODE: 'always cluster: the other one is a single process without stores',
  HOST: 'every address of the pod, which policies guard',
  PORT: "what the Service, the policies and the container's port agree on",
  MANAGEMENT_PORT: 'what the probes, the monitor and the policies agree on',
  DRAIN_TIMEOUT: 'drain and close of gateway.drain and worker.drain, of which the grace is made',
  REDIS_URL: 'holds a password: secrets.keys.redisUrl',
  MONGO_URI: 'holds a password: secrets.keys.mongoUri',
  JWT_SECRET: 'secrets.keys.jwtSecret',
  ENCRYPTION_KEYS: 'secrets.keys.encryptionKeys',
  DATA_DIR: 'of a standalone process alone',
}

/** `rateLimit` for `RATE_LIMIT`. */
export function toKey(name: string): string {
  return name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

const base64 = (): string => randomBytes(32).toString('base64')

/** What the Secret would hold, by the name that the process knows it by. */
const SECRETS: Readonly<Record<string, () => string>> = {
  REDIS_URL: () => `redis://:${randomBytes(16).toString('hex')}@redis:6379/0`,
  MONGO_URI: () => `mongodb://chatbox:${randomBytes(16).toString('hex')}@mongodb:27017`,
  JWT_SECRET: base64,
  ENCRYPTION_KEYS: () => `1:${base64()}`,
}

/** As the kubelet does: `$(NAME)` of a variable further up is its value, and `$$(` is no reference. */
function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$\(|\$\((\w+)\)/g, (found, name?: string) => {
    return name === undefined ? '$(' : (known[name] ?? found)
  })
}

/** The environment of a container as the kubelet would make it, with strong secrets. */
export function toEnv({ env = [] }: Container): Record<string, string> {
  const known: Record<string, string> = {}
  for (const { name, value = '', valueFrom } of env) {
    known[name] = valueFrom ? (SECRETS[name] ?? base64)() : expand(value, known)
  }
  return known
}

/** Of the gateways or the workers: the process, or `migrate` before it. */
export function containerOf(
  manifests: readonly Manifest[],
  component: 'gateway' | 'worker',
  name: string = component,
): Container {
  const pod = podsOf(manifests).find(({ owner }) => owner === `${NAME}-${component}`)
  const { initContainers = [], containers = [] } = pod?.spec ?? {}
  const found = [...initContainers, ...containers].find((each) => each.name === name)
  if (!found) throw new Error(`${component} has no container ${name}`)
  return found
}

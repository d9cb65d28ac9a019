import { randomBytes } from 'node:crypto'
import type { Container, Manifest } from './manifest.ts'
import { podsOf } from './manifest.ts'
import { NAME } from './render.ts'

const base64 = (): string => randomBytes(32).toString('base64')

/** What the Secret would hold, by the name that the process knows it by. */
const SECRETS: Readonly<Record<string, () => string>> = {
  REDIS_URL: () => `rediss://:${randomBytes(16).toString('hex')}@redis:6379/0`,
  MONGO_URI: () => `mongodb://chatbox:${randomBytes(16).toString('hex')}@mongodb:27017/?tls=true`,
  JWT_SECRET: base64,
  ENCRYPTION_KEYS: () => `1:${base64()}`,
  ALERT_WEBHOOK_URL: () => 'https://hooks.site.org/alerts',
  ALERT_WEBHOOK_SECRET: () => `whsec_${base64()}`,
  ALERT_CHAT_URL: () => 'https://chat.team.org/hooks/of-ours',
  ALERT_TEAMS_URL: () => 'https://flows.team.org/of-ours',
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

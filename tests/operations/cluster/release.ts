import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { TEST_SECRET } from '../../environment/tokens.ts'
import { apply, helm, kubectl } from './kube/run.ts'
import { listPods } from './kube/pods.ts'
import { NAMESPACE, NAMESPACES, RELEASE, selectorOf } from './world.ts'

const CHART = fileURLToPath(new URL('../../../helm/chatbox', import.meta.url))
const VALUES = fileURLToPath(new URL('values.yaml', import.meta.url))
const WAIT = ['--wait', '--timeout', '240s']

/** What the release and the harness both know. */
export interface Secrets {
  encryptionKey: Buffer
  redisPassword: string
  mongoPassword: string
}

export function createSecrets(): Secrets {
  return {
    encryptionKey: randomBytes(32),
    redisPassword: randomBytes(32).toString('hex'),
    mongoPassword: randomBytes(32).toString('hex'),
  }
}

/** Namespaces that admit nothing but restricted pods, and what the release finds in its own. */
export async function prepareNamespaces(secrets: Secrets, modelCertificate: string): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const namespaces = NAMESPACES.map((name) => {
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
  })
  await apply({ apiVersion: 'v1', kind: 'List', items: namespaces })
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'lab', namespace: NAMESPACE },
    stringData: toSecretData(secrets),
  })
  await apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'model-ca', namespace: NAMESPACE },
    data: { 'ca.crt': modelCertificate },
  })
}

function toSecretData({ encryptionKey, redisPassword, mongoPassword }: Secrets): object {
  const host = (store: string): string => `${RELEASE}-chatbox-${store}`
  return {
    'redis-url': `redis://:${redisPassword}@${host('redis')}:6379/0`,
    'mongo-uri': `mongodb://chatbox:${mongoPassword}@${host('mongodb')}:27017/?authSource=admin`,
    'redis-password': redisPassword,
    'mongo-password': mongoPassword,
    'jwt-secret': TEST_SECRET,
    'encryption-keys': `1:${encryptionKey.toString('base64')}`,
    'llm-key': randomBytes(24).toString('base64url'),
  }
}

/** Installs the chart, or brings the release to exactly these values, and waits until it is ready. */
export async function upgrade(
  set: Readonly<Record<string, string | number | boolean>>,
  extra: readonly string[] = [],
): Promise<void> {
  const values = Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const base = ['upgrade', '--install', RELEASE, CHART, '--namespace', NAMESPACE]
  const fixed = ['--reset-values', '--values', VALUES, '--hide-notes', ...WAIT]
  await helm([...base, ...fixed, ...values, ...extra], { timeoutMs: 260_000 })
}

/** Of the gateways' Service. */
export async function findGatewayAddress(): Promise<{ host: string; port: number }> {
  const at = ['get', 'service', '-n', NAMESPACE, `${RELEASE}-chatbox-gateway`]
  const host = await kubectl([...at, '--output=jsonpath={.spec.clusterIP}'])
  return { host, port: 80 }
}

/** The stores as a tool beside the cluster reaches them: past names and policies. */
export async function findStores({ redisPassword, mongoPassword }: Secrets): Promise<{
  redisUrl: string
  mongoUri: string
}> {
  const [redis] = await listPods(NAMESPACE, selectorOf('redis'))
  const [mongo] = await listPods(NAMESPACE, selectorOf('mongodb'))
  return {
    redisUrl: `redis://:${redisPassword}@${redis?.status.podIP ?? ''}:6379/0`,
    mongoUri: `mongodb://chatbox:${mongoPassword}@${mongo?.status.podIP ?? ''}:27017/?authSource=admin&directConnection=true`,
  }
}

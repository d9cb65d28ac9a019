import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startTlsFront } from '../../../environment/servers/tls-front.ts'
import type { ComposeProject } from './compose-project.ts'
import { makeCertificate } from './make-certificate.ts'

/** What the workers know this machine by. */
const HOST = 'models.test'
const CERTIFICATE = '/run/models.pem'

export interface ServedModels {
  /** Of `.env`. */
  env: Record<string, string>
  stop(): Promise<void>
}

/**
 * Serves a model server of this machine to the project's workers: in production an address outside a
 * container has to be `https`, so over TLS with a certificate of its own that they are told of.
 */
export async function serveModels(project: ComposeProject, port: number): Promise<ServedModels> {
  const { key, cert } = await makeCertificate(project.folder, HOST)
  const identity = { key: await readFile(key), cert: await readFile(cert) }
  // Containers reach this machine over any of its addresses.
  const front = await startTlsFront(identity, port, { host: '0.0.0.0' })
  const override = join(project.folder, 'models.yml')
  await writeFile(override, toOverride(cert))
  project.overrides = [override]
  return {
    env: {
      LLM_PROVIDER_1_ID: 'tokens',
      LLM_PROVIDER_1_NAME: 'Tokens',
      LLM_PROVIDER_1_TYPE: 'openai',
      LLM_PROVIDER_1_ENDPOINT: `https://${HOST}:${front.port}/v1`,
      LLM_PROVIDER_1_API_KEY: 'of-no-use',
      LLM_PROVIDER_1_MODEL: 'tokens',
      // Longer histories cost every answer the reading of them, which is not what is tested.
      LLM_PROVIDER_1_CONTEXT_TOKENS: '2048',
    },
    stop: () => front.close(),
  }
}

function toOverride(certificate: string): string {
  return `services:
  worker:
    environment:
      NODE_EXTRA_CA_CERTS: ${CERTIFICATE}
    extra_hosts:
      - ${HOST}:host-gateway
    volumes:
      - ${certificate}:${CERTIFICATE}:ro
`
}

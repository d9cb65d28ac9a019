import { readFile } from 'node:fs/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  makeCertificate,
  type Certificate,
} from '../../operations/compose/support/make-certificate.ts'

export interface Trust {
  /** For `localhost`, and trusted by this process. */
  good: Certificate
  /** For another name, and trusted. */
  otherName: Certificate
  /** For `localhost`, signed by itself. */
  unknown: Certificate
  close(): Promise<void>
}

/** Makes certificates, and lets this process trust two of them. */
export async function openTrust(): Promise<Trust> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-trust-'))
  const other = await mkdtemp(join(tmpdir(), 'chatbox-trust-'))
  const good = await makeCertificate(folder, 'localhost')
  const otherName = await makeCertificate(folder, 'mail.site.org')
  const unknown = await makeCertificate(other, 'localhost')
  const before = getCACertificates('default')
  const trusted = await Promise.all([good, otherName].map(({ cert }) => readFile(cert, 'utf8')))
  setDefaultCACertificates([...before, ...trusted])
  return {
    ...{ good, otherName, unknown },
    async close() {
      setDefaultCACertificates(before)
      await Promise.all([folder, other].map((one) => rm(one, { recursive: true })))
    },
  }
}

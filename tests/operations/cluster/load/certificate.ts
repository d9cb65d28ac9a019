import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../kube/run.ts'

export interface Certificate {
  key: string
  /** Signed by itself: whoever trusts it trusts it as an authority. */
  cert: string
}

/** For a server at this IP address, for a day. */
export async function makeCertificate(address: string): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-certificate-'))
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
  const name = ['-subj', '/CN=model', '-addext', `subjectAltName=IP:${address}`]
  const out = ['-keyout', files.key, '-out', files.cert]
  await run('openssl', ['req', '-x509', ...kind, ...name, ...out])
  return { key: await readFile(files.key, 'utf8'), cert: await readFile(files.cert, 'utf8') }
}

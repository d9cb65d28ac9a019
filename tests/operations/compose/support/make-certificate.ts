import { execFile } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificate {
  /** Paths of PEM files; `both` has certificate and key. */
  key: string
  cert: string
  both: string
}

/** A certificate for one name that nobody has signed but itself, readable by containers' users. */
export async function makeCertificate(folder: string, host: string): Promise<Certificate> {
  const [key, cert, both] = ['key', 'cert', 'both'].map((part) =>
    join(folder, `${host}-${part}.pem`),
  )
  if (!key || !cert || !both) throw new Error('no places for a certificate')
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const options = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  const files = ['-keyout', key, '-out', cert]
  await promisify(execFile)('openssl', ['req', ...options, ...subject, ...files])
  await writeFile(both, `${await readFile(cert, 'utf8')}${await readFile(key, 'utf8')}`)
  await Promise.all([chmod(folder, 0o755), chmod(cert, 0o644), chmod(both, 0o644)])
  return { key, cert, both }
}

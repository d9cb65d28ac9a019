import { createSecretKey, hkdfSync, randomUUID, type KeyObject } from 'node:crypto'
import type { Clock } from '@chatbox/core'
import jwt, { type JwtPayload } from 'jsonwebtoken'
import { readSignedClaims } from './claims.ts'

/** Visitors come from an issuer of our own, with keys of its own: one issuer, one kind of key. */
export const VISITOR_ISSUER = 'chatbox-visitors'
const TOKEN_TTL_S = 15 * 60
export const PROOF_TTL_S = 30 * 24 * 60 * 60

export interface VisitorTokens {
  /** A short-lived token for one visitor. */
  issueToken(visitorId: string): Promise<{ token: string; expiresAt: Date }>
  /** The claims of a token that this issued. Rejects for every other. */
  readToken(token: string): Promise<JwtPayload>
  /** What a browser keeps so that it gets the same visitor again; useless as a token. */
  issueProof(visitorId: string): Promise<string>
  /** The visitor of a proof; undefined where it is none, or too old. */
  readProof(proof: string): Promise<string | undefined>
}

export function newVisitorId(): string {
  return `visitor:${randomUUID()}`
}

/** `secret` is the one that the process signs with; the two keys are derived from it. */
export function createVisitorTokens(secret: string, clock: Pick<Clock, 'now'>): VisitorTokens {
  const tokens = createSigner(deriveKey(secret, 'chatbox visitor token'), clock)
  const proofs = createSigner(deriveKey(secret, 'chatbox visitor proof'), clock)
  return {
    issueToken: (visitorId) => tokens.sign(visitorId, TOKEN_TTL_S),
    readToken: (token) => tokens.verify(token),
    issueProof: async (visitorId) => (await proofs.sign(visitorId, PROOF_TTL_S)).token,
    readProof: (proof) =>
      proofs.verify(proof).then(
        (claims) => claims.sub,
        () => undefined,
      ),
  }
}

function createSigner(key: KeyObject, clock: Pick<Clock, 'now'>) {
  return {
    async sign(subject: string, ttlS: number): Promise<{ token: string; expiresAt: Date }> {
      const now = Math.floor(clock.now().getTime() / 1000)
      const token = jwt.sign({ iat: now }, key, {
        algorithm: 'HS256',
        issuer: VISITOR_ISSUER,
        subject,
        expiresIn: ttlS,
      })
      return { token, expiresAt: new Date((now + ttlS) * 1000) }
    },
    async verify(token: string): Promise<JwtPayload> {
      const checks = { algorithm: 'HS256', issuer: VISITOR_ISSUER, now: clock.now() } as const
      return readSignedClaims(token, key, checks)
    },
  }
}

function deriveKey(secret: string, purpose: string): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32)))
}

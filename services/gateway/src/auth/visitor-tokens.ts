import { createSecretKey, hkdfSync, randomUUID, type KeyObject } from 'node:crypto'
import { VISITOR_PREFIX, type Clock } from '@chatbox/core'
import jwt, { type JwtPayload } from 'jsonwebtoken'
import { readSignedClaims } from './claims.ts'

/** Visitors have an issuer with its own keys, because one issuer has one kind of key. */
export const VISITOR_ISSUER = 'chatbox-visitors'
const TOKEN_TTL_S = 15 * 60
export const PROOF_TTL_S = 30 * 24 * 60 * 60

export interface VisitorTokens {
  /** Issues a short-lived token for one visitor. */
  issueToken(visitorId: string): Promise<{ token: string; expiresAt: Date }>
  /** Returns the claims of a visitor token. Rejects any other token. */
  readToken(token: string): Promise<JwtPayload>
  /** Issues a proof that gets a browser the same visitor again. It is not a token. */
  issueProof(visitorId: string): Promise<string>
  /** Returns what a proof says, undefined if the proof is invalid or too old. */
  readProof(proof: string): Promise<Proof | undefined>
}

interface Proof {
  visitorId: string
  /** An earlier version issued it, for a cookie that other hosts of the domain could set too. */
  isFormer: boolean
}

/** In every proof since cookies have the prefix `__Host-`. Earlier versions ignore it. */
const PROOF_CLAIMS = { v: 2 }

export function newVisitorId(): string {
  return `${VISITOR_PREFIX}${randomUUID()}`
}

/** Derives two keys from `secret`: one for tokens, one for proofs. */
export function createVisitorTokens(secret: string, clock: Pick<Clock, 'now'>): VisitorTokens {
  const tokens = createSigner(deriveKey(secret, 'chatbox visitor token'), clock)
  const proofs = createSigner(deriveKey(secret, 'chatbox visitor proof'), clock)
  return {
    issueToken: (visitorId) => tokens.sign(visitorId, TOKEN_TTL_S),
    readToken: (token) => tokens.verify(token),
    issueProof: async (visitorId) =>
      (await proofs.sign(visitorId, PROOF_TTL_S, PROOF_CLAIMS)).token,
    readProof: (proof) => proofs.verify(proof).then(toProof, () => undefined),
  }
}

function createSigner(key: KeyObject, clock: Pick<Clock, 'now'>) {
  return {
    async sign(
      subject: string,
      ttlS: number,
      claims: object = {},
    ): Promise<{ token: string; expiresAt: Date }> {
      const now = Math.floor(clock.now().getTime() / 1000)
      const token = jwt.sign({ ...claims, iat: now }, key, {
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

function toProof({ sub, v }: JwtPayload): Proof | undefined {
  return sub === undefined ? undefined : { visitorId: sub, isFormer: v !== PROOF_CLAIMS.v }
}

function deriveKey(secret: string, purpose: string): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32)))
}

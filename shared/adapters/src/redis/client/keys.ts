import { createHash } from 'node:crypto'

/**
 * Every key and channel in Redis. What is in braces decides the cluster slot, so that the keys of
 * one script lie together. Names of people enter only as digests: a dump is to name nobody.
 *
 * | Key | Type | Lives |
 * |---|---|---|
 * | `P:{reply:ID}:draft`, `…:chunks` | hash, list | 10 min after the last delta |
 * | `P:{user:DIGEST}:here` | sorted set | 45 s after the last refresh |
 * | `P:rate:RULE:DIGEST` | counter | one window of the rule |
 * | `{P:queue}:…` | BullMQ's | as BullMQ decides; finished jobs leave at once, failed ones in 1 h |
 */
export interface RedisKeys {
  draft(replyId: string): string
  chunks(replyId: string): string
  presence(userId: string): string
  ratePrefix: string
  rateKey(key: string): string
  /** BullMQ wants all of a queue's keys in one slot. */
  queuePrefix: string
  sessionChannel(sessionId: string): string
  sessionOfChannel(channel: string): string
  stopChannel: string
  socketChannels: string
}

export function createKeys(prefix = 'chatbox'): RedisKeys {
  return {
    draft: (replyId) => `${prefix}:{reply:${replyId}}:draft`,
    chunks: (replyId) => `${prefix}:{reply:${replyId}}:chunks`,
    presence: (userId) => `${prefix}:{user:${digest(userId)}}:here`,
    ratePrefix: `${prefix}:rate`,
    rateKey: digest,
    queuePrefix: `{${prefix}:queue}`,
    sessionChannel: (sessionId) => `${prefix}:session:${sessionId}`,
    sessionOfChannel: (channel) => channel.slice(`${prefix}:session:`.length),
    stopChannel: `${prefix}:stop`,
    socketChannels: `${prefix}:io`,
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

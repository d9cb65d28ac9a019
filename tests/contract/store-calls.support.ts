import { expect } from '@jest/globals'
import type { AlertPorts, GatewayStorePorts, Store, StorePorts } from '@chatbox/adapters'
import type { ReplyTask } from '@chatbox/core'
import {
  newId,
  newNote,
  newOutcome,
  newRevocation,
  newSession,
  userEntry,
} from './store.support.ts'

export const PROMISED_MS = 3000

type Calls = Record<string, () => Promise<unknown>>
type CallsOf<Port> = { [Method in keyof Port]: () => Promise<unknown> }

/** Every method of every port, with arguments that would be answered if the store were there. */
export function toCalls(store: Store, reply: ReplyTask): Calls {
  const { sessionId, replyId } = reply
  const { sessions, messages, replies, conversationRefs, inbox, alerts } = store
  const { desks, revocations, signInTickets, audit } = store
  const alert = { id: newId(), rule: 'help.requested' }
  const retry = { sessionId, messageId: replyId, replyId: newId(), modelId: 'demo', askedAt: '' }
  type Ports = StorePorts & GatewayStorePorts & AlertPorts
  // Where the store's clock was read before, this process goes on counting.
  type Asking = Omit<Ports, 'inbox'> & { inbox: Omit<Ports['inbox'], 'now'> }
  const calls: { [Name in keyof Asking]: CallsOf<Asking[Name]> } = {
    sessions: {
      create: () => sessions.create(newSession()),
      find: () => sessions.find(sessionId),
      findHead: () => sessions.findHead(sessionId, 0),
      findActive: () => sessions.findActive('user'),
      list: () => sessions.list('user', { limit: 5 }),
      noteActivity: () => sessions.noteActivity(sessionId, new Date()),
      listIdle: () => sessions.listIdle(new Date(), 5),
    },
    messages: {
      append: () => messages.append(userEntry(sessionId)),
      prepareAppend: () => messages.prepareAppend(sessionId),
      read: () => messages.read(sessionId, { limit: 5 }),
      open: () => messages.open(sessionId, { limit: 5 }),
      find: () => messages.find(sessionId, replyId),
    },
    replies: {
      findOpen: () => replies.findOpen(sessionId),
      claim: () => replies.claim(reply, 1000),
      renew: () => replies.renew(reply, 1000),
      raiseEpoch: () => replies.raiseEpoch(reply, 1000),
      release: () => replies.release(reply),
      commit: () => replies.commit(reply, newOutcome()),
      interrupt: () => replies.interrupt(reply, newOutcome()),
      findCommitted: () => replies.findCommitted(reply),
      settle: () => replies.settle(reply, 1, 'done'),
      cancel: () => replies.cancel(sessionId, 'all'),
      requestStop: () => replies.requestStop(sessionId, replyId),
      retry: () => replies.retry(retry),
      takeUnfinished: () => replies.takeUnfinished({ forMs: 1, limit: 5 }),
      takeWaiting: () => replies.takeWaiting(0, { forMs: 1, limit: 5 }),
    },
    conversationRefs: {
      read: () => conversationRefs.read(sessionId, 'dify'),
      save: () => conversationRefs.save(sessionId, 'dify', 'ref'),
    },
    desks: {
      append: () => desks.append(newNote(sessionId)),
      open: () => desks.open(sessionId, { limit: 5 }),
      saveDraft: () => desks.saveDraft({ sessionId, operatorId: 'olga' }, 'Hello'),
      findDraft: () => desks.findDraft({ sessionId, operatorId: 'olga' }),
    },
    inbox: {
      listActive: () => inbox.listActive({ afterId: '', limit: 5, isChecked: true }),
      listChanges: () => inbox.listChanges({ changedAt: new Date(), sessionId: '' }, 5),
      read: () => inbox.read([sessionId]),
      list: () => inbox.list({ sort: 'startedAt', order: 'asc', limit: 5 }),
      countEnded: () => inbox.countEnded(5),
      moveReadMark: () => inbox.moveReadMark('olga', sessionId, 1),
      findReadMark: () => inbox.findReadMark('olga', sessionId),
      listReadMarks: () => inbox.listReadMarks('olga', 5),
      listMovedReadMarks: () => inbox.listMovedReadMarks(new Date(), 5),
    },
    alerts: {
      open: () => alerts.open(alert),
      claim: () => alerts.claim(alert.id, 1000),
      claimDue: () => alerts.claimDue(5, 1000),
      save: () => alerts.save({ ...alert, epoch: 1 }, { state: 'sent', deliveries: [] }),
      find: () => alerts.find(alert.id),
      list: () => alerts.list({ limit: 5 }),
      countOpen: () => alerts.countOpen(alert.rule, new Date()),
      group: () => alerts.group({ ...alert, readyAt: new Date(), windowMs: 1000 }),
      takePlace: () => alerts.takePlace('bucket', alert.id, 2),
      noteChannels: () => alerts.noteChannels([]),
      listChannels: () => alerts.listChannels(),
      forget: () => alerts.forget(new Date(0)),
    },
    revocations: {
      put: () => revocations.put(newRevocation()),
      end: () => revocations.end('user'),
      find: () => revocations.find('user'),
      listChanges: () => revocations.listChanges(undefined, 5),
    },
    signInTickets: {
      create: () => signInTickets.create({ digest: newId(), content: 'olga' }, 1000),
      use: () => signInTickets.use(newId()),
    },
    audit: {
      append: () => audit.append({ at: new Date(), actor: 'olga', action: 'session:open' }),
      list: () => audit.list({ limit: 5 }),
      read: () => audit.read(0, 5),
      remove: () => audit.remove(0),
    },
  }
  const named = Object.entries(calls).flatMap(([port, ofPort]) =>
    Object.entries<Calls[string]>(ofPort).map(([name, call]) => [`${port}.${name}`, call] as const),
  )
  return { ...Object.fromEntries(named), ping: () => store.ping() }
}

export async function expectUnavailable(calls: Calls): Promise<void> {
  const results = await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      const startedAt = performance.now()
      const code = await call().then(
        () => 'answered',
        (error: unknown) => (error as { code?: unknown }).code,
      )
      return { name, code, inTime: performance.now() - startedAt < PROMISED_MS }
    }),
  )
  const expected = Object.keys(calls).map((name) => ({ name, code: 'UNAVAILABLE', inTime: true }))
  expect(results).toEqual(expected)
}

import { MAX_DRAFTS } from '../../../shared/adapters/src/memory/memory-drafts.ts'
import { MAX_UNDELIVERED } from '../../../shared/adapters/src/memory/memory-event-bus.ts'
import { MAX_JOBS } from '../../../shared/adapters/src/memory/memory-job-queue.ts'
import { MAX_KNOWN } from '../../../shared/adapters/src/mongo/head-cache.ts'
import { MAX_WAITING as MAX_WRITES } from '../../../shared/adapters/src/mongo/keyed-queue.ts'
import {
  MAX_AGE_MS,
  MAX_LENGTH,
  MAX_WAITING,
} from '../../../shared/adapters/src/redis/bus/republisher.ts'
import { MAX_PUBLISHING } from '../../../shared/adapters/src/redis/bus/socket-adapter.ts'
import { MAX_LEASES } from '../../../shared/adapters/src/redis/leased-limit.ts'
import { characters, count, time, type LimitGroup } from './limit.ts'

export const BACK_ENDS: LimitGroup = {
  title: 'Stores, bus and queue',
  limits: [
    {
      what: 'jobs of a standalone process',
      per: 'process',
      amount: count(MAX_JOBS),
      then: 'the message is stored, and a sweep queues its question later',
      test: [
        'shared/adapters/src/memory/memory-job-queue.test.ts',
        'refuses more jobs than it has room for',
      ],
    },
    {
      what: 'undelivered events of a standalone process',
      per: 'process',
      amount: count(MAX_UNDELIVERED),
      then: 'the next event is dropped and counted; viewers catch up from the log',
      test: [
        'shared/adapters/src/memory/memory-event-bus.test.ts',
        'drops and counts what is published beyond 10,000 undelivered events',
      ],
    },
    {
      what: 'drafts of a standalone process',
      per: 'process',
      amount: count(MAX_DRAFTS),
      then: 'the draft that rests longest is forgotten',
      test: [
        'shared/adapters/src/memory/memory-drafts.test.ts',
        'has room for 500, and forgets the one that rests longest',
      ],
    },
    {
      what: 'writes to one session that wait',
      per: 'session',
      amount: count(MAX_WRITES),
      then: 'the next one gets `UNAVAILABLE`',
      test: ['shared/adapters/src/mongo/keyed-queue.test.ts', 'refuses more than it can hold'],
    },
    {
      what: 'ends of logs that are kept in memory',
      per: 'process',
      amount: count(MAX_KNOWN),
      then: 'the one that was kept longest ago is read again',
      test: [
        'shared/adapters/src/mongo/head-cache.test.ts',
        'are 1000, and the one that was kept longest ago is forgotten',
      ],
    },
    {
      what: 'announcements under way to Redis',
      per: 'process',
      amount: count(MAX_PUBLISHING),
      then: 'the next one counts as failed; log entries are published later',
      test: [
        'tests/contract/socket-adapter.test.ts',
        'bounds what waits for a Redis that is silent',
        '12_000',
      ],
    },
    {
      what: 'log entries that wait for Redis to come back',
      per: 'process',
      amount: `${count(MAX_WAITING)} of ${characters(MAX_LENGTH)}, for ${time(MAX_AGE_MS)}`,
      then: 'the oldest are dropped; viewers catch up from the log',
      test: [
        'shared/adapters/src/redis/bus/republisher.test.ts',
        'keeps the latest 1000 texts, and of long ones the latest 8 million characters',
      ],
    },
    {
      what: 'points of rate limits that were taken in advance',
      per: 'process',
      amount: `those of ${count(MAX_LEASES)} users`,
      then: 'the oldest are given up',
      test: [
        'shared/adapters/src/redis/leased-limit.test.ts',
        'holds a bounded number of leases, the newest',
      ],
    },
  ],
}

import { afterAll, beforeAll } from '@jest/globals'
import { newMongoDatabase, startMongo, type RunningMongo } from '../environment/servers/mongo.ts'
import { startRedis, type RedisServer } from '../environment/servers/redis.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { describeWorkerDeaths } from './worker-deaths.contract.ts'
import { describeWorkerProcess } from './worker-process.contract.ts'
import { newKeys, openRigOn, type WorkerRig } from './worker-rig.ts'

describeWithCluster('a worker process on Redis and MongoDB', () => {
  let redis: RedisServer
  let mongo: RunningMongo

  beforeAll(async () => {
    ;[redis, mongo] = await Promise.all([startRedis(), startMongo()])
  }, 60_000)
  afterAll(() => Promise.all([redis.stop(), mongo.stop()]))

  /** On one pair of servers, each time under names of its own. */
  async function openClusterRig(): Promise<WorkerRig> {
    const mongoDatabase = newMongoDatabase()
    const options = {
      kind: 'cluster' as const,
      redisUrl: redis.url,
      mongoUri: mongo.uri,
      mongoDatabase,
      keyPrefix: mongoDatabase,
      encryptionKeys: newKeys(),
    }
    return openRigOn(options, async () => undefined)
  }

  describeWorkerProcess(openClusterRig)
  describeWorkerDeaths(openClusterRig)
})

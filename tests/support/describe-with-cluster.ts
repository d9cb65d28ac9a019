import { NoMongoError, startMongo } from '../environment/servers/mongo.ts'
import { findRedisSkipReason } from '../environment/servers/redis.ts'
import { describeUnless, type Describe } from './describe-unless.ts'

/** For suites that start a cluster, which takes a Redis and a MongoDB-compatible store. */
export const describeWithCluster: Describe = describeUnless(await findClusterSkipReason())

/** What a cluster lacks here; undefined where one can be started. */
export async function findClusterSkipReason(): Promise<string | undefined> {
  return (await findRedisSkipReason()) ?? (await findMongoSkipReason())
}

/** Whether a store can be had is only known once one has started. */
async function findMongoSkipReason(): Promise<string | undefined> {
  try {
    await (await startMongo(() => undefined)).stop()
    return undefined
  } catch (error) {
    if (error instanceof NoMongoError) return error.message
    throw error
  }
}

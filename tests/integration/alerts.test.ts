import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from '@jest/globals'
import { asServices, Cluster, startBackEnds } from '../environment/cluster.ts'
import { startService } from '../environment/servers/processes.ts'
import { TEST_SECRET } from '../environment/tokens.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { describeAlerts } from './alerts.contract.ts'

describe('alerts in one process', () => {
  describeAlerts(async (settings) => {
    const folder = await mkdtemp(join(tmpdir(), 'chatbox-alerts-'))
    const env = { DATA_DIR: join(folder, 'data'), JWT_SECRET: TEST_SECRET, ...settings }
    const gateway = await startService('standalone', { env })
    return {
      gateway,
      async stop() {
        await gateway.kill()
        await rm(folder, { recursive: true, force: true })
      },
    }
  })
})

describeWithCluster('alerts in a cluster', () => {
  describeAlerts(async (settings) => {
    const backEnds = await startBackEnds()
    const cluster = new Cluster(backEnds, { ...asServices(), gateways: 1, workers: 2, settings })
    await cluster.start()
    const [gateway] = cluster.gateways
    if (!gateway) throw new Error('no gateway has started')
    return { gateway, stop: () => cluster.stop() }
  })
})

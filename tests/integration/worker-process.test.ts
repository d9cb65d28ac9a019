import { describe } from '@jest/globals'
import { describeWorkerProcess } from './worker-process.contract.ts'
import { openRig } from './worker-rig.ts'

describe('a worker process on the embedded adapters', () => {
  describeWorkerProcess(openRig)
})

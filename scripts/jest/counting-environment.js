// Node's environment for tests. If `CHATBOX_COVERAGE` names a folder, the processes that a test
// starts write their coverage there.
import process from 'node:process'
import { TestEnvironment } from 'jest-environment-node'

export default class CountingEnvironment extends TestEnvironment {
  constructor(config, context) {
    // Not earlier: a process that starts with it counts by itself, which would disturb the counting
    // of its tests.
    const folder = process.env.CHATBOX_COVERAGE
    if (folder) process.env.NODE_V8_COVERAGE = folder
    super(config, context)
  }
}

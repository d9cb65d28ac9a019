// Node's environment for tests. Where `CHATBOX_COVERAGE` names a folder, the processes that a test
// starts write there what they ran.
import process from 'node:process'
import { TestEnvironment } from 'jest-environment-node'

export default class CountingEnvironment extends TestEnvironment {
  constructor(config, context) {
    // Not earlier: a process that starts with it counts by itself, which would disturb the counting
    // of the tests that run in it.
    const folder = process.env.CHATBOX_COVERAGE
    if (folder) process.env.NODE_V8_COVERAGE = folder
    super(config, context)
  }
}

// Starts with files that are short and take long. Where jest has not measured them yet, it takes a
// long file for a slow one, and these would run last, one of them alone at the end.
import Sequencer from '@jest/test-sequencer'

const SLOW =
  /\/(?:bench-messages|bench-connections|worker-cluster|store-contract|smoke|under-load|live)\.test\.ts$/u

export default class SlowFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).toSorted((a, b) => toRank(a) - toRank(b))
  }
}

function toRank({ path }) {
  return SLOW.test(path) ? 0 : 1
}

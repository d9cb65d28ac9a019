import { checkSuites } from '../support/bench-smoke.ts'

const KINDS = ['socket.io', 'socket.io again', 'plain ws', 'ours', 'ours + session']

checkSuites("the bench's suites of connections", {
  connect: KINDS,
  idle: KINDS,
  history: ['100 messages', '100 messages again', '150 messages'],
  'history-cluster': ['100 messages', '100 messages again', '150 messages'],
  'many-sessions': ['50 sessions', '50 sessions again', '100 sessions'],
  'gateway-kill': ['ours'],
  flood: ['quiet', 'quiet again', 'one', 'five'],
})

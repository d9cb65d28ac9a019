import { checkSuites } from '../support/bench-smoke.ts'

checkSuites("the bench's suites of messages", {
  control: [
    'socket.io',
    'socket.io again',
    'plain ws',
    'ours',
    'ours -limits',
    'ours -limits -lookup',
  ],
  tokens: ['direct sse', 'direct sse again', 'ours', 'ours -draft', 'ours -coalescing'],
  'lone-stream': ['direct sse', 'ours'],
  ack: ['bare insert', 'bare insert again', 'ours', 'ours -limits'],
  'slow-reader': ['all read', 'all read again', 'some do not'],
  'unread-downloads': ['no downloads', 'no downloads again', 'unread'],
  'pick-up': ['idle', 'busy'],
  question: ['standalone', 'standalone again', 'cluster'],
  rush: ['standalone', 'cluster'],
  inbox: ['20 sessions', '20 sessions again', '40 sessions'],
})

checkSuites('the bench beside another commit', {
  'tokens-against': ['before', 'before again', 'ours'],
})

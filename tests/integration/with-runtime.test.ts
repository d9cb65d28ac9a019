import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

function run(flags: string[], script: string): ChildProcess {
  const args = ['scripts/with-runtime.js', ...flags, 'node', '-e', script]
  return spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function exitCodeOf(child: ChildProcess): Promise<unknown> {
  const [code] = (await once(child, 'close')) as unknown[]
  return code
}

/** Says that it is there, then how often it is told to stop, and ends after the second time or soon. */
const COUNT_SIGNALS = `
  let seen = 0
  process.on('SIGTERM', () => { seen += 1; setTimeout(() => { console.log(seen); process.exit(9) }, 300) })
  setInterval(() => undefined, 1000)
  console.log('started')`

describe.each([[[]], [['--session']]])('with-runtime %j', (flags) => {
  it('passes the exit code on', async () => {
    expect(await exitCodeOf(run(flags, 'process.exit(7)'))).toBe(7)
    expect(await exitCodeOf(run(flags, ''))).toBe(0)
  })

  it('passes an end by a signal on as a shell would', async () => {
    expect(await exitCodeOf(run(flags, "process.kill(process.pid, 'SIGKILL')"))).toBe(137)
  })

  it('passes a request to stop on once, however many times it comes at once', async () => {
    const child = run(flags, COUNT_SIGNALS)
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += String(chunk)
      if (output === 'started\n') for (let time = 0; time < 3; time += 1) child.kill('SIGTERM')
    })
    expect(await exitCodeOf(child)).toBe(9)
    expect(output).toBe('started\n1\n')
  })

  it('runs a recent Node', async () => {
    const child = run(flags, 'console.log(process.versions.node)')
    const [chunk] = (await once(child.stdout ?? child, 'data')) as unknown[]
    expect(Number(String(chunk).split('.')[0])).toBeGreaterThanOrEqual(22)
  })
})

describe('with-runtime', () => {
  it('says what it cannot run', async () => {
    const child = spawn(process.execPath, ['scripts/with-runtime.js', 'no-such-command'], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [chunk] = (await once(child.stderr, 'data')) as unknown[]
    expect(String(chunk)).toMatch(/^Cannot run no-such-command: .*ENOENT\n$/)
    expect(await exitCodeOf(child)).toBe(1)
  })
})
